from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import websocket
from emmett.centrifuge import Client, CommandFailed, Disconnected, Identity
from emmett.centrifuge.codes import CONNECTION_EXPIRED
from tests.centrifuge.kit import PATH, SECRET, Service, soon, token


async def test_a_token_connects() -> None:
    service = Service(secret=SECRET)
    async with service.run(), service.raw() as client:
        found = await client.connect(token=token(sub="42", exp=soon(100), info={"name": "Ada"}), name="js", version="1")
        assert found.pop("ttl") in range(95, 101)
        (own,) = service.centrifuge.clients
        assert found == {
            "client": own.id,
            "version": "emmett",
            "expires": True,
            "ping": 25,
            "pong": True,
            "session": own.id,
            "node": service.centrifuge.node,
        }
        assert (own.user, bytes(own.info), own.name, own.version) == ("42", b'{"name":"Ada"}', "js", "1")


@pytest.mark.parametrize("exp", [1e300, float("inf"), 1_900_000_000_000])
async def test_a_distant_expiry_is_limited_to_what_encodings_and_timers_can_express(exp: float) -> None:
    service = Service(secret=SECRET)
    async with service.run(), service.raw() as client:
        found = await client.connect(token=token(sub="42", exp=exp))
        assert (found["expires"], found["ttl"]) == (True, 2**31 - 1)


@pytest.mark.parametrize("given", ["", "bad"])
async def test_a_connection_without_a_good_token_is_ended_for_good(given: str) -> None:
    service = Service(secret=SECRET)
    async with service.run(), service.raw() as client:
        await client.send({"id": 1, "connect": {"token": given}})
        assert await client.ended() == (3500, "invalid token")
        assert service.centrifuge.clients == []


async def test_an_expired_token_is_an_error_after_which_the_client_may_try_again() -> None:
    service = Service(secret=SECRET)
    async with service.run(), service.raw() as client:
        assert await client.error(connect={"token": token(sub="42", exp=1)}) == 109
        assert (await client.connect(token=token(sub="42")))["pong"] is True


async def test_an_expired_client_without_a_token_gets_the_error_expired() -> None:
    service = Service()
    service.centrifuge.on_connect(lambda client, data: Identity("42", expires_at=1))
    async with service.run(), service.raw() as client:
        assert await client.error(connect={}) == 110


async def test_a_connection_expires_unless_it_is_refreshed() -> None:
    service = Service(secret=SECRET, expire_grace=0.01)
    async with service.run():
        async with service.raw() as client:
            await client.connect(token=token(sub="42", exp=soon(100)))
            found = (await client.ask(refresh={"token": token(sub="42", exp=soon(200))}))["refresh"]
            assert (found["expires"], found["ttl"] > 100) == (True, True)
            assert await client.error(refresh={"token": token(sub="42", exp=1)}) == 109
            await client.send({"id": 9, "refresh": {"token": token(sub="43", exp=soon(200))}})
            assert await client.ended() == (3500, "invalid token")
        async with service.raw() as client:
            await client.connect(token=token(sub="42", exp=soon(1)))
            assert await client.ended() == (3005, "connection expired")


