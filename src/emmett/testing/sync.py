"""`TestClient`: the client for plain tests. It runs the asynchronous client step by step on a separate event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, Unpack

from ..datastructures import Headers
from ..dispatch import ServedApplication
from ..errors import UsageError
from .client import AsyncTestClient, ClientOptions, WebsocketOptions
from .context import RequestContext
from .cookies import ClientCookies
from .requests import RequestOptions
from .response import TestResponse
from .streamed_response import StreamedResponse
from .websocket import TestWebsocket

Result = TypeVar("Result")


class _Run(Protocol):
    def __call__(self, coroutine: Coroutine[Any, Any, Result], /) -> Result: ...


class TestClient:
    """A client that runs an application in memory, for tests that are plain functions.

    `with app.test_client() as client:` runs start-up and shutdown around the block. The application runs in the test's
    thread, and only while a method of the client is called: its background tasks pause in between.

    Arguments:
        app: the application.
        options: as for `AsyncTestClient`.

    Raises:
        ConfigurationError, ValueError: as there.
    """

    __test__ = False

    def __init__(self, app: ServedApplication, **options: Unpack[ClientOptions]) -> None:
        self.app = app
        self._client = AsyncTestClient(app, **options)
        self._runner: asyncio.Runner | None = None

    @property
    def cookies(self) -> ClientCookies:
        """The client's cookies, by name: `client.cookies["name"] = "value"`."""
        return self._client.cookies

    @property
    def context(self) -> RequestContext:
        """The application's view of the last request: `.request`, `.response`, `.session`.

        Raises:
            UsageError: there was no request, or it did not reach the application.
        """
        return self._client.context

    def __enter__(self) -> Self:
        if self._runner is not None:
            raise UsageError("the test client is already open: make another one, or leave the block first")
        _check_no_loop()
        # With a loop factory, the runner does not touch the thread's current loop.
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        try:
            self._run(self._client.__aenter__())
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._run(self._client.__aexit__(error_type, error, traceback))
        finally:
            self._close()

    def get(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a GET request; see `request`."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a HEAD request; see `request`."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a POST request; see `request`."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a PUT request; see `request`."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a PATCH request; see `request`."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a DELETE request; see `request`."""
        return self.request("DELETE", path, **options)

    def options(self, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send an OPTIONS request; see `request`."""
        return self.request("OPTIONS", path, **options)

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> TestResponse:
        """Send a request and return the whole response, whatever its status.

        Arguments and errors: as for `AsyncTestClient.request`.
        """
        return self._run(self._client.request(method, path, **options))

    @contextlib.contextmanager
    def stream(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Iterator[SyncStreamedResponse]:
        """Send a request; the block gets the response once its head has arrived, and reads the body as it arrives.

        Arguments and errors: as for `AsyncTestClient.stream`.
        """
        with self._entered(self._client.stream(method, path, **options)) as response:
            yield SyncStreamedResponse(response, self._run)

    @contextlib.contextmanager
    def websocket(self, path: str, **options: Unpack[WebsocketOptions]) -> Iterator[SyncTestWebsocket]:
        """Open a websocket; leaving the block closes it, and gives its handler time to end.

        Arguments and errors: as for `AsyncTestClient.websocket`.
        """
        with self._entered(self._client.websocket(path, **options)) as websocket:
            yield SyncTestWebsocket(websocket, self._run)

    @contextlib.contextmanager
    def _entered(self, manager: AbstractAsyncContextManager[Result]) -> Iterator[Result]:
        value = self._run(_entry(manager))
        try:
            yield value
        except BaseException as error:
            if not self._run(_exit(manager, error)):
                raise
        else:
            self._run(_exit(manager, None))

    def _run(self, coroutine: Coroutine[Any, Any, Result], /) -> Result:
        try:
            if self._runner is None:
                raise UsageError("the test client is not open: write `with app.test_client() as client:`")
            _check_no_loop()
        except UsageError:
            coroutine.close()
            raise
        return self._runner.run(coroutine)

    def _close(self) -> None:
        runner, self._runner = self._runner, None
        if runner is not None:
            runner.close()


class SyncStreamedResponse:
    """A response whose body is read as it arrives: `for chunk in response`. See `StreamedResponse`.

    Attributes:
        method, url, status, headers, history, context: as those of a `TestResponse`.
    """

    def __init__(self, response: StreamedResponse, run: _Run) -> None:
        self.method = response.method
        self.url = response.url
        self.status = response.status
        self.headers: Headers = response.headers
        self.history = response.history
        self.context = response.context
        self._response = response
        self._run = run

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters; empty if there is none."""
        return self._response.content_type

    @property
    def cookies(self) -> SimpleCookie:
        """The cookies that it sets, with their attributes."""
        return self._response.cookies

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        """Return the next piece of the body.

        Raises:
            TimeoutError, ConnectionError: as for a `StreamedResponse`.
        """
        return _next(self._run, self._response.__anext__)

    def read(self) -> bytes:
        """Return the rest of the body."""
        return self._run(self._response.read())

    def lines(self) -> Iterator[str]:
        """Yield the body as lines of text without their ends, each once it is complete."""
        lines = self._response.lines()
        while True:
            try:
                line = _next(self._run, lines.__anext__)
            except StopIteration:
                return
            yield line

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status} of {self.method} {self.url}>"


class SyncTestWebsocket:
    """An open websocket for plain tests: `for message in websocket`. See `TestWebsocket`.

    Attributes:
        subprotocol: the subprotocol that the application chose; None for none.
        headers: the header fields of the handshake response, case-insensitive.
    """

    def __init__(self, websocket: TestWebsocket, run: _Run) -> None:
        self.subprotocol = websocket.subprotocol
        self.headers = websocket.headers
        self._websocket = websocket
        self._run = run

    @property
    def close_code(self) -> int | None:
        """The close code of the server; None while it is open."""
        return self._websocket.close_code

    @property
    def close_reason(self) -> str | None:
        """The close reason of the server, possibly empty; None while it is open."""
        return self._websocket.close_reason

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        self._run(self._websocket.send(message))

    def send_json(self, value: object) -> None:
        """Send a value as JSON, in a text message."""
        self._run(self._websocket.send_json(value))

    def receive(self, timeout: float | None = None) -> str | bytes:
        """Return the next message.

        Raises:
            TimeoutError, WebsocketClosed: as for a `TestWebsocket`.
        """
        return self._run(self._websocket.receive(timeout))

    def receive_json(self, timeout: float | None = None) -> Any:
        """Return the next message decoded from JSON."""
        return self._run(self._websocket.receive_json(timeout))

    def ping(self, timeout: float | None = None) -> None:
        """Ping the server, and wait until it answers."""
        self._run(self._websocket.ping(timeout))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, and wait until the server has closed the connection."""
        self._run(self._websocket.close(code, reason))

    def __iter__(self) -> Self:
        """Iterate over the messages until the websocket is closed."""
        return self

    def __next__(self) -> str | bytes:
        return _next(self._run, self._websocket.__anext__)

    def __repr__(self) -> str:
        return repr(self._websocket)


def _next(run: _Run, take: Callable[[], Awaitable[Result]]) -> Result:
    """Return the next item of an asynchronous iterator to a plain one."""

    async def next_item() -> tuple[Result, ...]:
        # A coroutine cannot raise StopAsyncIteration through a task.
        try:
            return (await take(),)
        except StopAsyncIteration:
            return ()

    found = run(next_item())
    if not found:
        raise StopIteration
    return found[0]


async def _entry(manager: AbstractAsyncContextManager[Result]) -> Result:
    return await manager.__aenter__()


async def _exit(manager: AbstractAsyncContextManager[Any], error: BaseException | None) -> bool | None:
    return await manager.__aexit__(type(error) if error else None, error, error.__traceback__ if error else None)


def _check_no_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError(
        "app.test_client() is for plain functions, but an event loop is running here: write "
        "`async with app.test_client_async() as client:`"
    )
