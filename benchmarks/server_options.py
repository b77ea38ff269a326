"""What a scenario wants of a server; it crosses the process boundary in an environment variable, as JSON.

Used by the runner and, in the environments of the peers, by the servers: standard library only.
"""

from __future__ import annotations

import json
import os
import ssl
from dataclasses import asdict, dataclass
from typing import Self

VARIABLE = "BENCH_OPTIONS"


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How a server is to be started.

    Attributes:
        host, port: where to listen.
        certificate, key: files with the TLS certificate and its key, PEM; None for plain TCP.
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
        """Return the variable that `from_environment` reads."""
        return {VARIABLE: json.dumps(asdict(self))}

    @classmethod
    def from_environment(cls) -> Self:
        """Return the options that this process was started with."""
        return cls(**json.loads(os.environ[VARIABLE]))

    def tls(self) -> ssl.SSLContext | None:
        """Return the server's side of TLS; None for plain TCP."""
        if self.certificate is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context