async def test_the_application_decides_the_identity_of_a_client() -> None:
    service = Service()
    service.channels.namespace("news", history=5)

    @service.centrifuge.on_connect
    async def connect(client: Client, data: Any) -> Any:
        match data:
            case "stranger":
                return None
            case "plain":
                return "ada"
        client.state["seen"] = data
        return Identity("42", info={"n": 1}, channels=["news:1"], data={"hello": client.name}, expires_at=soon(50))

    @service.centrifuge.on_refresh
    def refresh(client: Client) -> Any:
        return client.state.pop("next")

    async with service.run():
        async with service.raw() as client:
            await client.send({"id": 1, "connect": {"data": "stranger"}})
            assert await client.ended() == (3507, "permission denied")
        async with service.connected(data="plain"):
            assert [each.user for each in service.centrifuge.clients] == ["ada"]
            await asyncio.sleep(0)
        async with service.raw() as client:
            found = await client.connect(data={"a": 1}, name="me")
            own = service.centrifuge.clients[-1]
            assert (own.user, own.state, bytes(own.info)) == ("42", {"seen": {"a": 1}}, b'{"n":1}')
            assert found["data"] == {"hello": "me"}
            assert found["subs"].keys() == {"news:1"}
            own.state["next"] = soon(99)
            assert (await client.ask(refresh={}))["refresh"]["ttl"] > 50
            own.state["next"] = True
            assert "expires" not in (await client.ask(refresh={}))["refresh"]
            own.state["next"] = None
            await client.send({"id": 9, "refresh": {}})
            assert await client.ended() == (3005, "connection expired")


async def test_without_a_token_on_refresh_is_called_when_the_connection_expires(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = Service()
    asked: asyncio.Queue[tuple[Client, Any]] = asyncio.Queue()
    answers: list[Any] = []

    @service.centrifuge.on_connect
    def connect(client: Client, data: Any) -> Identity:
        return Identity(data, expires_at=soon(100))

    @service.centrifuge.on_refresh
    async def refresh(client: Client) -> Any:
        asked.put_nowait((service.centrifuge.client, websocket.path))
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with service.run():
        for last in (None, False, 1, Disconnected(CONNECTION_EXPIRED), CommandFailed(1000, "no"), ValueError("x")):
            async with service.raw() as client:
                # If the expiry were sent, the JavaScript SDK would give up, because it has no token to refresh.
                assert "expires" not in await client.connect(data="42")
                (own,) = service.centrifuge.clients
                answers[:] = [last, soon(100), True]
                for _ in range(3):
                    await service.centrifuge.server.refresh("42", expires_at=1)
                    assert await asked.get() == (own, PATH)
                assert await client.ended() == (3005, "connection expired")
                assert not client.pushes
        assert [record.message for record in caplog.records] == ["the function of on_refresh failed"]


async def test_without_on_refresh_an_expired_connection_ends() -> None:
    service = Service()
    service.centrifuge.on_connect(lambda client, data: Identity("42", expires_at=soon(100)))
    async with service.run(), service.connected() as client:
        await service.centrifuge.server.refresh("42", expires_at=1)
        assert await client.ended() == (3005, "connection expired")


async def test_clients_are_subscribed_to_their_personal_channels() -> None:
    service = Service(secret=SECRET, personal_channels=True, personal_namespace="user")
    service.channels.namespace("user", history=5)
    async with service.run():
        async with service.raw() as client:
            found = await client.connect(token=token(sub="42"))
            assert found["subs"]["user:#42"]["recoverable"] is True
            await service.channels.publish("user:#42", {"n": 1})
            assert (await client.push())["pub"] == {"data": {"n": 1}, "offset": 1}
            position = {"epoch": found["subs"]["user:#42"]["epoch"], "offset": 1}
        await service.channels.publish("user:#42", {"n": 2})
        async with service.raw() as client:
            subs = {"user:#42": {"recover": True, **position}, "user:#43": {"recover": True}}
            found = (await client.connect(token=token(sub="42"), subs=subs))["subs"]
            assert found.keys() == {"user:#42"}
            assert found["user:#42"]["recovered"] is True
            assert [each["data"] for each in found["user:#42"]["publications"]] == [{"n": 2}]
        async with service.raw() as client:
            assert "subs" not in await client.connect(token=token())


async def test_too_many_server_side_subscriptions_disconnect() -> None:
    service = Service(secret=SECRET, max_channels=2)
    async with service.run(), service.raw() as client:
        await client.send({"id": 1, "connect": {"token": token(sub="42", channels=["a", "b", "c"])}})
        assert await client.ended() == (3505, "channel limit")
