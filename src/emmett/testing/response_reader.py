"""`ResponseReader`: parse the bytes of a server into a response, without input or output."""

from __future__ import annotations

import httptools

SWITCHING_PROTOCOLS = 101


class ResponseReader:
    """Reads the response to one request (RFC 9112).

    Arguments:
        method: the method of the request: the response to HEAD has no body, whatever its header fields say.

    Attributes:
        status: the HTTP status; 0 until the head is complete.
        headers: pairs of lower-case name and value.
        chunks: the parts of the body that have arrived; the consumer removes them.
        complete: whether the whole response has arrived.
        may_send: whether the server has asked for the body of the request (100, RFC 9110, 10.1.1).
    """

    def __init__(self, method: str) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.chunks: list[bytes] = []
        self.complete = False
        self.may_send = False
        self._method = method
        self._parser = httptools.HttpResponseParser(self)
        self._fields: list[tuple[bytes, bytes]] = []
        # Bytes of the body so far, for the error about an incomplete response.
        self._received = 0
        self._ends_with_connection = False

    def feed(self, data: bytes) -> None:
        """Parse data. Data after the response is ignored.

        Raises:
            ConnectionError: the data is not HTTP.
        """
        if self.complete:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError as error:
            if not self.complete:
                raise ConnectionError(f"the response is not valid HTTP: {error}") from error

    def feed_end(self) -> None:
        """Handle the end of the connection.

        Raises:
            ConnectionResetError: the response is incomplete.
        """
        if self._ends_with_connection:
            self.complete = True
        if not self.complete:
            came = f"after {self._received} bytes of the body" if self.status else "before the response"
            raise ConnectionResetError(f"the server closed the connection {came}")

    # Callbacks of the parser.

    def on_message_begin(self) -> None:
        """Handle the first line."""
        self._fields = []

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a field of the head; drop those of trailers."""
        if not self.status:
            self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Handle a complete head, possibly that of an interim response."""
        status = self._parser.get_status_code()
        if self.complete or (status < 200 and status != SWITCHING_PROTOCOLS):
            return
        self.status, self.headers = status, self._fields
        if self._method == "HEAD" or status == SWITCHING_PROTOCOLS:
            self.complete = True
        framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in self.headers)
        self._ends_with_connection = not framed

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        if not self.complete:
            self._received += len(body)
            self.chunks.append(body)

    def on_message_complete(self) -> None:
        """Handle the end of a response."""
        if self.status:
            self.complete = True
        elif self._parser.get_status_code() == 100:
            self.may_send = True
