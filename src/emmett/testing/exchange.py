"""One request and its response, over a separate connection in memory."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterable

from .context import Visit
from .requests import ClientRequest
from .response_reader import ResponseReader
from .transport import MemoryConnection

# Seconds for a handler to end once its client has left; after that, the client stops waiting for it.
END_GRACE = 1.0


class ClientExchange:
    """Sends a request and reads its response. It sends the body while it waits for the response, which may come first.

    Arguments:
        request: the request.
        connection: a connection on which nothing was sent yet.
        visit: records the application's view of the request.

    Attributes:
        request: the request.
        visit: the application's view of the request.
        reader: the part of the response that has arrived.
    """

    def __init__(self, request: ClientRequest, connection: MemoryConnection, visit: Visit) -> None:
        self.request = request
        self.visit = visit
        self.reader = ResponseReader(request.method)
        self._connection = connection
        # Sends a body that does not leave in one piece with the head.
        self._sender: asyncio.Task[None] | None = None
        self._go_ahead = asyncio.Event()
        # The error raised by the iterable of the body.
        self._failure: BaseException | None = None
        self._received = 0

    def send(self, cookies: str) -> None:
        """Send the request.

        Arguments:
            cookies: the value of Cookie, empty for none.
        """
        request = self.request
        self._connection.write(request.head(cookies))
        if isinstance(request.content, AsyncIterable) or (request.content and request.expects_continue):
            self._sender = asyncio.get_running_loop().create_task(self._send_body())
        elif request.content:
            self._connection.write(request.content)

    async def read_head(self) -> None:
        """Wait for status and header fields.

        Raises:
            ConnectionError: the connection broke, or the response is not HTTP.
        """
        while not self.reader.status:
            await self._read_more()

    async def read_chunk(self) -> bytes:
        """Return the next part of the body as it arrives; empty at the end.

        Raises:
            ConnectionError: the connection broke before the end.
        """
        reader = self.reader
        while not reader.chunks and not reader.complete:
            await self._read_more()
        return reader.chunks.pop(0) if reader.chunks else b""

    async def read_body(self) -> bytes:
        """Return the unread rest of the body.

        Raises:
            ConnectionError: the connection broke before the end.
        """
        while not self.reader.complete:
            await self._read_more()
        body = b"".join(self.reader.chunks)
        self.reader.chunks.clear()
        return body

    async def aclose(self) -> None:
        """Close the connection, and give the request's handler time to end."""
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.wait([self._sender])
        self._connection.close()
        if self.visit.task is not None:
            await asyncio.wait([self.visit.task], timeout=END_GRACE)

    def describe(self) -> str:
        """Describe how far the response has come."""
        if not self.reader.status:
            return "nothing of it has arrived"
        return f"its head has arrived with status {self.reader.status}, and {self._received} bytes"

    async def _read_more(self) -> None:
        try:
            data = await self._connection.read()
        except ConnectionError:
            if self._failure is None:
                raise
            data = b""
        if self._failure is not None:
            raise self._failure
        self._received += len(data)
        if data:
            self.reader.feed(data)
        else:
            self.reader.feed_end()
        if self.reader.may_send:
            self._go_ahead.set()

    async def _send_body(self) -> None:
        request, content = self.request, self.request.content
        if request.expects_continue:
            await self._go_ahead.wait()
        try:
            if isinstance(content, AsyncIterable):
                await self._send_pieces(content)
            elif content:
                self._connection.write(content)
        except ConnectionError:
            # The server does not want the rest. Its response to that is being read.
            pass
        except Exception as error:
            self._failure = error
            self._connection.reset()

    async def _send_pieces(self, content: AsyncIterable[bytes | str]) -> None:
        chunked = self.request.is_chunked
        pieces = aiter(content)
        try:
            async for piece in pieces:
                data = piece.encode("utf-8") if isinstance(piece, str) else piece
                if data:
                    self._connection.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
                await self._connection.drain()
            if chunked:
                self._connection.write(b"0\r\n\r\n")
        finally:
            aclose = getattr(pieces, "aclose", None)
            if aclose is not None:
                with contextlib.suppress(RuntimeError):
                    await aclose()
