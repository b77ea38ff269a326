from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from tests.centrifuge.kit import Service
from tests.channels.kit import until


def make(bus: MemoryBus | None = None) -> Service:
    service = Service(MemoryBroker(bus or MemoryBus()), fallbacks="/connection")
    service.open_namespace("room", history=5)
    return service


class Streamed:
    """A client that gets its messages in a streaming response."""

    def __init__(self, lines: AsyncIterator[str], service: Service) -> None:
        self._lines = lines
        self.service = service
        self.key = self.node = ""

    async def next(self) -> Any:
        """Return the next reply or push."""
        async for line in self._lines:
            if line.startswith(":") or not line:
                continue
            return json.loads(line.removeprefix("data: "))
        raise AssertionError("the stream has ended")

    async def send(self, *commands: Any, via: Service | None = None) -> int:
        """Send commands in a request of their own; return its status."""
        content = {"session": self.key, "node": self.node, "data": "\n".join(map(json.dumps, commands))}
        return (await (via or self.service).client.post("/emulation", json=content)).status


@contextlib.asynccontextmanager
async def streamed(service: Service, kind: str) -> AsyncIterator[Streamed]:
    """Connect by one of the fallbacks."""
    connect = '{"id":1,"connect":{}}'
    stream = (
        service.client.stream("GET", "/connection/sse", params={"cf_connect": connect})
        if kind == "sse"
        else service.client.stream("POST", "/connection/http_stream", content=connect)
    )
    async with stream as response:
        assert response.status == 200
        client = Streamed(response.lines(), service)
        result = (await client.next())["connect"]
        client.key, client.node = result["session"], result["node"]
        yield client


@pytest.mark.parametrize("kind", ["sse", "http_stream"])
async def test_a_client_can_connect_without_a_websocket(kind: str) -> None:
    service = make()
    async with service.run():
        async with streamed(service, kind) as client:
            assert client.key != service.centrifuge.clients[0].id
            assert await client.send({"id": 2, "subscribe": {"channel": "room:1"}}) == 204
            assert (await client.next())["subscribe"]["recoverable"] is True
            await service.channels.publish("room:1", {"n": 1})
            assert (await client.next())["push"]["pub"]["data"] == {"n": 1}
            assert await client.send({}, {"id": 3, "ping": {}}) == 204
            assert await client.next() == {"id": 3, "ping": {}}
            (own,) = service.centrifuge.clients
            await own.disconnect()
            ending = {"code": 3503, "reason": "force disconnect"}
            assert await client.next() == {"push": {"disconnect": ending}}
        await until(lambda: not service.centrifuge.clients and not service.centrifuge.fallbacks.carriers)
        assert service.subscribers == 0
        assert await client.send({"id": 4, "ping": {}}) == 404


@pytest.mark.parametrize("kind", ["sse", "http_stream"])
async def test_nothing_is_left_of_a_client_that_leaves_its_stream(kind: str) -> None:
    service = make()
    async with service.run():
        async with streamed(service, kind) as client:
            await client.send({"id": 2, "subscribe": {"channel": "room:1"}})
            await client.next()
        await until(lambda: not service.centrifuge.clients and not service.centrifuge.fallbacks.carriers)
        assert service.subscribers == 0


async def test_commands_reach_a_session_on_another_node() -> None:
    bus = MemoryBus()
    one, two = make(bus), make(bus)
    async with one.run(), two.run(), streamed(one, "http_stream") as client:
        assert await client.send({"id": 2, "subscribe": {"channel": "room:1"}}, via=two) == 204
        assert (await client.next())["id"] == 2
        client.node = "no such node"
        assert await client.send({"id": 3, "ping": {}}, via=two) == 204
        client.node = one.centrifuge.node
        assert await client.send({"id": 4, "ping": {}}, via=two) == 204
        assert (await client.next())["id"] == 4


async def test_invalid_requests_are_refused() -> None:
    service = make()
    async with service.run():
        client = service.client
        foreign = {"origin": "https://evil.example"}
        assert (await client.get("/connection/sse")).status == 400
        assert (await client.get("/connection/sse", params={"cf_connect": ["a", "b"]})).status == 400
        assert (await client.post("/connection/http_stream", content=b"\xff")).status == 400
        assert (await client.post("/emulation", content="[]")).status == 400
        assert (await client.post("/emulation", json={"session": "s"})).status == 400
        unknown = {"session": "s", "node": service.centrifuge.node, "data": "{}"}
        assert (await client.post("/emulation", json=unknown)).status == 404
        for path in ("/connection/http_stream", "/emulation"):
            assert (await client.post(path, content="{}", headers=foreign)).status == 403
        assert (await client.get("/connection/sse", params={"cf_connect": "{}"}, headers=foreign)).status == 403
        # A violation of the protocol ends the stream with its code.
        response = await client.post("/connection/http_stream", content="no JSON")
        assert json.loads(response.text) == {"push": {"disconnect": {"code": 3501, "reason": "bad request"}}}


