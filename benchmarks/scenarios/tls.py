"""Echo through TLS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.scenarios.echo import EchoScenario


@dataclass(frozen=True, kw_only=True)
class TLSScenario(EchoScenario):
    """As the echo, with TLS 1.3 done by the server itself."""

    feature: str = "tls"

    def server(self) -> dict[str, Any]:
        return {"secure": True}


SCENARIOS = (TLSScenario(name="tls", title="Echo of 64 B through TLS: 64 connections, one message in flight each"),)
