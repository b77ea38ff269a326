"""Every load against the raw server: its counts, and the faults that it detects."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from benchmarks.handshake import HandshakeRefused
from benchmarks.loads import load
from benchmarks.loads.generator import LOADS, generate
from benchmarks.plan import LoadFailed
from benchmarks.scenario import LoadScenario
from benchmarks.scenarios import SCENARIOS
from benchmarks.server_options import ServerOptions
from benchmarks.stage import certificate
from tests.benchmarks.loads.servers import HOST, Base, Doubler, Leaving, Liar, Refusing, listening, plan

pytest.importorskip("uvloop")

from benchmarks.servers import raw_tcp

BOTH_LOOPS = pytest.mark.loops("asyncio", "uvloop")


@BOTH_LOOPS
@pytest.mark.parametrize(
    ("kind", "mode", "fields"),
    [
        ("echo", "echo", {"in_flight": 4}),
        ("echo", "echo", {"payload": "json"}),
        ("broadcast", "broadcast", {"in_flight": 4}),
        ("funnel", "funnel", {}),
        ("connects", "echo", {}),
        ("http", "http", {"path": "/plaintext"}),
        ("http", "http", {"path": "/jsonhttp", "payload": "json"}),
    ],
)
async def test_the_raw_server_passes_every_load(kind: str, mode: str, fields: dict[str, Any]) -> None:
    async with listening(raw_tcp.PROTOCOLS[mode]) as port:
        result = await generate(plan(kind, port, raw=True, **fields))
    assert result.count > 0
    assert result.checked_bytes >= result.count * 60
    assert result.seconds >= 0.04
    assert result.server_cpu is None or result.server_cpu >= 0


@BOTH_LOOPS
@pytest.mark.parametrize("size", [64, 200_000])
async def test_echo_through_tls(size: int, tmp_path: Path) -> None:
    files = certificate(tmp_path)
    tls = ServerOptions(HOST, 1, *files).tls()
    async with listening(raw_tcp.SecureEcho, tls) as port:
        result = await generate(plan("echo", port, raw=True, secure=True, size=size, in_flight=2, seconds=0.1))
    assert result.count > 0
    assert result.checked_bytes >= result.count * size


@pytest.mark.loops("uvloop")
@pytest.mark.parametrize("kind", ["echo", "broadcast", "funnel", "connects", "http"])
@pytest.mark.parametrize("protocol", [Liar, Base, Refusing, Leaving, Doubler])
async def test_a_faulty_server_is_a_failure(
    protocol: type[asyncio.Protocol], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.loads.load.DRAIN_TIMEOUT", 0.05)
    monkeypatch.setattr("benchmarks.loads.broadcast.PROBE_INTERVAL", 0.02)
    monkeypatch.setattr("benchmarks.loads.broadcast.PROBES", 2)
    async with listening(protocol) as port:
        with pytest.raises((LoadFailed, ConnectionError)):
            await generate(plan(kind, port, raw=True))


@BOTH_LOOPS
async def test_another_websocket_server_passes_too() -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, HOST, 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        result = await generate(plan("echo", port, in_flight=4))
        deflated = await generate(plan("deflate", port, size=500))
    assert result.count > 0
    assert result.checked_bytes % (4 * 66) == 0
    assert deflated.count > 0


async def test_a_refused_handshake_is_a_failure() -> None:
    async with serve(lambda connection: asyncio.sleep(0), HOST, 0, process_request=_forbid) as server:
        with pytest.raises(HandshakeRefused, match="403"):
            await generate(plan("echo", next(iter(server.sockets)).getsockname()[1]))


def _forbid(connection: ServerConnection, request: Request) -> Response:
    return connection.respond(403, "no")


async def test_a_server_that_does_not_compress_is_a_failure() -> None:
    async with serve(lambda connection: connection.wait_closed(), HOST, 0, compression=None) as server:
        with pytest.raises(HandshakeRefused, match="does not take permessage-deflate"):
            await generate(plan("deflate", next(iter(server.sockets)).getsockname()[1]))


async def test_connections_that_open_too_late_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load.Load, "connect_timeout", 0.05)
    async with listening(Base) as port:
        with pytest.raises(LoadFailed, match="3 connections were not open within"):
            await generate(plan("echo", port))


def test_every_scenario_has_a_load() -> None:
    kinds = {scenario.plan["kind"] for scenario in SCENARIOS.values() if isinstance(scenario, LoadScenario)}
    assert kinds == LOADS.keys()