async def test_the_concurrent_requests_of_a_session_are_limited() -> None:
    service = make()
    gate = asyncio.Event()

    @service.centrifuge.on_message
    async def message(client: Any, data: Any) -> None:
        await gate.wait()

    async with service.run(), streamed(service, "http_stream") as client:
        statuses = [await client.send({"send": {"data": number}}) for number in range(80)]
        assert set(statuses) == {204, 404}
        gate.set()


async def test_without_fallbacks_their_paths_do_not_exist() -> None:
    service = Service()
    async with service.run():
        for path in ("/connection/http_stream", "/emulation"):
            assert (await service.client.post(path, content="{}")).status == 404


class BinaryStream:
    """A client with Protobuf that gets its messages in a streaming response."""

    def __init__(self, chunks: AsyncIterator[bytes], service: Service) -> None:
        self._chunks = chunks
        self._waiting = b""
        self.service = service
        self.key = self.node = ""

    async def next(self) -> bytes:
        """Return the next reply or push, without its length."""
        while not self._waiting or len(self._waiting) <= self._waiting[0]:
            self._waiting += await anext(self._chunks)
        size = self._waiting[0] + 1
        message, self._waiting = self._waiting[1:size], self._waiting[size:]
        return message

    async def send(self, commands: bytes, via: Service | None = None) -> int:
        """Send commands in a request of their own; return its status."""
        parts = (self.node.encode(), self.key.encode(), commands)
        content = b"".join(bytes([number << 3 | 2, len(part)]) + part for number, part in enumerate(parts, 1))
        response = await (via or self.service).client.post("/emulation", content=content, headers=OCTETS)
        return response.status


OCTETS = {"content-type": "application/octet-stream"}


@contextlib.asynccontextmanager
async def binary(service: Service) -> AsyncIterator[BinaryStream]:
    """Connect with Protobuf."""
    connect = bytes.fromhex("04 08 01 22 00")
    async with service.client.stream("POST", "/connection/http_stream", content=connect, headers=OCTETS) as response:
        assert response.status == 200
        client = BinaryStream(aiter(response), service)
        reply = await client.next()
        # Members 9 and 10 of the result are the session and the node.
        client.key, client.node = (read_text(reply, mark) for mark in (b"\x4a\x20", b"\x52\x10"))
        yield client


def read_text(message: bytes, mark: bytes) -> str:
    start = message.index(mark) + 2
    return message[start : start + mark[1]].decode()


PING = bytes.fromhex("04 08 03 5a 00")
SUBSCRIBE = b"\x0c\x08\x02\x2a\x08\x0a\x06room:1"


async def test_protobuf_works_without_a_websocket_on_both_nodes() -> None:
    bus = MemoryBus()
    one, two = make(bus), make(bus)
    async with one.run(), two.run():
        async with binary(one) as client:
            assert await client.send(SUBSCRIBE + PING) == 204
            assert (await client.next())[:3] == b"\x08\x02\x32"
            assert await client.next() == bytes.fromhex("08 03 62 00")
            await one.channels.publish("room:1", b"\xff\n\xfe")
            push = await client.next()
            assert b"room:1" in push
            assert b"\xff\n\xfe" in push
            assert await client.send(PING, via=two) == 204
            assert await client.next() == bytes.fromhex("08 03 62 00")
            (own,) = one.centrifuge.clients
            await own.disconnect()
            assert b"force disconnect" in await client.next()
        await until(lambda: not one.centrifuge.clients)
        assert await client.send(PING) == 404
        response = await one.client.post("/emulation", content=b"\xff", headers=OCTETS)
        assert response.status == 400
        response = await one.client.post("/connection/http_stream", content=b"\xff", headers=OCTETS)
        assert b"bad request" in response.content


async def test_protobuf_that_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emmett.centrifuge.centrifuge.find_protobuf", lambda: None)
    service = make()
    async with service.run():
        for path in ("/connection/http_stream", "/emulation"):
            response = await service.client.post(path, content=b"", headers=OCTETS)
            assert response.status == 415
