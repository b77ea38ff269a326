"""What a scenario wants of a server; it crosses the process boundary in environment variables.

Used by the runner and, in the environments of the peers, by the servers: standard library only.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is to be started.

    Attributes:
        host: address to listen on.
        port: port to listen on.
        certificate: file with the TLS certificate, PEM; None for plain TCP.
        key: file with its key.
        deflate: whether to take permessage-deflate where a client offers it.
        workers: number of processes that serve.
        connections: how many will be open at once; some servers need a setting above 10,000.
        mode: what a server that knows no paths does with bytes: `echo`, `broadcast` or `funnel`.
    """

    host: str
    port: int
    certificate: str | None = None
    key: str | None = None
    deflate: bool = False
    workers: int = 1
    connections: int = 0
    mode: str = "echo"

    def environment(self) -> dict[str, str]:
        """Return the variables that `from_environment` reads."""
        return {
            "BENCH_HOST": self.host,
            "BENCH_PORT": str(self.port),
            "BENCH_CERTIFICATE": self.certificate or "",
            "BENCH_KEY": self.key or "",
            "BENCH_DEFLATE": "1" if self.deflate else "",
            "BENCH_WORKERS": str(self.workers),
            "BENCH_CONNECTIONS": str(self.connections),
            "BENCH_MODE": self.mode,
        }

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Return the options that this process was started with.

        Raises:
            KeyError: it was not started by the benchmark.
        """
        return cls(
            host=variables["BENCH_HOST"],
            port=int(variables["BENCH_PORT"]),
            certificate=variables["BENCH_CERTIFICATE"] or None,
            key=variables["BENCH_KEY"] or None,
            deflate=bool(variables["BENCH_DEFLATE"]),
            workers=int(variables["BENCH_WORKERS"]),
            connections=int(variables["BENCH_CONNECTIONS"]),
            mode=variables["BENCH_MODE"],
        )

    def tls(self) -> ssl.SSLContext | None:
        """Return the server's side of TLS; None for plain TCP."""
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context
