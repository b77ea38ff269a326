"""The close code that an application sees, on every server, when a connection broke and when a Close frame had none."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect

from emmett import App, websocket
from tests.integration.servers import SERVERS

# uvicorn's older implementation uses an API of websockets that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
    pytest.mark.parametrize("server", SERVERS),
]

# The reports of each server about a broken connection, and about a Close frame without a code.
BROKEN = dict.fromkeys(SERVERS, 1006) | {"granian": 1005}
WITHOUT_CODE = dict.fromkeys(SERVERS, 1005) | {"hypercorn": 1006}


@pytest.mark.parametrize("breaks", [True, False], ids=["broken", "no code"])
async def test_a_broken_connection_is_not_a_close_without_a_code(server: str, breaks: bool) -> None:
    app = App(__name__)
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    @app.websocket()
    async def idle() -> None:
        await websocket.accept()
        await websocket.wait_closed()
        codes.put_nowait(websocket.close_code)

    async with SERVERS[server](app) as running, connect(f"{running.url}/idle") as client:
        if breaks:
            client.transport.abort()
        else:
            client.transport.write(b"\x88\x80\x00\x00\x00\x00")
        assert await codes.get() == (BROKEN if breaks else WITHOUT_CODE)[server]
