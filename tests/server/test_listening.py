"""How listeners are opened."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, cast

import pytest

from emmett.server.listening import ACCEPTS_A_TURN, careful_listening


class Listener:
    """A listening socket that notes its backlog."""

    def __init__(self, backlog: int) -> None:
        self.backlog = backlog

    def dup(self) -> Listener:
        return self

    def listen(self, backlog: int) -> None:
        self.backlog = backlog

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Opened:
    """What a loop was asked for, and the listener that it gave."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.sockets = [Listener(options.get("backlog", 100))]


class SelectorLoop(asyncio.SelectorEventLoop):
    async def create_server(self, *_: Any, **options: Any) -> Any:
        return Opened(options)

    create_unix_server = create_server


class OtherLoop:
    async def create_server(self, *_: Any, **options: Any) -> Any:
        return Opened(options)

    create_unix_server = create_server


async def opened(loop: Any, how: str, **options: Any) -> Opened:
    with careful_listening(cast(asyncio.AbstractEventLoop, loop), 5.0):
        return cast(Opened, await getattr(loop, how)(asyncio.Protocol, **options))


HOWS = pytest.mark.parametrize("how", ["create_server", "create_unix_server"])


@HOWS
async def test_a_tls_handshake_has_a_deadline(how: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server = await opened(OtherLoop(), how, ssl=context, backlog=2048)
    assert server.options == {"ssl": context, "backlog": 2048, "ssl_handshake_timeout": 5.0}
    server = await opened(OtherLoop(), how, ssl=context, ssl_handshake_timeout=1.0)
    assert server.options["ssl_handshake_timeout"] == 1.0


@HOWS
async def test_without_tls_there_is_no_handshake(how: str) -> None:
    assert (await opened(OtherLoop(), how, ssl=None, backlog=2048)).options == {"ssl": None, "backlog": 2048}


@HOWS
async def test_asyncio_accepts_few_in_a_turn_and_the_kernel_keeps_the_rest(how: str) -> None:
    loop = SelectorLoop()
    try:
        server = await opened(loop, how, backlog=2048)
        assert server.options["backlog"] == ACCEPTS_A_TURN
        assert server.sockets[0].backlog == 2048
        assert (await opened(loop, how, backlog=3)).options["backlog"] == 3
    finally:
        loop.close()


@pytest.mark.loops("asyncio", "uvloop")
async def test_the_loop_is_as_it_was() -> None:
    loop = asyncio.get_running_loop()
    before = dict(vars(loop)) if hasattr(loop, "__dict__") else {}
    with careful_listening(loop, 5.0):
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    server.close()
    await server.wait_closed()
    after = dict(vars(loop)) if hasattr(loop, "__dict__") else {}
    assert before.keys() == after.keys()
