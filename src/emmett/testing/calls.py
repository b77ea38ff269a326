"""`TestCalls`: call the methods of an `app.calls(...)` route from a test, without a socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET

from ..calls.codecs import JSON
from ..calls.jsonrpc import CANCEL, PROGRESS, Error, Message, Notification, ResultReply, read_frame
from ..errors import CallError, UsageError
from .websocket import TestWebsocket


class ReceivedEvent(NamedTuple):
    """An event that the server sent.

    Fields:
        name: the name of the event.
        params: its parameters, decoded from JSON.
    """

    name: str
    params: Any


class _Progress(msgspec.Struct):
    token: int
    value: Any


class TestCall:
    """A call: `await` it for its result, or iterate over it for the items of a stream.

    The call is sent when it is first awaited or iterated over, or by `start`.

    Raises:
        CallError: the call was answered with an error.
    """

    __test__ = False

    def __init__(self, calls: TestCalls, method: str, params: Any) -> None:
        self._calls = calls
        self._method = method
        self._params = params
        self._id: int | None = None
        self.items: deque[Any] = deque()
        self.reply: Message | None = None

    async def start(self) -> None:
        """Send the call without waiting for its reply."""
        if self._id is None:
            self._id = await self._calls.send_call(self, self._method, self._params)

    async def cancel(self) -> None:
        """Ask the server to cancel the call. The server still answers it: awaiting it then raises `CallError`."""
        await self.start()
        await self._calls.notify(CANCEL, id=self._id)

    def __await__(self) -> Generator[Any, None, Any]:
        return self._result().__await__()

    async def _result(self) -> Any:
        await self.start()
        await self._calls.until(lambda: self.reply is not None)
        reply = self.reply
        assert reply is not None
        if reply.error is not UNSET:
            error = JSON.decode(reply.error, Error)
            raise CallError(error.code, error.message, None if error.data is UNSET else error.data)
        return JSON.decode(reply.result, Any)  # type: ignore[arg-type]

    async def __aiter__(self) -> AsyncIterator[Any]:
        await self.start()
        while True:
            await self._calls.until(lambda: bool(self.items) or self.reply is not None)
            if not self.items:
                break
            yield self.items.popleft()
        # An error ends the stream with an exception.
        await self._result()


class TestCalls:
    """The methods of a route as methods: `await api.add(1, 2)`, `async for token in api.answer(prompt="Why?")`.

    Arguments:
        websocket: the open websocket.
    """

    __test__ = False

    def __init__(self, websocket: TestWebsocket) -> None:
        self.websocket = websocket
        self._calls: dict[int, TestCall] = {}
        self._events: deque[ReceivedEvent] = deque()
        self._handlers: dict[str, Callable[..., Any]] = {}
        self._last_id = 0
        # One task at a time receives, on behalf of all that wait.
        self._receiving = asyncio.Lock()

    def __getattr__(self, name: str) -> Callable[..., TestCall]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self.call(name, *args, **kwargs)

    def call(self, method: str, *args: Any, **kwargs: Any) -> TestCall:
        """Call a method by its name, with arguments by position or by name.

        Raises:
            UsageError: some arguments have names and others do not, which JSON-RPC does not allow.
        """
        if args and kwargs:
            raise UsageError(f"{method}: give all arguments by position or all by name; JSON-RPC has no mixture")
        return TestCall(self, method, list(args) or kwargs)

    async def notify(self, event: str, *args: Any, **kwargs: Any) -> None:
        """Send an event, which has no reply.

        Raises:
            UsageError: as `call`.
        """
        if args and kwargs:
            raise UsageError(f"{event}: give all arguments by position or all by name; JSON-RPC has no mixture")
        await self._send(Notification(event, list(args) or kwargs))

    async def event(self) -> ReceivedEvent:
        """Wait for the next event of the server, and return it."""
        await self.until(lambda: bool(self._events))
        return self._events.popleft()

    def answers(self, method: str, function: Callable[..., Any]) -> None:
        """Answer requests of the server: `function` gets their parameters by name."""
        self._handlers[method] = function

    # Used by `TestCall`.

    async def send_call(self, call: TestCall, method: str, params: Any) -> int:
        """Send a call, and return its id."""
        self._last_id += 1
        self._calls[self._last_id] = call
        await self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    async def until(self, is_there: Callable[[], bool]) -> None:
        """Receive until a condition holds.

        Raises:
            WebsocketClosed: the connection ended first.
            TimeoutError: the condition did not hold within the timeout of the client.
        """
        while not is_there():
            async with self._receiving:
                if not is_there():
                    await self._take(await self.websocket.receive())

    async def _send(self, message: Any) -> None:
        await self.websocket.send(JSON.encode(message))

    async def _take(self, data: str | bytes) -> None:
        for message in read_frame(data, JSON).messages:
            assert isinstance(message, Message), f"the server sent {data!r}, which is not JSON-RPC"
            if message.method is UNSET:
                self._take_reply(message)
            elif message.id is not UNSET:
                await self._answer(message)
            elif message.method == PROGRESS:
                progress = JSON.decode(message.params, _Progress)  # type: ignore[arg-type]
                self._calls[progress.token].items.append(progress.value)
            else:
                params = None if message.params is UNSET else JSON.decode(message.params, Any)
                self._events.append(ReceivedEvent(message.method, params))

    def _take_reply(self, message: Message) -> None:
        if isinstance(message.id, int) and message.id in self._calls:
            self._calls.pop(message.id).reply = message
        else:
            raise CallError(*_error_of(message))

    async def _answer(self, message: Message) -> None:
        assert isinstance(message.method, str)
        function = self._handlers.get(message.method)
        if function is None:
            raise UsageError(f"the server calls {message.method!r}: set the answer with api.answers(...)")
        params = {} if message.params is UNSET else JSON.decode(message.params, dict[str, Any])
        await self._send(ResultReply(message.id, function(**params)))  # type: ignore[arg-type]


def _error_of(message: Message) -> tuple[int, str, Any]:
    error = JSON.decode(message.error, Error) if message.error is not UNSET else Error(0, "a reply without a call")
    return error.code, error.message, None if error.data is UNSET else error.data
