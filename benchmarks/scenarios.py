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
# What is asked of the server; all other fields of a row are the load generator's.
ASKED = ("secure", "deflate", "workers", "mode")
ONE_EACH = "64 connections, one message in flight each"
CALLS = "Calls with validated parameters and a result"
START_UP = "Start-up: from the start of the process to the first message that came back"


def _load(
    name: str,
    title: str,
    feature: str = "echo",
    unit: Unit = MESSAGES,
    *,
    connections: int = 64,
    default: bool = True,
    most_rounds: int | None = None,
    **fields: Any,
) -> LoadScenario:
    """Return a scenario of the load generator: by default, connections that wait until all they sent has come back."""
    server = {each: fields.pop(each) for each in ASKED if each in fields}
    plan = {"kind": "echo", "path": ECHO_PATH, **fields}
    return LoadScenario(name, title, feature, unit, connections, plan, server, default=default, most_rounds=most_rounds)


def _broadcast(name: str, title: str, connections: int, in_flight: int, *, default: bool = True) -> LoadScenario:
    """One connection sends to all, itself included, and sends again when all have everything."""
    return _load(
        name,
        f"Broadcast to {connections:,}, {title} of 64 B{' at a time' if in_flight == 1 else ''}",
        "broadcast",
        DELIVERIES,
        connections=connections,
        in_flight=in_flight,
        default=default,
        kind="broadcast",
        path="/broadcast",
        mode="broadcast",
    )


# fmt: off
SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        _load("echo-64", f"Echo of 64 B: {ONE_EACH}"),
        _load("echo-64-batch", "Echo of 64 B: 16 connections, 32 messages in flight each",
              connections=16, in_flight=32),
        _load("echo-4k", f"Echo of 4 KiB: {ONE_EACH}", size=4 * KIB),
        _load("echo-64k", f"Echo of 64 KiB: {ONE_EACH}", size=64 * KIB),
        # With many connections the next message has arrived whole while another one is served, and the buffers of the
        # others keep the heap from shrinking. One connection shows what a message costs that arrives in several reads.
        *(
            _load(f"echo-{name}-lone", f"Echo of {title}: one connection, one message in flight",
                  connections=1, size=size)
            for name, title, size in (("64k", "64 KiB", 2**16), ("256k", "256 KiB", 2**18), ("1m", "1 MB", 10**6))
        ),
        _load("json", f"JSON, validated, in and out: {ONE_EACH}", "json", path="/json", payload="json"),
        _load("calls", f"{CALLS}: 64 connections, one call in flight each", "calls", payload="json"),
        _load("calls-batch", f"{CALLS}: 16 connections, 32 calls in flight each", "calls", payload="json",
              connections=16, in_flight=32),
        _broadcast("broadcast", "a message", 500, 1),
        _broadcast("broadcast-burst", "bursts of 32 messages", 500, 32),
        _broadcast("broadcast-5000", "a message", 5000, 1, default=False),
        _broadcast("broadcast-5000-burst", "bursts of 32 messages", 5000, 32, default=False),
        _load("funnel", "50 producers to one reader, a message of 64 B in flight each", "funnel", connections=50,
              kind="funnel", path="/producer", mode="funnel"),
        _load("connects", "Connections: TCP, handshake, one echo of 64 B, Close; 32 clients at once", "connects",
              CONNECTIONS, connections=32, kind="connects"),
        _load("tls", f"Echo of 64 B through TLS: {ONE_EACH}", "tls", secure=True),
        _load("deflate", f"Echo of 2 KiB of text, permessage-deflate: {ONE_EACH}", "deflate", kind="deflate",
              size=2 * KIB, deflate=True),
        # Of the server's processes for each idle connection, beyond the first 64, without the kernel's share.
        *(
            _load(f"memory-{number}", f"Memory of an idle connection, of {number:,}", "memory", MEMORY,
                  connections=number, kind="idle", most_rounds=2)
            for number in (5000, 15_000)
        ),
        StartupScenario("startup", START_UP, "startup", TIME),
        ImportScenario("import", "Import: an interpreter that imports the framework and ends", "import", TIME),
        _load("http-text", "HTTP, plain text: 64 connections", "http", RESPONSES, kind="http", path="/plaintext",
              mode="http"),
        _load("http-json", "HTTP, JSON: 64 connections", "http", RESPONSES, kind="http", path="/jsonhttp", mode="http",
              payload="json"),
        *(
            _load(f"workers-{workers}", f"{title}: 64 connections, 32 messages of 64 B in flight each", "workers",
                  in_flight=32, workers=workers)
            for workers, title in ((1, "One worker"), (2, "Two workers"))
        ),
    )
}
# fmt: on
