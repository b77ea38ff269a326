from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from emmett import App, Channels, abort
from emmett.calls.calls import Calls
from emmett.centrifuge import Centrifuge, Client
from emmett.errors import CallError
from tests.centrifuge.kit import RawClient, Service
from tests.channels.kit import until


class CallService(Service):
    """An application with methods, events and streams."""

    def __init__(self, **settings: Any) -> None:
        self.app = App(__name__)
        self.channels = Channels(self.app, linger=0.0)
        self.calls = self.app.calls("/api", max_streams=2)
        self.centrifuge = Centrifuge(self.app, self.channels, calls=self.calls, **settings)
        self.seen: list[Any] = []
        self.go = asyncio.Event()
        _register(self, self.calls)


def _register(service: CallService, calls: Calls) -> None:
    @calls.method()
    async def add(a: int, b: int = 0) -> int:
        return a + b

    @calls.method(limit="1/h")
    def rare() -> str:
        return f"for {service.centrifuge.client.id}"

    @calls.method()
    async def fail(how: str) -> Any:
        if how == "call":
            raise CallError(17, "no seats left")
        if how == "abort":
            abort(403)
        return object() if how == "result" else 1 / 0

    @calls.method(ordered=True)
    async def ordered(number: int) -> int:
        service.seen.append(number)
        await asyncio.sleep(0)
        service.seen.append(number)
        return number

    @calls.method(timeout=0.001)
    async def slow() -> None:
        await asyncio.get_running_loop().create_future()

    @calls.event()
    async def typing(room: str) -> None:
        service.seen.append(room)

    @calls.method()
    async def words(count: int) -> AsyncIterator[str]:
        for number in range(count):
            if number == 2:
                await service.go.wait()
            yield f"word {number}"

    @calls.method()
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise CallError(18, "torn")


@pytest.fixture
async def service() -> CallService:
    return CallService()


async def rpc(client: RawClient, method: str, data: Any = None) -> Any:
    request = {"method": method} if data is None else {"method": method, "data": data}
    found = await client.ask(rpc=request)
    return found["rpc"].get("data") if "rpc" in found else found["error"]


async def test_methods_answer_rpc_commands() -> None:
    service = CallService()
    async with service.run(), service.connected() as client:
        assert await rpc(client, "add", {"a": 1, "b": 2}) == 3
        assert await rpc(client, "add", [4]) == 4
        assert (await rpc(client, "rare")).startswith("for ")
        assert await rpc(client, "rare") == {"code": 111, "message": "too many requests", "temporary": True}


async def test_errors_of_calls_become_errors_of_commands(caplog: pytest.LogCaptureFixture) -> None:
    service = CallService()
    async with service.run(), service.connected() as client:
        found = await rpc(client, "add", {"a": "x", "c": 1})
        assert found["code"] == 107
        assert "a Expected `int`, got `str`" in found["message"]
        assert "c is unknown" in found["message"]
        assert (await rpc(client, "dance"))["code"] == 104
        assert (await rpc(client, "typing", {"room": "a"}))["code"] == 104
        assert await rpc(client, "fail", ["call"]) == {"code": 17, "message": "no seats left"}
        assert (await rpc(client, "fail", ["abort"]))["code"] == 403
        assert (await rpc(client, "slow"))["message"] == "the call took longer than 0.001 s"
        with caplog.at_level(logging.ERROR):
            assert (await rpc(client, "fail", ["error"]))["code"] == 100
            assert (await rpc(client, "fail", ["result"]))["code"] == 100
        assert "ZeroDivisionError" in caplog.text


async def test_calls_run_at_the_same_time_unless_they_are_ordered() -> None:
    service = CallService()
    async with service.run(), service.connected() as client:
        await client.send(*({"id": 50 + n, "rpc": {"method": "ordered", "data": [n]}} for n in range(3)))
        assert [(await client.receive())["rpc"]["data"] for _ in range(3)] == [0, 1, 2]
        assert service.seen == [0, 0, 1, 1, 2, 2]


async def test_the_calls_of_a_client_in_flight_are_limited() -> None:
    service = CallService(max_running_calls=2)

    @service.calls.method()
    async def hold(number: int) -> int:
        service.seen.append(number)
        await service.go.wait()
        return number

    async with service.run(), service.connected() as client:
        await client.send(*({"id": 50 + n, "rpc": {"method": "hold", "data": [n]}} for n in range(5)))
        await until(lambda: len(service.seen) == 2)
        # Reading has paused: another client is answered meanwhile, but no third call of this client starts.
        async with service.connected() as other:
            assert await rpc(other, "add", [1, 2]) == 3
        assert service.seen == [0, 1]
        service.go.set()
        assert {(await client.receive())["rpc"].get("data") for _ in range(5)} == {*range(5)}
        assert service.seen == [*range(5)]


