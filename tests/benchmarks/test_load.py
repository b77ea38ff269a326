from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from benchmarks.handshake import HandshakeRefused
from benchmarks.load import generate
from benchmarks.plan import LoadFailed, LoadPlan

HOST = "127.0.0.1"


def plan(port: int, *, path: str | None = "/echo/lobby") -> LoadPlan:
    return LoadPlan(HOST, port, path, 3, 4, 64, warm_up=0.01, seconds=0.2, server_pid=os.getpid())


class RawEcho(asyncio.Protocol):
    """Sends everything back."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop's is no asyncio.Transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Liar(RawEcho):
    """Sends back as much, but not the same."""

    def data_received(self, data: bytes) -> None:
        self.transport.write(data[::-1])


class Silent(RawEcho):
    """Reads and never answers."""

    def data_received(self, data: bytes) -> None:
        pass


class Refusing(RawEcho):
    """Closes at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()

    def data_received(self, data: bytes) -> None:
        pass


@asynccontextmanager
async def listening(protocol: type[asyncio.Protocol]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(protocol, HOST, 0)
    async with server:
        port: int = server.sockets[0].getsockname()[1]
        yield port


@pytest.mark.loops("asyncio", "uvloop")
async def test_it_counts_what_a_raw_echo_sends_back() -> None:
    async with listening(RawEcho) as port:
        result = await generate(plan(port, path=None))
    assert result.messages > 0
    assert result.seconds >= 0.19
    assert result.checked_bytes >= result.messages * 70
    assert result.checked_bytes % (4 * 70) == 0
    assert result.server_cpu is None or result.server_cpu >= 0


@pytest.mark.loops("asyncio", "uvloop")
async def test_it_counts_what_a_websocket_server_sends_back() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, HOST, 0) as server:
        result = await generate(plan(next(iter(server.sockets)).getsockname()[1]))
    assert result.messages > 0
    assert result.checked_bytes >= result.messages * 66
    assert result.checked_bytes % (4 * 66) == 0


@pytest.mark.loops("asyncio", "uvloop")
@pytest.mark.parametrize(
    ("protocol", "complaint"),
    [(Liar, "the reply is wrong from byte 0"), (Silent, "no message came back|unanswered"), (Refusing, "closed")],
)
async def test_a_server_that_does_not_echo_is_a_failure(
    protocol: type[asyncio.Protocol], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.load.DRAIN_TIMEOUT", 0.1)
    async with listening(protocol) as port:
        with pytest.raises(LoadFailed, match=complaint):
            await generate(plan(port, path=None))


async def test_a_refused_handshake_is_a_failure() -> None:
    async with serve(lambda connection: asyncio.sleep(0), HOST, 0, process_request=_forbid) as server:
        with pytest.raises(HandshakeRefused, match="403"):
            await generate(plan(next(iter(server.sockets)).getsockname()[1]))


def _forbid(connection: ServerConnection, request: Request) -> Response:
    return connection.respond(403, "no")
