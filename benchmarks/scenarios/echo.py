"""Text messages that come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.scenario import MESSAGES, LoadScenario, Unit

ECHO_PATH = "/echo/lobby"


@dataclass(frozen=True, kw_only=True)
class EchoScenario(LoadScenario):
    """Connections that send text messages and wait until all of them have come back.

    Attributes:
        in_flight: messages that a connection writes in one piece; the next ones follow when all have been answered.
        size: payload of a message in bytes.
    """

    feature: str = "echo"
    unit: Unit = MESSAGES
    connections: int = 64
    in_flight: int = 1
    size: int = 64

    def plan(self) -> dict[str, Any]:
        return {"kind": "echo", "path": ECHO_PATH, "in_flight": self.in_flight, "size": self.size}


SCENARIOS = (
    EchoScenario(name="echo-64", title="Echo of 64 B: 64 connections, one message in flight each"),
    EchoScenario(
        name="echo-64-batch",
        title="Echo of 64 B: 16 connections, 32 messages in flight each",
        connections=16,
        in_flight=32,
    ),
    EchoScenario(name="echo-4k", title="Echo of 4 KiB: 64 connections, one message in flight each", size=4 * 1024),
    EchoScenario(name="echo-64k", title="Echo of 64 KiB: 64 connections, one message in flight each", size=64 * 1024),
)
