"""All scenarios, by the names that the command line takes."""

from __future__ import annotations

from typing import Any

from benchmarks.scenario import (
    CONNECTIONS,
    DELIVERIES,
    MEMORY,
    MESSAGES,
    RESPONSES,
    TIME,
    LoadScenario,
    Scenario,
    Unit,
)
from benchmarks.startup import ECHO_PATH, ImportScenario, StartupScenario

KIB = 1024


def _echo(name: str, title: str, feature: str = "echo", connections: int = 64, **fields: Any) -> LoadScenario:
    """Connections that send text messages, `in_flight` in one piece, and wait until all of them have come back."""
    server: dict[str, Any] = {each: fields.pop(each) for each in ("secure", "deflate", "workers") if each in fields}
    plan = {"kind": "echo", "path": ECHO_PATH, **fields}
    return LoadScenario(name, title, feature, MESSAGES, connections, plan, server)


def _broadcast(name: str, title: str, connections: int, in_flight: int, *, default: bool = True) -> LoadScenario:
    """One connection sends to all, itself included, and sends again when all have everything."""
    plan = {"kind": "broadcast", "path": "/broadcast", "in_flight": in_flight}
    server = {"mode": "broadcast"}
    return LoadScenario(name, title, "broadcast", DELIVERIES, connections, plan, server, default=default)


def _load(
    name: str, title: str, unit: Unit, connections: int, kind: str, path: str, payload: str = "text", mode: str = "echo"
) -> LoadScenario:
    plan = {"kind": kind, "path": path, "payload": payload}
    return LoadScenario(name, title, kind, unit, connections, plan, {"mode": mode})


def _memory(name: str, title: str, connections: int) -> LoadScenario:
    """Memory of the server's processes for each idle connection, beyond the first 64, without the kernel's share."""
    plan = {"kind": "idle", "path": ECHO_PATH}
    return LoadScenario(name, title, "memory", MEMORY, connections, plan, most_rounds=2)


SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        _echo("echo-64", "Echo of 64 B: 64 connections, one message in flight each"),
        _echo(
            "echo-64-batch", "Echo of 64 B: 16 connections, 32 messages in flight each", connections=16, in_flight=32
        ),
        _echo("echo-4k", "Echo of 4 KiB: 64 connections, one message in flight each", size=4 * KIB),
        _echo("echo-64k", "Echo of 64 KiB: 64 connections, one message in flight each", size=64 * KIB),
        # With many connections the next message has arrived whole while another one is served, and the buffers of the
        # others keep the heap from shrinking. One connection shows what a message costs that arrives in several reads.
        *(
            _echo(
                f"echo-{name}-lone", f"Echo of {title}: one connection, one message in flight", size=size, connections=1
            )
            for name, title, size in (
                ("64k", "64 KiB", 64 * KIB),
                ("256k", "256 KiB", 256 * KIB),
                ("1m", "1 MB", 10**6),
            )
        ),
        _echo(
            "json",
            "JSON, validated, in and out: 64 connections, one message in flight each",
            "json",
            path="/json",
            payload="json",
        ),
        _echo(
            "calls",
            "Calls with validated parameters and a result: 64 connections, one call in flight each",
            "calls",
            payload="json",
        ),
        _echo(
            "calls-batch",
            "Calls with validated parameters and a result: 16 connections, 32 calls in flight each",
            "calls",
            connections=16,
            in_flight=32,
            payload="json",
        ),
        _broadcast("broadcast", "Broadcast to 500, a message of 64 B at a time", 500, 1),
        _broadcast("broadcast-burst", "Broadcast to 500, bursts of 32 messages of 64 B", 500, 32),
        _broadcast("broadcast-5000", "Broadcast to 5,000, a message of 64 B at a time", 5000, 1, default=False),
        _broadcast(
            "broadcast-5000-burst", "Broadcast to 5,000, bursts of 32 messages of 64 B", 5000, 32, default=False
        ),
        _load(
            *("funnel", "50 producers to one reader, a message of 64 B in flight each", MESSAGES, 50),
            *("funnel", "/producer"),
            mode="funnel",
        ),
        _load(
            *("connects", "Connections: TCP, handshake, one echo of 64 B, Close; 32 clients at once", CONNECTIONS, 32),
            *("connects", ECHO_PATH),
        ),
        _echo("tls", "Echo of 64 B through TLS: 64 connections, one message in flight each", "tls", secure=True),
        _echo(
            "deflate",
            "Echo of 2 KiB of text, permessage-deflate: 64 connections, one message in flight each",
            "deflate",
            kind="deflate",
            size=2 * KIB,
            deflate=True,
        ),
        _memory("memory-5000", "Memory of an idle connection, of 5,000", 5000),
        _memory("memory-15000", "Memory of an idle connection, of 15,000", 15_000),
        StartupScenario(
            "startup", "Start-up: from the start of the process to the first message that came back", "startup", TIME
        ),
        ImportScenario("import", "Import: an interpreter that imports the framework and ends", "import", TIME),
        _load("http-text", "HTTP, plain text: 64 connections", RESPONSES, 64, "http", "/plaintext", mode="http"),
        _load("http-json", "HTTP, JSON: 64 connections", RESPONSES, 64, "http", "/jsonhttp", "json", mode="http"),
        *(
            _echo(
                f"workers-{workers}",
                f"{title}: 64 connections, 32 messages of 64 B in flight each",
                "workers",
                in_flight=32,
                workers=workers,
            )
            for workers, title in ((1, "One worker"), (2, "Two workers"))
        ),
    )
}
