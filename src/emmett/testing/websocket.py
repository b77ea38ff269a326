"""`TestWebsocket`: an open websocket of a test client."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from websockets.client import ClientProtocol
from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import State

from ..datastructures import Headers
from ..errors import UsageError, WebsocketClosed
from ..server.websocket_protocol import WebsocketProtocol
from ..wire.close import CloseCode
from .deadline import checked_timeout, deadline
from .exchange import END_GRACE
from .transport import MemoryConnection

Found = TypeVar("Found")


class TestWebsocket:
    """An open websocket, as its client sees it. Several tasks may use it, but only one at a time may `receive`.

    It only reads while it waits for something: data that the server sends otherwise stays under way, as with a slow
    client.

    Arguments:
        connection: the connection after the handshake.
        protocol: the protocol that made the handshake.
        path: its name in errors.
        headers: the header fields of the handshake response.
        timeout: seconds for each wait.

    Attributes:
        subprotocol: the subprotocol that the application chose; None for none.
        headers: the header fields of the handshake response, case-insensitive.
    """

    __test__ = False

    def __init__(
        self, connection: MemoryConnection, protocol: ClientProtocol, path: str, headers: Headers, timeout: float
    ) -> None:
        self.subprotocol: str | None = protocol.subprotocol
        self.headers = headers
        self._connection = connection
        self._protocol = protocol
        self._path = path
        self._timeout = timeout
        self._messages: deque[str | bytes] = deque()
        # The number of messages returned, for the error of a timeout.
        self._taken = 0
        # The fragments of an incomplete message; and whether it is text.
        self._fragments: list[bytes] = []
        self._is_text = False
        self._pings = itertools.count(1)
        # The latest Ping that was answered; the answer covers those before it, too (RFC 6455, 5.5.3).
        self._answered = 0
        # Of the tasks that wait, one reads for all.
        self._reading = asyncio.Lock()
        self._receiving = False
        # The server's handler, which outlives the connection if it has to clean up.
        server = connection.transport.get_protocol()
        self._handler = server.task if isinstance(server, WebsocketProtocol) else None
        # Data after the answer in the same read.
        self._collect()

    @property
    def close_code(self) -> int | None:
        """The close code of the server: 1005 for a Close frame without a code, 1006 for none; None while open."""
        if self._protocol.close_rcvd is not None:
            return int(self._protocol.close_rcvd.code)
        return CloseCode.ABNORMAL.value if self._protocol.state is State.CLOSED else None

    @property
    def close_reason(self) -> str | None:
        """The close reason of the server, possibly empty; None while it is open."""
        if self.close_code is None:
            return None
        return self._protocol.close_rcvd.reason if self._protocol.close_rcvd else ""

    async def send(self, message: str | bytes) -> None:
        """Send a message: text for `str`, binary for bytes.

        Raises:
            WebsocketClosed: the websocket is no longer open.
            UsageError: the message is of another type.
        """
        if not isinstance(message, (str, bytes, bytearray, memoryview)):
            raise UsageError(f"a message of type {type(message).__name__}: allowed are str and bytes; see send_json")
        if self._protocol.state is not State.OPEN:
            raise self._closed()
        if isinstance(message, str):
            self._protocol.send_text(message.encode("utf-8"))
        else:
            self._protocol.send_binary(bytes(message))
        self._flush()

    async def send_json(self, value: object) -> None:
        """Send a value as JSON, in a text message.

        Raises:
            WebsocketClosed: as `send`.
            TypeError: JSON cannot express the value.
        """
        await self.send(msgspec.json.encode(value).decode("utf-8"))

    async def receive(self, timeout: float | None = None) -> str | bytes:  # noqa: ASYNC109 - part of the interface
        """Return the next message: `str` for text, `bytes` for binary.

        Arguments:
            timeout: seconds to wait; by default those of the websocket.

        Raises:
            TimeoutError: no message arrived in time; the error describes the state.
            WebsocketClosed: the websocket is closed, and all messages are read.
            UsageError: another task is already receiving.
        """
        if self._receiving:
            raise UsageError(f"another task is already receiving from websocket {self._path}")
        self._receiving = True
        try:
            message: str | bytes | None = await self._wait_for(self._next, self._describe_receive, timeout)
        finally:
            self._receiving = False
        if message is None:
            raise self._closed()
        self._taken += 1
        return message

    async def receive_json(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109
        """Return the next message decoded from JSON, whether text or binary.

        Raises:
            TimeoutError, WebsocketClosed, UsageError: as `receive`.
            ValueError: the message is not JSON.
        """
        message = await self.receive(timeout)
        try:
            return msgspec.json.decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"a message on websocket {self._path} is not JSON: {message[:80]!r} ({error})") from None

    async def ping(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Ping the server, and wait until it answers.

        Raises:
            TimeoutError: it did not answer in time.
            WebsocketClosed: the websocket is closed.
        """
        if self._protocol.state is not State.OPEN:
            raise self._closed()
        number = next(self._pings)
        self._protocol.send_ping(b"%d" % number)
        self._flush()
        answered = await self._wait_for(
            lambda: self._answered >= number or None,
            lambda within: f"no pong on websocket {self._path} {within}; {self._state()}",
            timeout,
        )
        if answered is None:
            raise self._closed()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, and wait until the server has closed the connection. Does nothing if it is already closed.

        Messages that arrived earlier can still be received.

        Arguments:
            code: the close code.
            reason: the close reason, up to 123 bytes.

        Raises:
            TimeoutError: the server did not close in time.
            UsageError: a client may not send this code or reason.
        """
        if self._protocol.state is State.OPEN:
            try:
                self._protocol.send_close(code, reason)
            except ProtocolError as error:
                raise UsageError(f"close({code!r}, {reason!r}): {error}") from None
            self._flush()
        await self._wait_for(
            lambda: None,
            lambda within: f"the server did not close the connection of websocket {self._path} {within}",
            None,
            to_the_end=True,
        )

    def __aiter__(self) -> TestWebsocket:
        """Iterate over the messages until the websocket is closed."""
        return self

    async def __anext__(self) -> str | bytes:
        try:
            return await self.receive()
        except WebsocketClosed:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        """Leave without a Close frame, if it is still open; the handler gets time to end."""
        self._connection.close()
        if self._handler is not None:
            await asyncio.wait([self._handler], timeout=END_GRACE)

    def __repr__(self) -> str:
        return f"<TestWebsocket {self._path}: {self._state()}>"

    async def _wait_for(
        self,
        find: Callable[[], Found | None],
        describe: Callable[[str], str],
        seconds: float | None,
        *,
        to_the_end: bool = False,
    ) -> Found | None:
        """Read until a result is found; None if the websocket, or with `to_the_end` the connection, has ended."""
        async with deadline(self._timeout if seconds is None else checked_timeout(seconds), describe):
            while (found := find()) is None:
                if self._protocol.state is State.CLOSED or (self._protocol.close_rcvd and not to_the_end):
                    break
                if self._reading.locked():
                    # Another task reads; it may find a result for this one.
                    async with self._reading:
                        continue
                async with self._reading:
                    await self._read_more()
            return found

    async def _read_more(self) -> None:
        try:
            data = await self._connection.read()
        except ConnectionError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._collect()

    def _collect(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Frame):
                self._take(event)
        self._flush()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PONG:
            self._answered = max(self._answered, int(frame.data))
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if frame.opcode is not Opcode.CONT:
            self._is_text = frame.opcode is Opcode.TEXT
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            message = b"".join(self._fragments)
            self._fragments.clear()
            self._messages.append(message.decode("utf-8") if self._is_text else message)

    def _next(self) -> str | bytes | None:
        return self._messages.popleft() if self._messages else None

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            # If the connection has broken, reading reports it.
            with contextlib.suppress(ConnectionError):
                if data:
                    self._connection.write(data)
                else:
                    self._connection.write_eof()

    def _closed(self) -> WebsocketClosed:
        if self.close_code is None:
            # This side has begun to close.
            assert self._protocol.close_sent is not None
            return WebsocketClosed(int(self._protocol.close_sent.code), self._protocol.close_sent.reason)
        closed = WebsocketClosed(self.close_code, self.close_reason or "")
        closed.__cause__ = self._protocol.parser_exc
        return closed

    def _describe_receive(self, within: str) -> str:
        count = f"{self._taken} message{'' if self._taken == 1 else 's'}"
        were = "was" if self._taken == 1 else "were"
        return f"no message on websocket {self._path} {within}; {self._state()}; {count} {were} received before"

    def _state(self) -> str:
        if self.close_code is not None:
            return f"it was closed with {self.close_code}"
        return "the connection is open" if self._protocol.state is State.OPEN else "the connection is closing"
