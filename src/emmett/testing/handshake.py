"""The opening handshake of a test client's websocket, and the error for a refused one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.typing import Origin, Subprotocol
from websockets.uri import WebSocketURI

from ..datastructures import Headers
from ..errors import EmmettError, UsageError
from .deadline import deadline
from .requests import Fields
from .response import TestResponse
from .transport import MemoryConnection
from .urls import URL
from .websocket import TestWebsocket


class RefusedHandshake(EmmettError):
    """The server or the application answered a handshake with a status other than 101.

    Arguments:
        response: the answer.

    Attributes:
        response: the answer, a `TestResponse`.
        status: its HTTP status.
        headers: its header fields.
        body: its body, in bytes.
    """

    def __init__(self, response: TestResponse) -> None:
        super().__init__(response)
        self.response = response
        self.status = response.status
        self.headers = response.headers
        self.body = response.content

    def __str__(self) -> str:
        url = self.response.url.replace("http", "ws", 1)
        return f"the handshake of {url} was refused with {self.status}: {self.response.text[:200]!r}"


@dataclass(frozen=True, slots=True)
class ClientHandshake:
    """The properties of a handshake request.

    Attributes:
        url: the URL.
        fields: additional header fields; they replace standard ones of the same name.
        subprotocols: the subprotocols to offer, in order of preference.
        origin: the value of Origin; None to omit it.
        compression: whether to offer compression.
        timeout: seconds for the answer, and later for each wait.

    Raises:
        UsageError: subprotocols is not a list of names.
    """

    url: URL
    fields: Fields
    subprotocols: Sequence[str]
    origin: str | None
    compression: bool
    timeout: float

    def __post_init__(self) -> None:
        if isinstance(self.subprotocols, str):
            raise UsageError(f"subprotocols={self.subprotocols!r}: expected a list, [{self.subprotocols!r}]")

    def protocol(self) -> ClientProtocol:
        """Return the protocol that makes this handshake."""
        path, _, query = self.url.target.partition("?")
        return ClientProtocol(
            WebSocketURI(self.url.secure, self.url.host, self.url.port, path, query),
            origin=None if self.origin is None else Origin(self.origin),
            extensions=[ClientPerMessageDeflateFactory()] if self.compression else None,
            subprotocols=[Subprotocol(name) for name in self.subprotocols] or None,
            # The application under test may send messages of any size.
            max_size=None,
        )


async def open_websocket(
    connection: MemoryConnection, opening: ClientHandshake, cookies: str, store: Callable[[URL, Iterable[str]], None]
) -> TestWebsocket:
    """Make a handshake.

    Arguments:
        connection: the connection; it is closed if the handshake fails.
        opening: the handshake request.
        cookies: the value of Cookie, empty for none.
        store: called to store the cookies that the answer sets.

    Raises:
        RefusedHandshake: the status of the answer is not 101.
        ConnectionError: there was no answer, or it violates the protocol.
        TimeoutError: there was no answer in time.
    """
    protocol = opening.protocol()
    try:
        answer = await _ask(connection, protocol, opening, cookies)
    except BaseException:
        connection.close()
        raise
    headers = Headers((name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers.raw_items())
    store(opening.url, headers.get_all("set-cookie"))
    if protocol.handshake_exc is not None:
        connection.close()
        if not isinstance(protocol.handshake_exc, InvalidStatus):
            raise ConnectionError(f"the answer to the handshake of {opening.url} is wrong") from protocol.handshake_exc
        refusal = TestResponse("GET", opening.url, answer.status_code, headers.raw, None, content=bytes(answer.body))
        raise RefusedHandshake(refusal)
    return TestWebsocket(connection, protocol, opening.url.path, headers, opening.timeout)


async def _ask(
    connection: MemoryConnection, protocol: ClientProtocol, opening: ClientHandshake, cookies: str
) -> Response:
    request = protocol.connect()
    for given in {name.decode() for name, _ in opening.fields} & set(request.headers):
        del request.headers[given]
    for name, value in opening.fields:
        request.headers[name.decode()] = value.decode("latin-1")
    if cookies and "Cookie" not in request.headers:
        request.headers["Cookie"] = cookies
    protocol.send_request(request)
    connection.write(b"".join(protocol.data_to_send()))
    async with deadline(opening.timeout, lambda within: f"no answer to the handshake of {opening.url} {within}"):
        while True:
            data = await connection.read()
            if data:
                protocol.receive_data(data)
            else:
                protocol.receive_eof()
            # Data after the answer stays in the protocol for the websocket.
            if protocol.events and isinstance(protocol.events[0], Response):
                answer = protocol.events.pop(0)
                assert isinstance(answer, Response)
                return answer
            if not data:
                raise ConnectionResetError(
                    f"the server closed the connection before it answered the handshake of {opening.url}"
                ) from protocol.handshake_exc