async def test_events_run_in_order_and_other_data_reaches_on_message() -> None:
    service = CallService()

    @service.centrifuge.on_message
    def message(client: Any, data: Any) -> None:
        service.seen.append(data)

    async with service.run(), service.connected() as client:
        await client.send(
            {"send": {"data": {"method": "typing", "params": {"room": "a"}}}},
            {"send": {"data": {"method": "typing", "params": {"room": 5}}}},
            {"send": {"data": {"method": "unknown"}}},
            {"send": {"data": 7}},
        )
        await client.ask(ping={})
        assert service.seen == ["a", {"method": "unknown"}, 7]


async def test_a_stream_survives_a_reconnect() -> None:
    service = CallService()
    async with service.run():
        async with service.connected() as client:
            stream = await rpc(client, "words", [5])
            where = {"recover": True, "epoch": stream["epoch"]}
            result = await client.subscribe(stream["channel"], **where)
            found = [each["data"] for each in result["publications"]] if "publications" in result else []
            while len(found) < 2:
                found.append((await client.push())["pub"]["data"])
        service.go.set()
        async with service.connected() as client:
            result = await client.subscribe(stream["channel"], offset=2, **where)
            assert result["recovered"] is True
            found += [each["data"] for each in result.get("publications", [])]
            while found[-1] != {"end": True}:
                found.append((await client.push())["pub"]["data"])
        assert found == [*({"item": f"word {number}"} for number in range(5)), {"end": True}]


async def test_a_stream_reports_failure_and_cancellation() -> None:
    service = CallService()
    async with service.run(), service.connected() as client:
        for method, params, error in [
            ("broken", None, {"code": 18, "message": "torn"}),
            ("words", [9], {"code": -32800, "message": "the call was cancelled"}),
        ]:
            stream = await rpc(client, method, params)
            if method == "words":
                assert await rpc(client, "$/cancelRequest", {"channel": stream["channel"]}) == {}
            result = await client.subscribe(stream["channel"], recover=True)
            found = [each["data"] for each in result.get("publications", [])]
            while not found or "end" not in found[-1]:
                found.append((await client.push())["pub"]["data"])
            assert found[-1] == {"end": True, "error": error}
        assert (await rpc(client, "$/cancelRequest", 5))["code"] == 107


async def test_the_streams_of_a_client_are_limited() -> None:
    service = CallService()
    async with service.run(), service.connected() as client:
        for _ in range(2):
            assert "channel" in await rpc(client, "words", [9])
        assert (await rpc(client, "words", [9]))["code"] == 111
        # Clients cannot publish to the channel of a stream.
        stream = next(iter(service.centrifuge._bridge._streams))  # type: ignore[union-attr]
        assert await client.error(publish={"channel": stream, "data": 1}) == 103


class Said(msgspec.Struct):
    text: str


async def test_declared_messages_reach_clients_and_users() -> None:
    service = CallService()
    service.calls.emits(Said)

    @service.calls.method()
    async def say(user: str | None = None) -> None:
        await service.calls.notify(Said("hello"), user=user)

    @service.calls.event()
    async def tell() -> None:
        await service.calls.notify(Said("told"))

    @service.calls.method()
    async def story() -> AsyncIterator[int]:
        await service.calls.notify(Said("begun"))
        yield 1

    @service.centrifuge.on_connect
    def connect(client: Client, data: Any) -> str:
        return str(data)

    sent = {"jsonrpc": "2.0", "method": "said", "params": {"text": "hello"}}
    async with service.run(), service.connected(data="ada") as ada, service.connected(data="bob") as bob:
        await ada.ask(rpc={"method": "say"})
        assert await ada.push() == {"message": {"data": sent}}
        await ada.send({"send": {"data": {"method": "tell"}}})
        assert (await ada.push())["message"]["data"]["params"] == {"text": "told"}
        await ada.ask(rpc={"method": "story"})
        assert (await ada.push())["message"]["data"]["params"] == {"text": "begun"}
        await ada.ask(rpc={"method": "say", "data": {"user": "bob"}})
        (channel,) = service.centrifuge.clients[1].channels
        assert await bob.push() == {"channel": channel, "pub": {"data": sent}}
        assert not ada.pushes


async def test_without_declared_messages_clients_have_no_channel() -> None:
    service = CallService()

    @service.centrifuge.on_connect
    def connect(client: Client, data: Any) -> str:
        return "ada"

    async with service.run(), service.raw() as client:
        assert "subs" not in await client.connect()
