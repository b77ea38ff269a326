"""Every load against our own server, which is started once, as the benchmark starts it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.contestants import CONTESTANTS, OURS
from benchmarks.loads import idle
from benchmarks.loads.generator import generate
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import free_port, running_server
from tests.benchmarks.loads.servers import HOST, plan

pytest.importorskip("uvloop")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    options = ServerOptions(HOST, free_port(HOST), deflate=True)
    with running_server(CONTESTANTS[OURS].command(sys.executable, options), options, cores=None, isolated=False):
        yield options.port


LOADS: list[tuple[str, str, dict[str, Any]]] = [
    ("echo", "/echo", {}),
    ("echo", "/echo/lobby", {"in_flight": 32}),
    ("echo", "/echo/lobby", {"size": 64 * 1024}),
    ("echo", "/echo/lobby", {"size": 10**6, "connections": 1}),
    ("echo", "/json", {"payload": "json", "in_flight": 2}),
    ("echo", "", {"payload": "json", "dialect": "jsonrpc", "in_flight": 2}),
    ("broadcast", "/broadcast", {"connections": 20}),
    ("broadcast", "/broadcast", {"connections": 5, "in_flight": 32}),
    ("funnel", "/producer", {}),
    ("connects", "/echo/lobby", {}),
    ("deflate", "/echo/lobby", {"size": 2048}),
    ("http", "/plaintext", {}),
    ("http", "/jsonhttp", {"payload": "json"}),
]


@pytest.mark.parametrize(("kind", "path", "fields"), LOADS, ids=lambda value: str(value))
@pytest.mark.loops("uvloop")
async def test_ours_passes_every_load(kind: str, path: str, fields: dict[str, Any], port: int) -> None:
    result = await generate(plan(kind, port, path, seconds=0.2, **fields))
    assert result.count > 0
    assert result.checked_bytes > 0
    assert result.seconds >= 0.19
    assert result.value == result.count / result.seconds


@pytest.mark.loops("uvloop")
async def test_idle_connections_are_opened_and_checked_and_their_memory_is_measured(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idle, "SETTLE", 0.01)
    monkeypatch.setattr(idle, "FIRST", 2)
    # Invented figures: this process may have memory for 70 connections left from other tests.
    read = iter((100_000, 170_000))
    monkeypatch.setattr(idle, "memory_bytes", lambda pid: next(read))
    result = await generate(replace(plan("idle", port), connections=70))
    assert result.count == 70
    assert result.value == 1000
    assert result.checked_bytes == 72 * 66
