"""The connection of generated Python clients: it connects, sends, reads, and reconnects when it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any, Generic, Self, Unpack
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from .python_runtime import (
    MAX_ANSWERS,
    STABLE,
    CallFailed,
    ConnectionLost,
    ConnectionOptions,
    ConnectionState,
    Item,
    QueueFull,
    _convert,
    _decode_incoming,
    _encode,
    _Incoming,
    _ItemParams,
    _PendingCall,
    _ReplyError,
    _Waiting,
    is_final,
    pause_after,
)

logger = logging.getLogger(__name__)


class ItemStream(Generic[Item]):
    """The items of a stream: `async for item in stream`. The call is sent when the first item is requested.

    A stream that is left early is cancelled: as soon as nothing refers to it, or at the end of `async with stream:`.
    """

    def __init__(self, connection: CallsConnection, method: str, params: Any, type_: Any) -> None:
        self._connection = connection
        self._method = method
        self._params = params
        self._decoder: msgspec.json.Decoder[Item] = msgspec.json.Decoder(type_)
        self._pending: _PendingCall | None = None
        self._is_left = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item:
        if self._is_left:
            raise StopAsyncIteration
        if self._pending is None:
            self._pending = self._connection.new_call(self._method, is_stream=True)
            await self._connection.start(self._pending, self._method, self._params)
        return self._decoder.decode(await self._pending.received.get())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()

    def cancel(self) -> None:
        """Cancel the stream. Nothing happens if it has ended."""
        self._is_left = True
        if self._pending is not None:
            self._connection.abandon(self._pending)

    def __del__(self) -> None:
        self.cancel()


class CallsConnection:
    """A connection that reconnects when it is lost. Generated clients create it as `client.connection`.

    Arguments:
        url: the URL of the websocket.
        events: the events that the server sends: names and types.
        options: see `ConnectionOptions`.
    """

    def __init__(self, url: str, events: Mapping[str, Any], **options: Unpack[ConnectionOptions]) -> None:
        if not url.startswith(("ws://", "wss://", "http://", "https://")):
            raise ValueError(f"{url!r} is not a URL of a websocket; expected one such as wss://example.com")
        self._url = url.replace("http", "ws", 1) if url.startswith("http") else url
        self._options = options
        self._max_items = options.get("max_items", 1000)
        self._event_types = events
        self._pending: dict[int, _PendingCall] = {}
        self._queue: deque[tuple[str, _PendingCall | None]] = deque()
        self._event_handlers: dict[str, list[Callable[[Any], object]]] = {}
        self._event_queues: list[_Waiting[Any]] = []
        self._state_handlers: list[Callable[[ConnectionState], object]] = []
        self._request_handlers: dict[str, Callable[[Any], Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._answering = 0
        self._last_id = 0
        self._websocket: ClientConnection | None = None
        self._runner: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hurried = asyncio.Event()
        self._state: ConnectionState = "waiting"
        self._ending = ConnectionLost(1005)

    @property
    def state(self) -> ConnectionState:
        """The state of the connection: "waiting" is the pause before the next attempt, "closed" is final."""
        return self._state

    def open(self) -> None:
        """Connect, and reconnect whenever the connection is lost. Call it on a running event loop."""
        if self._runner is None:
            self._loop = asyncio.get_running_loop()
            self._runner = self._loop.create_task(self._run())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection for good. Pending calls raise `ConnectionLost`."""
        websocket, runner = self._websocket, self._runner
        self._end(ConnectionLost(code, reason))
        if websocket is not None:
            await websocket.close(code, reason)
        if runner is not None:
            runner.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *([] if runner is None else [runner]), return_exceptions=True)

    async def opened(self) -> None:
        """Wait until there is a connection.

        Raises:
            ConnectionLost: it has ended for good.
        """
        changed = asyncio.Event()
        stop = self.on_state(lambda _: changed.set())
        try:
            while self._state != "open":
                if self._state == "closed":
                    raise self._ending
                changed.clear()
                await changed.wait()
        finally:
            stop()

    def hurry(self) -> None:
        """Connect now, if the connection waits for its next attempt."""
        self._hurried.set()

    async def call(self, method: str, params: Any, type_: Any) -> Any:
        """Call a method and return its result. Cancelling this also cancels the call at the server.

        Raises:
            CallFailed: the server answered with an error.
            ConnectionLost: the connection ended first.
            QueueFull: there is no connection, and too much waits for one.
            TimeoutError: there was no reply in time.
        """
        pending = self.new_call(method, is_stream=False)
        seconds = self._options.get("timeout", 30.0)
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                await self._transmit({"id": pending.id, "method": method, "params": params}, pending)
                raw = await pending.received.get()
        except TimeoutError:
            if not deadline.expired():
                raise
            raise TimeoutError(f"{method}: no reply within {seconds:g} s") from None
        finally:
            self.abandon(pending)
        return msgspec.json.decode(raw, type=type_)

    async def notify(self, method: str, params: Any) -> None:
        """Send an event, at once or when there is a connection.

        Raises:
            ConnectionLost: the connection has ended for good, or while this was sent.
            QueueFull: there is no connection, and too much waits for one.
        """
        await self._transmit({"method": method, "params": params}, None)

    def on(self, event: str, handler: Callable[[Any], object]) -> Callable[[], None]:
        """Call a plain function for each event with a name. Return a function that stops this."""
        handlers = self._event_handlers.setdefault(event, [])
        handlers.append(handler)
        return lambda: handlers.remove(handler)

    async def events(self) -> AsyncIterator[Any]:
        """Iterate over all events from now on. Raises the error that ended the connection, or `QueueFull`."""
        received: _Waiting[Any] = _Waiting(self._max_items, "events")
        if self._state == "closed":
            raise self._ending
        self._event_queues.append(received)
        try:
            while True:
                yield await received.get()
        finally:
            self._event_queues.remove(received)

    def on_state(self, handler: Callable[[ConnectionState], object]) -> Callable[[], None]:
        """Call a plain function with the state whenever it changes. Return a function that stops this."""
        self._state_handlers.append(handler)
        return lambda: self._state_handlers.remove(handler)

    def answer(self, method: str, handler: Callable[[Any], Any]) -> None:
        """Answer the server's requests with a name by a function, plain or async, which gets their parameters."""
        self._request_handlers[method] = handler

    # Used by streams.

    def new_call(self, method: str, *, is_stream: bool) -> _PendingCall:
        """Return a call that has not been sent."""
        self._last_id += 1
        return _PendingCall(self._last_id, self._max_items if is_stream else 1, method, is_stream)

    async def start(self, pending: _PendingCall, method: str, params: Any) -> None:
        """Send a call, and wait until it is sent.

        Raises:
            ConnectionLost, QueueFull, TimeoutError: as `call`.
        """
        seconds = self._options.get("timeout", 30.0)
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                await self._transmit({"id": pending.id, "method": method, "params": params}, pending)
                await pending.left_queue.wait()
        except TimeoutError:
            if not deadline.expired():
                raise
            raise TimeoutError(f"{method}: no connection within {seconds:g} s") from None

    def abandon(self, pending: _PendingCall) -> None:
        """Cancel a call. Nothing happens if it has ended."""
        if self._pending.pop(pending.id, None) is None:
            return
        pending.fail(StopAsyncIteration())
        if pending.sent_on is None:
            self._queue = deque(each for each in self._queue if each[1] is not pending)
        elif pending.sent_on is self._websocket and self._loop is not None and not self._loop.is_closed():
            self._spawn(self._send_late(pending.sent_on, {"method": "$/cancelRequest", "params": {"id": pending.id}}))

    # Sending.

    async def _transmit(self, message: dict[str, Any], pending: _PendingCall | None) -> None:
        if self._state == "closed":
            raise self._ending
        if self._runner is None:
            raise RuntimeError("the client is not open: write `async with` around its use")
        text = _encode(message)
        websocket = self._websocket
        if self._state != "open" or websocket is None:
            max_queue = self._options.get("max_queue", 100)
            if len(self._queue) >= max_queue:
                raise QueueFull(f"{max_queue} messages wait for a connection")
            self._queue.append((text, pending))
            if pending is not None:
                self._pending[pending.id] = pending
            return
        if pending is not None:
            self._pending[pending.id] = pending
        try:
            await _send(websocket, text, pending)
        except ConnectionClosed:
            # The task that reads the connection makes the call fail.
            if pending is None:
                raise _end_of(websocket) from None

    async def _send_late(self, websocket: ClientConnection, message: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed):
            await websocket.send(_encode(message))

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Connecting and reading.

    async def _run(self) -> None:
        try:
            await self._keep_connected()
        finally:
            self._end(ConnectionLost(1006, "the client has failed"))

    async def _keep_connected(self) -> None:
        judge = self._options.get("is_final", is_final)
        attempt = 0
        while True:
            self._show("connecting")
            error, has_lasted = await self._connect_and_read()
            self._websocket = None
            if judge(error.code, error.reason):
                self._end(error)
                return
            if has_lasted:
                attempt = 0
            self._hurried.clear()
            self._show("waiting")
            self._fail_calls(error, [each for each in self._pending.values() if each.sent_on is not None])
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), pause_after(error.code, attempt))
            attempt += 1

    async def _connect_and_read(self) -> tuple[ConnectionLost, bool]:
        """Connect once, and read until the connection is lost. Return how it ended, and whether it was stable."""
        try:
            async with asyncio.timeout(self._options.get("connect_timeout", 10.0)):
                websocket = await connect(
                    await self._address(),
                    additional_headers=self._options.get("headers"),
                    max_size=self._options.get("max_message_size", 1 << 20),
                    ssl=self._options.get("ssl"),
                    open_timeout=None,
                )
        except InvalidStatus as error:
            status = error.response.status_code
            return ConnectionLost(4000 + status, f"the handshake was refused with {status}"), False
        except Exception as error:
            # No route, no answer in time, no TLS, or no query. Another attempt may succeed.
            return ConnectionLost(1006, f"{type(error).__name__}: {error}"), False
        clock = asyncio.get_running_loop().time
        opened_at = clock()
        self._websocket = websocket
        try:
            while self._queue:
                text, pending = self._queue.popleft()
                await _send(websocket, text, pending)
            self._show("open")
            async for data in websocket:
                await self._receive(websocket, data)
        except ConnectionClosed:
            pass
        finally:
            await websocket.close()
        return _end_of(websocket), clock() - opened_at >= STABLE

    async def _address(self) -> str:
        query = self._options.get("query", {})
        found = query() if callable(query) else query
        variables = await found if inspect.isawaitable(found) else found
        return f"{self._url}?{urlencode(variables)}" if variables else self._url

    async def _receive(self, websocket: ClientConnection, data: str | bytes) -> None:
        try:
            incoming = _decode_incoming(data)
        except msgspec.DecodeError as error:
            logger.warning("a message of the server was dropped: %s", error)
            return
        for message in incoming if isinstance(incoming, list) else [incoming]:
            if message.method is UNSET:
                pending = self._pending.pop(message.id, None) if isinstance(message.id, int) else None
                if pending is not None:
                    pending.take(message)
            elif message.id is not None:
                self._receive_request(websocket, message)
            elif message.method == "$/progress":
                await self._receive_item(message)
            else:
                self._receive_event(message)

    async def _receive_item(self, message: _Incoming) -> None:
        try:
            item = _convert(message.params, _ItemParams)
        except msgspec.ValidationError as error:
            logger.warning("an item of a stream was dropped: %s", error)
            return
        pending = self._pending.get(item.token)
        if pending is None:
            return
        if not pending.received.put(item.value):
            self.abandon(pending)
        elif pending.received.is_crowded:
            await asyncio.sleep(0)

    def _receive_event(self, message: _Incoming) -> None:
        name = str(message.method)
        handlers, queues = self._event_handlers.get(name, ()), self._event_queues
        if name not in self._event_types or not (handlers or queues):
            return
        try:
            event = _convert(message.params, self._event_types[name])
        except msgspec.ValidationError as error:
            logger.warning("an event %r of the server was dropped: %s", name, error)
            return
        for handler in list(handlers):
            _run_safely(handler, event)
        for queue in queues:
            queue.put(event)

    def _receive_request(self, websocket: ClientConnection, message: _Incoming) -> None:
        handler = self._request_handlers.get(str(message.method))
        error = None
        if handler is None:
            error = CallFailed(-32601, "Method not found")
        elif self._answering >= MAX_ANSWERS:
            error = CallFailed(-32029, f"{MAX_ANSWERS} requests run already")
        self._answering += 1
        self._spawn(self._answer(websocket, message, handler, error))

    async def _answer(
        self,
        websocket: ClientConnection,
        message: _Incoming,
        handler: Callable[[Any], Any] | None,
        error: CallFailed | None,
    ) -> None:
        reply: dict[str, Any]
        try:
            if error is not None or handler is None:
                raise error or CallFailed(-32601, "Method not found")
            result = handler(_convert(message.params, Any))
            reply = {"result": await result if inspect.isawaitable(result) else result}
        except CallFailed as failure:
            reply = {"error": _ReplyError(failure.code, failure.message, failure.data)}
        except Exception:
            logger.exception("the request %s failed", message.method)
            reply = {"error": _ReplyError(-32603, "Internal error")}
        finally:
            self._answering -= 1
        await self._send_late(websocket, {"id": message.id, **reply})

    # Ending.

    def _end(self, error: ConnectionLost) -> None:
        if self._state == "closed":
            return
        self._ending = error
        self._websocket = None
        self._queue.clear()
        self._show("closed")
        self._fail_calls(error, list(self._pending.values()))
        for queue in self._event_queues:
            queue.end(error)

    def _fail_calls(self, error: ConnectionLost, calls: list[_PendingCall]) -> None:
        for pending in calls:
            del self._pending[pending.id]
            pending.fail(error)

    def _show(self, state: ConnectionState) -> None:
        if state != self._state:
            self._state = state
            for handler in list(self._state_handlers):
                _run_safely(handler, state)


async def _send(websocket: ClientConnection, text: str, pending: _PendingCall | None) -> None:
    if pending is not None:
        pending.sent_on = websocket
        pending.left_queue.set()
    await websocket.send(text)


def _end_of(websocket: ClientConnection) -> ConnectionLost:
    return ConnectionLost(websocket.close_code or 1006, websocket.close_reason or "")


def _run_safely(handler: Callable[[Any], object], argument: Any) -> None:
    try:
        handler(argument)
    except Exception:
        logger.exception("a handler failed")


def websocket_url(base: str, path: str) -> str:
    """Return the URL of a websocket of an application: its path goes after that of the application."""
    return base.rstrip("/") + path
