"""How the listeners of the server are opened: what uvicorn leaves to the defaults of asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

Listen = Callable[..., Awaitable[asyncio.Server]]

# Connections that asyncio accepts in one turn of the loop.
ACCEPTS_A_TURN = 8


@contextlib.contextmanager
def careful_listening(loop: asyncio.AbstractEventLoop, handshake_timeout: float) -> Iterator[None]:
    """Open listeners, in this context, that hostile peers cannot overrun.

    A TLS handshake gets a deadline: a connection is seen by its protocol, which has the other ones, only after it.

    asyncio's own loop accepts as many connections in one turn as the backlog is long, before it gives a single one to
    its protocol, which may refuse it. When the process runs out of files meanwhile, it logs a traceback for each. So it
    is told of a shorter backlog than the kernel is.

    Arguments:
        loop: the event loop that opens the listeners.
        handshake_timeout: seconds that a TLS handshake may take; asyncio's own default is 60.
    """
    names = ("create_server", "create_unix_server")
    for name in names:
        setattr(loop, name, _careful(loop, getattr(loop, name), handshake_timeout))
    try:
        yield
    finally:
        for name in names:
            delattr(loop, name)


def _careful(loop: asyncio.AbstractEventLoop, listen: Listen, handshake_timeout: float) -> Listen:
    async def listen_carefully(*arguments: Any, **options: Any) -> asyncio.Server:
        if options.get("ssl"):
            options.setdefault("ssl_handshake_timeout", handshake_timeout)
        if not isinstance(loop, asyncio.SelectorEventLoop):
            return await listen(*arguments, **options)
        backlog = options.get("backlog", 100)
        options["backlog"] = min(backlog, ACCEPTS_A_TURN)
        server = await listen(*arguments, **options)
        for listener in server.sockets:
            with listener.dup() as same:
                same.listen(backlog)
        return server

    return listen_carefully
