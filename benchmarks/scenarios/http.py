"""Requests on connections that stay open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.scenario import RESPONSES, LoadScenario, Unit


@dataclass(frozen=True, kw_only=True)
class HTTPScenario(LoadScenario):
    """Connections that ask and wait for the response.

    Attributes:
        path: what they ask for.
        payload: what comes, `text` or `json`.
    """

    feature: str = "http"
    unit: Unit = RESPONSES
    connections: int = 64
    path: str
    payload: str

    def plan(self) -> dict[str, Any]:
        return {"kind": "http", "path": self.path, "payload": self.payload}

    def server(self) -> dict[str, Any]:
        return {"mode": "http"}


SCENARIOS = (
    HTTPScenario(name="http-text", title="HTTP, plain text: 64 connections", path="/plaintext", payload="text"),
    HTTPScenario(name="http-json", title="HTTP, JSON: 64 connections", path="/jsonhttp", payload="json"),
)
