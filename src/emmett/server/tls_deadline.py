"""How long a TLS handshake may take on the listeners of the server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

Listen = Callable[..., Awaitable[Any]]


@contextlib.contextmanager
def tls_deadline(loop: asyncio.AbstractEventLoop, seconds: float) -> Iterator[None]:
    """Give the listeners that are opened in this context a deadline for the TLS handshake.

    uvicorn opens them and passes none, so that asyncio's 60 seconds would hold. The protocol, which has all the other
    deadlines, sees a connection only after the handshake.

    Arguments:
        loop: the event loop that opens the listeners.
        seconds: the deadline; listeners without TLS have none.
    """
    names = ("create_server", "create_unix_server")
    for name in names:
        setattr(loop, name, _with_deadline(getattr(loop, name), seconds))
    try:
        yield
    finally:
        for name in names:
            delattr(loop, name)


def _with_deadline(listen: Listen, seconds: float) -> Listen:
    def listen_with_deadline(*arguments: Any, **options: Any) -> Awaitable[Any]:
        if options.get("ssl"):
            options.setdefault("ssl_handshake_timeout", seconds)
        return listen(*arguments, **options)

    return listen_with_deadline
