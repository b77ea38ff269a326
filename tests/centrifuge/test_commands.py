from __future__ import annotations

from typing import Any

import pytest

from emmett.centrifuge import Client
from emmett.channels import Details, Position
from tests.centrifuge.kit import SECRET, Service, token


@pytest.fixture
def service() -> Service:
    service = Service(secret=SECRET, max_channels=3)
    service.open_namespace("room", history=10, presence=True, max_message_size=50)
    service.open_namespace("plain")
    return service


async def test_a_publication_names_its_publisher(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42", info={"n": 1})) as client:
        await client.subscribe("room:1")
        (own,) = service.centrifuge.clients
        async with service.channels.subscribe("room:1") as feed:
            assert await client.ask(publish={"channel": "room:1", "data": {"a": 1}}) == {"publish": {}}
            info = {"user": "42", "client": own.id, "conn_info": {"n": 1}}
            assert (await client.push())["pub"] == {"data": {"a": 1}, "info": info, "offset": 1}
            publication = await anext(feed)
            assert publication.data == '{"a": 1}'
            assert isinstance(publication.position, Position)
            assert isinstance(publication.details, Details)


async def test_a_publication_that_is_too_large_or_empty_is_refused(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        assert await client.error(publish={"channel": "room:1", "data": "x" * 60}) == 106
        assert await client.error(publish={"channel": "room:1"}) == 107
        assert await client.error(publish={"channel": "a b", "data": 1}) == 107


async def test_on_publish_must_agree_too(service: Service) -> None:
    @service.centrifuge.on_publish
    async def publish(client: Client, channel: str, data: Any) -> bool:
        return client.user == "42" and data != "bad"

    async with service.run(), service.connected(token=token(sub="42")) as client:
        assert await client.error(publish={"channel": "plain:1", "data": "bad"}) == 103
        assert await client.ask(publish={"channel": "plain:1", "data": "good"}) == {"publish": {}}


async def test_the_channels_of_a_client_are_limited(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        for number in range(3):
            await client.subscribe(f"plain:{number}")
        assert await client.error(subscribe={"channel": "plain:3"}) == 106
        await client.ask(unsubscribe={"channel": "plain:0"})
        await client.ask(unsubscribe={"channel": "plain:0"})
        assert await client.subscribe("plain:3") == {}


async def test_only_subscribers_see_history_and_presence(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        for name in ("history", "presence", "presence_stats"):
            assert await client.error(**{name: {"channel": "room:1"}}) == 103
        await client.subscribe("plain:1")
        for name in ("history", "presence", "presence_stats"):
            assert await client.error(**{name: {"channel": "plain:1"}}) == 108


async def test_presence_counts_clients_and_users(service: Service) -> None:
    async with (
        service.run(),
        service.connected(token=token(sub="42")) as one,
        service.connected(token=token(sub="42")) as two,
        service.channels.subscribe("room:1", member="ada"),
    ):
        for client in (one, two):
            await client.subscribe("room:1")
        found = await one.ask(presence_stats={"channel": "room:1"})
        assert found == {"presence_stats": {"num_clients": 3, "num_users": 2}}
        present = (await one.ask(presence={"channel": "room:1"}))["presence"]["presence"]
        # A subscriber that is not an SDK is present under the name of its member.
        assert present["ada"] == {"user": "ada", "client": "ada"}
        assert sorted(each["user"] for each in present.values()) == ["42", "42", "ada"]


async def test_a_refresh_without_a_token_or_a_function_is_not_available(service: Service) -> None:
    async with service.run(), service.connected(token=token(sub="42")) as client:
        assert await client.error(refresh={}) == 108
        await client.subscribe("plain:1")
        assert await client.error(sub_refresh={"channel": "plain:1"}) == 108
