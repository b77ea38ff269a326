"""`StreamedResponse`: a response whose body is read as it arrives."""

from __future__ import annotations

import codecs
from collections.abc import AsyncIterator, Iterable

from .deadline import deadline
from .exchange import ClientExchange
from .response import ResponseHead, TestResponse


class StreamedResponse(ResponseHead):
    """A response whose head has arrived. `async for chunk in response` yields its body in the pieces that arrive.

    Arguments:
        exchange: the request, and the part of its response that has arrived.
        history: the redirects before it.
        timeout: seconds for each wait.
    """

    def __init__(self, exchange: ClientExchange, history: Iterable[TestResponse], timeout: float) -> None:
        request, reader = exchange.request, exchange.reader
        super().__init__(request.method, request.url, reader.status, reader.headers, exchange.visit.context, history)
        self._exchange = exchange
        self._timeout = timeout

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece of the body.

        Raises:
            TimeoutError: it did not arrive in time.
            ConnectionError: the server ended the connection before the body was complete.
        """
        async with deadline(self._timeout, self._describe):
            chunk = await self._exchange.read_chunk()
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def read(self) -> bytes:
        """Return the rest of the body. Each part of it may take the whole timeout.

        Raises:
            TimeoutError, ConnectionError: as for a piece.
        """
        return b"".join([chunk async for chunk in self])

    async def lines(self) -> AsyncIterator[str]:
        """Yield the body as lines of text without their ends, each once it is complete.

        Raises:
            TimeoutError, ConnectionError: as for a piece.
        """
        decoder = codecs.getincrementaldecoder(self.charset)("replace")
        rest = ""
        async for chunk in self:
            *lines, rest = (rest + decoder.decode(chunk)).split("\n")
            for line in lines:
                yield line.removesuffix("\r")
        rest += decoder.decode(b"", final=True)
        if rest:
            yield rest

    def _describe(self, within: str) -> str:
        request = self._exchange.request
        return f"no more of the response to {request} {within}; {self._exchange.describe()}"
