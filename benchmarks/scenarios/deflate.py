"""Echo of compressed messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.echo import ECHO_PATH
from benchmarks.scenarios.scenario import MESSAGES, LoadScenario, Unit


@dataclass(frozen=True, kw_only=True)
class DeflateScenario(LoadScenario):
    """Connections that send compressed messages and wait until they have come back.

    Attributes:
        size: bytes of a message before it is compressed.
    """

    feature: str = "deflate"
    unit: Unit = MESSAGES
    connections: int = 64
    size: int = 2048

    def plan(self) -> dict[str, Any]:
        return {"kind": "deflate", "path": ECHO_PATH, "size": self.size}

    def server(self) -> dict[str, Any]:
        return {"deflate": True}


SCENARIOS = (
    DeflateScenario(
        name="deflate",
        title="Echo of 2 KiB of text, permessage-deflate: 64 connections, one message in flight each",
    ),
)
