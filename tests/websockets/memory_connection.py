"""A connection without a server: it records the calls of its `Websocket`, and plays the peer for the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from emmett import Websocket
from emmett.datastructures import Headers
from emmett.errors import WebsocketClosed
from emmett.websockets.connection import Data, MessageBatch
from emmett.websockets.inbox import Inbox
from emmett.wire.fields import HeaderFields


class MemoryConnection:
    """The parts of a connection that `Websocket` and dispatch need.

    Attributes:
        events: the recorded calls, in order: ("accept", header fields, subprotocol), ("send", message),
            ("close", code, reason), ("refuse", status, body, header fields).
        reads: while cleared, writing and closing wait.
        refilled: how many times the inbox has asked for more.
        websocket: the connection as the application sees it.
    """

    def __init__(
        self,
        *,
        path: str = "/",
        query_string: bytes = b"",
        headers: tuple[tuple[bytes, bytes], ...] = ((b"host", b"localhost:8000"),),
        subprotocols: tuple[str, ...] = (),
        accepted: bool = False,
    ) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.reads = asyncio.Event()
        self.reads.set()
        self.refilled = 0
        self._line = asyncio.Lock()
        self.inbox = Inbox(asyncio.get_running_loop(), self)
        self.websocket = Websocket(
            scheme="ws",
            path=path,
            query_string=query_string,
            headers=Headers(headers),
            client=("192.0.2.1", 50000),
            subprotocols=subprotocols,
            connection=self,
            inbox=self.inbox,
        )
        if accepted:
            self.websocket.mark_accepted(None)

    # The port.

    @property
    def writer(self) -> MemoryConnection:
        return self

    @property
    def unsent(self) -> int:
        return 0

    def accept(self, headers: HeaderFields | None, subprotocol: str | None) -> Awaitable[None] | None:
        if self.websocket.accepted:
            return None
        if subprotocol is not None and subprotocol not in self.websocket.subprotocols:
            raise ValueError(f"subprotocol {subprotocol!r} was not offered")
        self.events.append(("accept", dict(headers or {}), subprotocol))
        return self._in_turn(lambda: self.websocket.mark_accepted(subprotocol))

    def refuse(self, status: int, body: str | bytes, headers: HeaderFields) -> Awaitable[None] | None:
        if not 300 <= status <= 599:
            raise ValueError(f"a handshake cannot be refused with {status}")
        self.events.append(("refuse", status, body, dict(headers)))
        self.websocket.end(1006, "")
        return None

    def write(self, message: Data, more: bool) -> Awaitable[None] | None:
        self._check_open()
        if not isinstance(message, (str, bytes, bytearray, memoryview)):
            raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}")
        return self._in_turn(lambda: self.events.append(("send", message)))

    def write_now(self, message: Data) -> None:
        self._check_open()
        self.events.append(("send", message))

    def write_batch(self, batch: MessageBatch) -> bool | None:
        self._check_open()
        if not self.reads.is_set():
            return False
        self.events += [("send", message) for message in batch.messages]
        return True

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        async def wait() -> None:
            await self.reads.wait()
            callback()

        self.waiting = asyncio.create_task(wait())

    async def ping(self) -> float:
        self._check_open()
        return 0.25

    def close(self, code: int, reason: str) -> Awaitable[None] | None:
        return self._in_turn(lambda: self.events.append(("close", code, reason)))

    # The peer.

    def arrive(self, *messages: str | bytes) -> None:
        """Let messages arrive, as if in one read."""
        self.inbox.messages.extend(messages)
        self.inbox.wake()

    def leave(self, code: int = 1000, reason: str = "") -> None:
        """Let the peer close the connection."""
        self.websocket.end(code, reason)

    @property
    def sent(self) -> list[Any]:
        """The messages that were sent."""
        return [event[1] for event in self.events if event[0] == "send"]

    def _check_open(self) -> None:
        if self.websocket.closed:
            assert self.websocket.close_code is not None
            raise WebsocketClosed(self.websocket.close_code, self.websocket.close_reason or "")

    def on_unclaimed(self) -> None: ...

    def refill(self) -> None:
        self.refilled += 1
        self.inbox.held_back = False

    def _in_turn(self, act: Callable[[], None]) -> Awaitable[None] | None:
        """Do it at once, or after everything that waits for the peer to read."""
        if self.reads.is_set() and not self._line.locked():
            act()
            return None

        async def wait() -> None:
            async with self._line:
                await self.reads.wait()
                act()

        return wait()


async def turns(number: int = 5) -> None:
    """Let all tasks that can continue do so."""
    for _ in range(number):
        await asyncio.sleep(0)
