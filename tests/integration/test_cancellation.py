"""Cancelled at every await: no half frame, no lost message (reliability, line 62), as a state machine."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emmett import App, Websocket
from emmett.datastructures import Headers
from emmett.server.websocket_protocol import WebsocketProtocol
from emmett.wire.encoding import encode_message
from emmett.wire.handshake import Upgrade
from tests.server.protocol_peer import Process
from tests.websockets.memory_transport import MemoryTransport
from tests.wire.frame_maker import TEXT, client_frame

STEPS = st.lists(
    st.sampled_from(
        ["arrive", "arrive many", "receive", "cancel receive", "send", "cancel send", "stall", "resume", "turn"]
    ),
    max_size=60,
)


class Connection:
    """A connection in memory whose handler is the test itself."""

    def __init__(self) -> None:
        self.transport = MemoryTransport()
        app = App(__name__)
        self.leave = asyncio.Event()

        @app.websocket("/", inbox_messages=3)
        async def handler() -> None:
            await self.leave.wait()

        match = app.table.websockets.match("/", scheme="ws", host="localhost")
        assert match.endpoint is not None
        loop = asyncio.get_running_loop()
        upgrade = Upgrade(b"dGhlIHNhbXBsZSBub25jZQ==", (), "", None, "localhost")
        self.protocol = WebsocketProtocol(loop, self.transport, upgrade, match.endpoint.settings, Process(), b"/")
        self.websocket = Websocket(
            scheme="ws",
            path="/",
            query_string=b"",
            headers=Headers(),
            client=None,
            subprotocols=(),
            connection=self.protocol,
            inbox=self.protocol.inbox,
        )
        self.protocol.start(match.endpoint, self.websocket, {}, b"")

    async def end(self) -> None:
        self.leave.set()
        self.protocol.connection_lost(None)
        if self.protocol.task is not None:
            await asyncio.wait((self.protocol.task,))


@given(STEPS)
async def test_no_cancellation_loses_a_message_or_cuts_a_frame(steps: list[str]) -> None:
    connection = Connection()
    await connection.websocket.accept()
    answer = len(connection.transport.written)
    arrived = 0
    received: list[Any] = []
    receiving: asyncio.Task[Any] | None = None
    sends: deque[tuple[str, asyncio.Task[None]]] = deque()

    async def receive() -> None:
        # There is no await between the return of `receive` and this line, so every received message is recorded.
        received.append(await connection.websocket.receive())

    for number, step in enumerate([*steps, "cancel receive", "resume"]):
        if step.startswith("arrive"):
            count = 10 if step == "arrive many" else 1
            frames = [client_frame(TEXT, b"%d" % (arrived + index)) for index in range(count)]
            arrived += count
            connection.protocol.data_received(b"".join(frames))
        elif step == "receive" and (receiving is None or receiving.done()):
            receiving = asyncio.create_task(receive())
        elif step == "cancel receive" and receiving is not None:
            receiving.cancel()
        elif step == "send":
            sends.append((f"message {number}", asyncio.create_task(connection.websocket.send(f"message {number}"))))
        elif step == "cancel send" and sends:
            sends[-1][1].cancel()
        elif step == "stall":
            connection.protocol.pause_writing()
        elif step == "resume":
            connection.protocol.resume_writing()
        await asyncio.sleep(0)
    await asyncio.wait({task for _, task in sends} | ({receiving} if receiving is not None else set()) or {_nothing()})
    while len(received) < arrived:
        async with asyncio.timeout(5):
            received.append(await connection.websocket.receive())
    assert received == [str(number) for number in range(arrived)]
    sent = [encode_message(message) for message, task in sends if not task.cancelled()]
    assert connection.transport.written[answer:] == b"".join(sent)
    await connection.end()


def _nothing() -> asyncio.Task[None]:
    return asyncio.create_task(asyncio.sleep(0))
