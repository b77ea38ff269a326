"""Handlers that try to end the process: only their own connection ends."""

from __future__ import annotations

import contextlib
import sys

import pytest

from emmett import App, websocket
from tests.integration.raw_client import connect
from tests.integration.servers import run_emmett
from tests.wire.frame_maker import TEXT, client_frame

pytestmark = pytest.mark.loops("asyncio", "uvloop")


async def test_system_exit_in_a_handler_affects_no_other_connection(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/exit")
    async def leave() -> None:
        await websocket.accept()
        sys.exit(3)

    async with run_emmett(app) as running, contextlib.AsyncExitStack() as stack:
        others = [await stack.enter_async_context(connect(running.port)) for _ in range(50)]
        for other in others:
            await other.upgrade("/echo")
        async with connect(running.port) as client:
            await client.upgrade("/exit")
            assert await client.read_close() == (1011, "")
        for other in others:
            other.write(client_frame(TEXT, b"still here"))
            assert await other.read_frame() == (TEXT, b"still here")
    assert "the handler failed on '/exit'" in caplog.text
