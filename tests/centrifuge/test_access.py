from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw

from emmett import session
from emmett.centrifuge import Client, allow
from emmett.centrifuge.access import decoded, users_of
from emmett.sessions import SessionManager
from tests.centrifuge.kit import SECRET, Service, soon, token


@pytest.mark.parametrize(
    ("channel", "users"),
    [("news", None), ("#42", ["42"]), ("talk:weekend#42,43", ["42", "43"]), ("a#1#2", ["2"]), ("a#", [""])],
)
def test_the_name_of_a_channel_may_list_its_users(channel: str, users: list[str] | None) -> None:
    assert users_of(channel) == users


def test_functions_get_decoded_data_of_clients() -> None:
    assert decoded(Raw(b"")) is None
    assert decoded(Raw(b'{"a":1}')) == {"a": 1}
    assert decoded(Raw(b"\xff")) == b"\xff"


async def test_clients_may_use_a_namespace_only_once_it_is_opened() -> None:
    service = Service()
    service.channels.namespace("open", may_subscribe=lambda channel: channel != "open:no")
    async with service.run(), service.connected() as client:
        for command in ({"subscribe": {"channel": "closed:1"}}, {"publish": {"channel": "closed:1", "data": 1}}):
            assert await client.error(**command) == 102, "the namespace was not declared"
        assert await client.error(subscribe={"channel": "closed"}) == 103
        assert await client.error(subscribe={"channel": "open:no"}) == 103
        assert await client.subscribe("open:1") == {}
        assert await client.error(subscribe={"channel": "open:1"}) == 105
        assert await client.error(subscribe={"channel": "open:*"}) == 107
        assert await client.error(subscribe={"channel": ""}) == 107
        assert await client.error(publish={"channel": "open:1", "data": 1}) == 103


async def test_functions_and_namespaces_must_both_agree() -> None:
    service = Service()
    service.channels.namespace("open", may_subscribe=lambda channel: channel != "open:no")
    asked: list[Any] = []

    @service.centrifuge.on_subscribe
    async def subscribe(client: Client, channel: str, data: Any) -> Any:
        asked.append((channel, data))
        return channel != "open:never" and allow(info={"n": 1}, data={"hello": 1}, expires_at=soon(60))

    async with service.run(), service.connected() as client:
        assert await client.error(subscribe={"channel": "open:never"}) == 103
        assert await client.error(subscribe={"channel": "open:no"}) == 103
        found = await client.subscribe("open:1", data={"token": 5})
        # The expiry is not sent: SDKs would try to refresh the subscription, could not, and would give up.
        assert found == {"data": {"hello": 1}}
        assert asked[-1] == ("open:1", {"token": 5})


async def test_a_subscription_token_alone_grants_access() -> None:
    service = Service(secret=SECRET)
    async with service.run(), service.connected(token=token(sub="42")) as client:
        assert await client.error(subscribe={"channel": "closed"}) == 103
        assert await client.error(subscribe={"channel": "closed", "token": "bad"}) == 103
        assert await client.error(subscribe={"channel": "closed", "token": token(channel="closed", exp=1)}) == 109
        assert await client.subscribe("closed", token=token(sub="42", channel="closed")) == {}
        await client.send({"id": 9, "subscribe": {"channel": "other", "token": token(sub="42", channel="closed")}})
        assert await client.ended() == (3500, "invalid token")


async def test_a_token_without_keys_is_refused() -> None:
    service = Service()
    async with service.run(), service.connected() as client:
        assert await client.error(subscribe={"channel": "x", "token": token(channel="x")}) == 103


async def test_channels_of_users_are_open_to_them_only() -> None:
    service = Service(secret=SECRET)
    async with service.run():
        async with service.connected(token=token(sub="42")) as client:
            assert await client.subscribe("talk#42,43") == {}
            assert await client.error(subscribe={"channel": "talk#43"}) == 103
        async with service.connected(token=token()) as client:
            # An anonymous client is no user, not even the user with an empty name.
            assert await client.error(subscribe={"channel": "talk#"}) == 103


async def test_permission_functions_can_use_the_session_and_the_client() -> None:
    service = Service()
    service.app.pipeline = [SessionManager.memory()]
    service.channels.namespace(
        "room",
        may_subscribe=lambda channel: session.user == "ada" and channel == "room:1",
        may_publish=lambda channel, data: service.centrifuge.client.is_subscribed(channel),
    )

    @service.app.route("/login/<str:user>")
    async def login(user: str) -> str:
        session.user = user
        return "ok"

    async with service.run():
        await service.client.get("/login/ada")
        async with service.connected() as client:
            assert [each.user for each in service.centrifuge.clients] == ["ada"]
            assert await client.error(publish={"channel": "room:1", "data": 1}) == 103
            assert await client.subscribe("room:1") == {}
            assert await client.error(subscribe={"channel": "room:2"}) == 103
            assert await client.ask(publish={"channel": "room:1", "data": 1}) == {"publish": {}}
