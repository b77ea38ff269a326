"""`AsyncTestClient`: requests and websockets for tests that run in an event loop."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypedDict, Unpack

from ..dispatch import ServedApplication
from ..errors import ConfigurationError, UsageError
from ..wire.fields import encode_fields
from .calls import TestCalls
from .context import RequestContext, Visits
from .cookies import ClientCookies
from .deadline import checked_timeout, deadline
from .exchange import END_GRACE, ClientExchange
from .faults import Faults
from .handshake import ClientHandshake, open_websocket
from .redirects import MAX_REDIRECTS, RedirectError, next_request
from .requests import ClientRequest, HeaderFields, RequestOptions, make_request, merged
from .response import ResponseHead, TestResponse
from .server import MemoryServer
from .streamed_response import StreamedResponse
from .transport import MemoryConnection
from .urls import parse_url
from .websocket import TestWebsocket

_USER_AGENT = (b"user-agent", b"emmett-test-client")
_ACCEPT = (b"accept", b"*/*")
# Addresses are not reused for a while, so that two clients of one application can be distinguished.
_ports = itertools.cycle(range(10_000, 65_536))


class ClientOptions(TypedDict, total=False):
    """The options of a client; see `AsyncTestClient`."""

    base_url: str
    headers: HeaderFields | None
    cookies: Mapping[str, str] | None
    follow_redirects: bool
    timeout: float
    faults: Faults | None


class WebsocketOptions(TypedDict, total=False):
    """The options of a websocket; see `AsyncTestClient.websocket`."""

    headers: HeaderFields | None
    cookies: Mapping[str, str] | None
    subprotocols: Sequence[str]
    origin: str | None
    compression: bool
    timeout: float | None


class AsyncTestClient:
    """A client that runs an application in memory, with the protocol code of the server; no socket is opened.

    `async with app.test_client_async() as client:` runs start-up and shutdown around the block. Each request and each
    websocket has a separate connection, which is closed when it ends; connections still open at the end of the block
    are closed there.

    Arguments:
        app: the application.
        base_url: the URL that paths are relative to: `http://host` or `https://host`, with an optional port.
        headers: header fields of every request.
        cookies: initial cookies.
        follow_redirects: whether requests follow redirects.
        timeout: seconds for a whole response, for each wait on a websocket, for start-up and for shutdown.
        faults: the faults of the connections (see `Faults`).

    Raises:
        ConfigurationError: the base URL or the timeout is invalid.
        ValueError: a header field or a cookie is invalid.
    """

    __test__ = False

    def __init__(
        self,
        app: ServedApplication,
        *,
        base_url: str = "http://localhost",
        headers: HeaderFields | None = None,
        cookies: Mapping[str, str] | None = None,
        follow_redirects: bool = False,
        timeout: float = 5.0,
        faults: Faults | None = None,
    ) -> None:
        self.app = app
        self._url = parse_url(base_url)
        if self._url.target != "/":
            raise ConfigurationError(f"base_url={base_url!r}: expected no path, only http://host or https://host")
        self._fields = encode_fields(headers or {}, {})
        self._cookies = ClientCookies(self._url, cookies)
        self._follow_redirects = follow_redirects
        self._timeout = checked_timeout(timeout)
        self._faults = faults or Faults()
        self._visits = Visits(app.table)
        self._server: MemoryServer | None = None
        self._open: set[ClientExchange | TestWebsocket] = set()
        self._last: ResponseHead | None = None

    @property
    def cookies(self) -> ClientCookies:
        """The client's cookies, by name: `client.cookies["name"] = "value"`."""
        return self._cookies

    @property
    def server(self) -> MemoryServer:
        """The server in memory, for raw connections and for letting deadlines pass.

        Raises:
            UsageError: the client is not open.
        """
        if self._server is None:
            raise UsageError("the test client is not open: write `async with app.test_client_async() as client:`")
        return self._server

    @property
    def _drain_timeout(self) -> float:
        return min(self._timeout, self.app.table.config.server.shutdown_timeout)

    @property
    def context(self) -> RequestContext:
        """The application's view of the last request: `.request`, `.response`, `.session`.

        With concurrent requests, it is that of the request answered last; `response.context` distinguishes them.

        Raises:
            UsageError: there was no request, or it did not reach the application.
        """
        if self._last is None:
            raise UsageError("client.context is available after a request; none was made yet")
        if self._last.context is None:
            raise UsageError(f"{self._last!r} came from the server: the request did not reach the application")
        return self._last.context

    async def __aenter__(self) -> Self:
        if self._server is not None:
            raise UsageError("the test client is already open: make another one, or leave the block first")
        # Tests do not wait as long for a handler that hangs as a server does.
        server = MemoryServer(self.app, drain_timeout=self._drain_timeout)
        self._visits.install()
        try:
            async with deadline(self._timeout, lambda within: f"the start-up of the application did not end {within}"):
                await server.__aenter__()
        except BaseException:
            self._visits.remove()
            raise
        self._server = server
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        server, self._server = self.server, None
        # The server itself waits no longer than this for the handlers.
        seconds = self._timeout + self._drain_timeout

        def describe(within: str) -> str:
            return f"the shutdown of the application did not end {within}"

        try:
            for each in list(self._open):
                await each.aclose()
            # At the first deadline the server may still be waiting for handlers; it runs `on_shutdown` even then.
            async with deadline(seconds + END_GRACE, describe), deadline(seconds, describe):
                await server.__aexit__(error_type, error, traceback)
        finally:
            self._visits.remove()

    def get(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, TestResponse]:
        """Send a GET request; see `request`."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, TestResponse]:
        """Send a HEAD request; see `request`."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, TestResponse]:
        """Send a POST request; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, TestResponse]:
        """Send a PUT request; see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, TestResponse]:
        """Send a PATCH request; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, TestResponse]:
        """Send a DELETE request; see `request`."""
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Unpack[RequestOptions]) -> Coroutine[Any, Any, TestResponse]:
        """Send an OPTIONS request; see `request`."""
        return self.request("OPTIONS", path, **options)

    async def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a request and return the whole response, whatever its status.

        Arguments:
            method: the method.
            path: a path, or a whole URL; the application answers for every host.
            options: see `RequestOptions`.

        Raises:
            TimeoutError: the response was not complete in time; the message says how far it had come.
            ConnectionError: the server ended the connection early.
            RedirectError: a redirect cannot be followed.
            UsageError: the client is not open, or arguments are incompatible.
        """
        timeout = checked_timeout(options.get("timeout", self._timeout))
        last: list[ClientExchange] = []
        async with deadline(timeout, lambda within: _describe(last, within)):
            exchange, history = await self._follow(method, path, options, last)
            try:
                content = await exchange.read_body()
            finally:
                await self._leave(exchange)
        self._last = response = _whole(exchange, history, content)
        return response

    @contextlib.asynccontextmanager
    async def stream(
        self, method: str, path: str, **options: Unpack[RequestOptions]
    ) -> AsyncIterator[StreamedResponse]:
        """Send a request; the block gets the response once its head has arrived, and reads the body as it arrives.

        The timeout applies to the head, then to each piece. Leaving the block disconnects.

        Arguments and errors: as for `request`.
        """
        timeout = checked_timeout(options.get("timeout", self._timeout))
        last: list[ClientExchange] = []
        async with deadline(timeout, lambda within: _describe(last, within)):
            exchange, history = await self._follow(method, path, options, last)
        try:
            self._last = response = StreamedResponse(exchange, history, timeout)
            yield response
        finally:
            await self._leave(exchange)

    @contextlib.asynccontextmanager
    async def websocket(
        self,
        path: str,
        *,
        headers: HeaderFields | None = None,
        cookies: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
        origin: str | None = None,
        compression: bool = False,
        timeout: float | None = None,  # noqa: ASYNC109 - part of the interface
    ) -> AsyncIterator[TestWebsocket]:
        """Open a websocket; leaving the block closes it, and gives its handler time to end.

        Arguments:
            path: a path, or a whole URL.
            headers: header fields of the handshake.
            cookies: cookies for this websocket only, in addition to those of the client.
            subprotocols: the subprotocols to offer, in order of preference.
            origin: the value of Origin, as a browser would send it for a page of that origin.
            compression: whether to offer compression (RFC 7692).
            timeout: seconds for each wait; by default those of the client.

        Raises:
            RefusedHandshake: the server or the application refused.
            TimeoutError: the server did not answer in time.
            UsageError: the client is not open, or an argument is invalid.
        """
        opening = ClientHandshake(
            url=self._url.join(path),
            fields=merged([_USER_AGENT, *self._fields], encode_fields(headers or {}, {})),
            subprotocols=subprotocols,
            origin=origin,
            compression=compression,
            timeout=self._timeout if timeout is None else checked_timeout(timeout),
        )
        connection = self._connect(opening.url.secure)[0]
        cookie = self._cookies.header_for(opening.url, cookies)
        websocket = await open_websocket(connection, opening, cookie, self._cookies.store)
        self._open.add(websocket)
        try:
            yield websocket
        except BaseException:
            await websocket.aclose()
            raise
        else:
            await websocket.close()
            await websocket.aclose()
        finally:
            self._open.discard(websocket)

    @contextlib.asynccontextmanager
    async def calls(self, path: str, **options: Unpack[WebsocketOptions]) -> AsyncIterator[TestCalls]:
        """Open a websocket of an `app.calls(...)` route: `async with client.calls("/api") as api: await api.add(1, 2)`.

        Arguments:
            path: a path, or a whole URL.
            options: as `websocket` takes them.

        Raises:
            RefusedHandshake, TimeoutError, UsageError: as `websocket`.
        """
        async with self.websocket(path, **options) as websocket:
            yield TestCalls(websocket)

    async def _follow(
        self, method: str, path: str, options: RequestOptions, last: list[ClientExchange]
    ) -> tuple[ClientExchange, list[TestResponse]]:
        """Send a request, and those that redirects ask for, until the head of the final response has arrived."""
        follow = options.get("follow_redirects", self._follow_redirects)
        url = self._url.join(path, options.get("params"))
        request: ClientRequest = make_request(method, url, [_USER_AGENT, _ACCEPT, *self._fields], options)
        history: list[TestResponse] = []
        while True:
            # The cookies of one request are for its own host.
            more = options.get("cookies") if url.is_same_origin(request.url) else None
            exchange = self._send(request, self._cookies.header_for(request.url, more))
            last[:] = [exchange]
            try:
                await exchange.read_head()
                head = _whole(exchange, history, b"")
                self._cookies.store(request.url, head.headers.get_all("set-cookie"))
                following = next_request(request, head) if follow else None
                if following is None:
                    return exchange, history
                if len(history) == MAX_REDIRECTS:
                    raise RedirectError(f"over {MAX_REDIRECTS} redirects, the last one to {following.url}")
                content = await exchange.read_body()
            except BaseException:
                await self._leave(exchange)
                raise
            await self._leave(exchange)
            history.append(_whole(exchange, history, content))
            request = following

    def _send(self, request: ClientRequest, cookies: str) -> ClientExchange:
        connection, peer = self._connect(request.url.secure)
        exchange = ClientExchange(request, connection, self._visits.expect(peer))
        self._open.add(exchange)
        exchange.send(cookies)
        return exchange

    def _connect(self, secure: bool) -> tuple[MemoryConnection, tuple[str, int]]:
        peer = ("127.0.0.1", next(_ports))
        return self.server.connect(client=peer, secure=secure, faults=self._faults), peer

    async def _leave(self, exchange: ClientExchange) -> None:
        self._open.discard(exchange)
        self._visits.forget(exchange.visit)
        await exchange.aclose()


def _whole(exchange: ClientExchange, history: list[TestResponse], content: bytes) -> TestResponse:
    request, reader = exchange.request, exchange.reader
    return TestResponse(
        request.method,
        request.url,
        reader.status,
        reader.headers,
        exchange.visit.context,
        history,
        content=content,
    )


def _describe(last: list[ClientExchange], within: str) -> str:
    (exchange,) = last
    return f"no response to {exchange.request} {within}; {exchange.describe()}"
