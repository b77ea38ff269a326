"""Receiving and sending take turns where the server makes each message wait, as Granian does."""

from __future__ import annotations

import asyncio
from typing import Any

from emmett import App, websocket
from tests.asgi.peers import websocket_scope


class WaitingServer:
    """A server that takes no message at once.

    Attributes:
        asked: for each message sent, whether the application was asking for the next one.
    """

    def __init__(self, app: App) -> None:
        self.asked: list[bool] = []
        self.takes = asyncio.Event()
        self.takes.set()
        self.incoming: asyncio.Queue[Any] = asyncio.Queue()
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self._is_asked = False
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.task = asyncio.ensure_future(app(websocket_scope(headers=[("host", "a")]), self._receive, self._send))

    async def _receive(self) -> Any:
        self._is_asked = True
        try:
            return await self.incoming.get()
        finally:
            self._is_asked = False

    async def _send(self, event: Any) -> None:
        if event["type"] == "websocket.send":
            self.asked.append(self._is_asked)
        await asyncio.sleep(0)
        await self.takes.wait()
        self.sent.put_nowait(event)

    async def exchange(self, text: str) -> str:
        self.incoming.put_nowait({"type": "websocket.receive", "text": text})
        answer: str = (await self.sent.get())["text"]
        return answer


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


async def test_the_server_is_asked_for_the_next_message_when_it_has_taken_the_answer() -> None:
    app = App(__name__)
    app.websocket("/")(echo)
    server = WaitingServer(app)
    assert (await server.sent.get())["type"] == "websocket.accept"
    for number in range(5):
        assert await server.exchange(str(number)) == str(number)
    # The first answer shows that this server makes its application wait.
    assert server.asked == [True, False, False, False, False]
    server.incoming.put_nowait({"type": "websocket.disconnect", "code": 1000})
    await server.task


async def test_a_departure_is_noticed_while_the_server_takes_nothing() -> None:
    app = App(__name__)

    @app.websocket("/")
    async def talk() -> None:
        await websocket.accept()
        answering = asyncio.ensure_future(echo())
        await websocket.wait_closed()
        answering.cancel()

    server = WaitingServer(app)
    await server.sent.get()
    await server.exchange("1")
    server.takes.clear()
    for text in "234":
        server.incoming.put_nowait({"type": "websocket.receive", "text": text})
    server.incoming.put_nowait({"type": "websocket.disconnect", "code": 1001})
    await server.task
    assert server.sent.empty()
