"""The calls of one connection: dispatches incoming messages, and sends the replies.

A task for each call would cost more than most calls do. So the task that reads messages runs each call itself. Only if
the call has to wait does this task become the task of the call, and another one continues reading. A call sees no
difference: what it does in its task (deadlines, task groups, cancellation) affects no other call, and no other call
sees a context variable that it sets. docs/performance.md has the figures.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from contextvars import Context, copy_context
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..channels import Subscription
from ..config import CallsSettings
from ..errors import WebsocketClosed
from ..typed.parameters import Signature
from ..websockets.websocket import Websocket
from .batch import CallBatch
from .call_tasks import CallTasks, watch
from .client_requests import ClientRequests
from .codecs import Codec
from .guard import Guard, exceeded
from .jsonrpc import (
    CANCEL,
    UNREADABLE,
    Error,
    ErrorCode,
    ErrorReply,
    Frame,
    Id,
    Message,
    Refusal,
    Reply,
    is_call,
    message_decoder,
    read_frame,
)
from .lanes import Lane
from .method import Method, MethodKind
from .running import RunningCall
from .user_limits import UserLimits

logger = logging.getLogger("emmett.calls")

# The close code for a client that keeps making refused calls: HTTP's 429 in the range of applications.
TOO_MANY_REQUESTS = 4429

# Identifies a running call: 1 and "1" are different ids.
Key = tuple[type, Id]


class _CancelParams(msgspec.Struct, gc=False):
    """The parameters of `$/cancelRequest`."""

    id: Id


class Endpoint(Protocol):
    """What the connections of one route share.

    Attributes:
        name: its name in the log.
        methods: the methods that can be called, by name.
        user_limits: counts the calls of users, over all their connections.
        is_developing: whether errors may list the existing methods.
    """

    name: str
    methods: dict[str, Method]
    user_limits: UserLimits
    is_developing: bool

    def provide(self, type_: type) -> Any:
        """Return the value of an injected argument, in the context of its call."""


class Conversation:
    """The calls of one connection.

    Arguments:
        endpoint: the methods.
        websocket: the connection.
        codec: how its messages are encoded.
        subprotocol: the subprotocol that selects it; None without one.
        user: the user of the connection; None without one.
        variables: the variables of its path.
        settings: its bounds.

    Attributes:
        is_reading: whether the peer's messages are read: only once the connection has opened.
    """

    __slots__ = (
        "_by_key",
        "_context",
        "_current",
        "_guard",
        "_in_flight",
        "_lanes",
        "_loop",
        "_reader",
        "_requests",
        "_room",
        "_settings",
        "_streams",
        "_subprotocol",
        "_subscriptions",
        "_tasks",
        "_variables",
        "codec",
        "endpoint",
        "is_ending",
        "is_reading",
        "user",
        "websocket",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        websocket: Websocket,
        codec: Codec,
        subprotocol: str | None,
        user: str | None,
        variables: Mapping[str, Any],
        settings: CallsSettings,
    ) -> None:
        self.endpoint = endpoint
        self.websocket = websocket
        self.codec = codec
        self._subprotocol = subprotocol
        self.user = user
        self._variables = variables
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        # Everything below is created when it is needed, because most connections are idle.
        self._guard: Guard | None = None
        # The context that each call begins with: that of `start`.
        self._context: Context
        # The task that reads, and the call that it is running.
        self._reader: asyncio.Task[None] | None = None
        self._current: RunningCall | None = None
        # The tasks that read or run calls; none before the first message.
        self._tasks: CallTasks | None = None
        # Whether the connection has opened, so that a message of the peer will be read.
        self.is_reading = False
        # Calls that wait for something, by their ids: they can be cancelled.
        self._by_key: dict[Key, RunningCall] | None = None
        self._lanes: dict[Method | None, Lane] | None = None
        # Calls that wait for something or for their turn in a lane, and how many of them are streams.
        self._in_flight = 0
        self._streams = 0
        # Reading waits for this while too many calls are in flight.
        self._room: asyncio.Future[None] | None = None
        self._requests: ClientRequests | None = None
        self._subscriptions: dict[str, Subscription] | None = None
        # Whether the running calls are being cancelled because the connection has ended.
        self.is_ending = False

    def start(self, first: str | bytes) -> asyncio.Future[None]:
        """Dispatch a first message and all later ones.

        Returns:
            A future that is done when the connection and all calls have ended.
        """
        self._context = copy_context()
        self._tasks = CallTasks(self._context)
        self._read_on(first)
        return self._tasks.ended

    async def stop(self) -> None:
        """Cancel the calls that are still running when the connection has ended, and wait for them."""
        self.is_ending = True
        if self._requests is not None:
            self._requests.fail(self._closed())
        if self._tasks is not None:
            await self._tasks.cancel()

    # Used by calls.

    async def admit(self, method: Method) -> Error | None:
        """Count a call of the user, and return the error if it is refused."""
        rate = method.options.limit
        if rate is None or self.user is None:
            return None
        wait = await self.endpoint.user_limits.take(self.user, method.name, rate)
        if wait == 0.0:
            return None
        self._guarding().refused()
        return exceeded(method, rate, wait)

    def inject(self, signature: Signature, arguments: dict[str, Any]) -> None:
        """Add the injected arguments, which do not come from the caller."""
        for name, type_ in signature.injected.items():
            arguments[name] = self.endpoint.provide(type_)
        for name in signature.path_variables:
            arguments[name] = self._variables[name]

    async def accept(self) -> None:
        """Accept the connection with its subprotocol, if necessary.

        Raises:
            WebsocketClosed: the peer has gone.
        """
        if not self.websocket.accepted:
            await self.websocket.accept(subprotocol=self._subprotocol)

    async def send(self, message: Any) -> None:
        """Send a message. Wait while the peer does not keep up.

        Raises:
            WebsocketClosed: the peer has gone.
        """
        await self.websocket.send(self.codec.encode(message))

    def send_reply(self, reply: Reply) -> Awaitable[None]:
        """Return an awaitable that sends the reply to a call. A result that cannot be encoded becomes an error."""
        return self.websocket.send(self._encoded(reply))

    @property
    def requests(self) -> ClientRequests:
        """The calls in the other direction."""
        if self._requests is None:
            self._requests = ClientRequests(self.send, self.codec, self._settings.max_in_flight)
        return self._requests

    @property
    def subscriptions(self) -> dict[str, Subscription]:
        """The channels whose messages the connection gets."""
        return {} if self._subscriptions is None else self._subscriptions

    def add_subscription(self, channel: str, subscription: Subscription) -> None:
        """Note a channel that is subscribed to."""
        if self._subscriptions is None:
            self._subscriptions = {}
        self._subscriptions[channel] = subscription

    # Reading.

    def _read_on(self, first: str | bytes | None = None) -> None:
        """Continue reading in a new task, with a context that no call has changed."""
        assert self._tasks is not None
        self._reader = self._tasks.spawn(self._read(first))

    async def _read(self, data: str | bytes | None) -> None:
        task = self._reader
        assert task is not None
        receive = self.websocket.receive_next
        decode, methods = message_decoder(self.codec), self.endpoint.methods
        most = self._settings.max_in_flight
        while True:
            if data is None:
                try:
                    data = await receive(True)
                except StopAsyncIteration:
                    break
            try:
                message = decode(data)
            except UNREADABLE:
                await self._take_frame(read_frame(data, self.codec))
            else:
                method = methods.get(message.method)
                # Only calls and events wait: a cancellation or a reply may make room.
                if self._in_flight >= most and method is not None:
                    await self._wait_for_room()
                if method is None or method.is_guarded or self._by_key:
                    call = await self._take(message, method)
                else:
                    call = RunningCall(self, method, message.id, message.params, None)
                if call is not None:
                    self._current = call
                    await watch(call.run(task), self._hand_over)
                    if self._current is not call:
                        # The call had to wait, so another task reads by now.
                        self._left(call)
                        return
                    self._current = None
                    if call.method.is_ordered:
                        self._lane(call.method).leave()
                    if copy_context() != self._context:
                        # The next call must not see what this one left in its context.
                        self._read_on()
                        return
            if self._guard is not None and self._guard.is_abused:
                await self._close_abused()
                break
            data = None
        if self._requests is not None:
            self._requests.fail(self._closed())

    async def _take(self, message: Message, method: Method | None) -> RunningCall | None:
        """Check a message beyond its parameters, and return the call to run."""
        refusal = self._take_other(message) if method is None else self._refusal(method, message)
        if refusal is not None:
            await self._refuse(message.id, refusal)
            return None
        if method is None:
            return None
        call = RunningCall(self, method, message.id, message.params, None)
        if not method.is_ordered or self._lane(method).enter(call):
            return call
        self._enter(call)
        return None

    async def _take_frame(self, frame: Frame) -> None:
        """Take a frame that is not a single valid message: a batch, or one that is refused."""
        if not frame.is_batch:
            refused = frame.messages[0]
            assert isinstance(refused, Refusal)
            await self._refuse(refused.id, refused.error)
            return
        count, most = len(frame.messages), self._settings.max_batch
        if count > most:
            text = f"the batch has {count} messages, at most {most} are allowed"
            await self._refuse(None, Refusal(None, ErrorCode.INVALID_REQUEST, text).error)
            return
        batch = CallBatch(
            sum(1 for each in frame.messages if isinstance(each, Refusal) or is_call(each)), self._send_batch
        )
        for each in frame.messages:
            if isinstance(each, Refusal):
                self._guarding().refused()
                await batch.add(ErrorReply(each.id, each.error))
            else:
                await self._take_of_batch(each, batch)

    async def _take_of_batch(self, message: Message, batch: CallBatch) -> None:
        method = self.endpoint.methods.get(message.method)  # type: ignore[arg-type]
        if self._in_flight >= self._settings.max_in_flight and method is not None:
            await self._wait_for_room()
        refusal = self._take_other(message) if method is None else self._refusal(method, message)
        if refusal is not None:
            self._guarding().refused()
            if message.id is not UNSET:
                await batch.add(ErrorReply(message.id, refusal))
        elif method is not None:
            call = RunningCall(self, method, message.id, message.params, batch)
            self._enter(call)
            if not method.is_ordered or self._lane(method).enter(call):
                self._start(call)

    def _take_other(self, message: Message) -> Error | None:
        """Take a message that calls none of the methods, and return what is wrong with it."""
        name = message.method
        if name is UNSET:
            # A reply to one of the server's requests. One without a request is dropped silently.
            if self._requests is not None:
                self._requests.take(message)
            return None
        if name == CANCEL:
            self._cancel(message.params)
            return None
        if message.id is not UNSET:
            return Error(ErrorCode.METHOD_NOT_FOUND, "Method not found", self._suggestion(name))
        if not name.startswith("$/"):
            logger.debug("%s: there is no event %r", self.endpoint.name, name)
        return None

    def _suggestion(self, name: str) -> Any:
        if not self.endpoint.is_developing:
            return UNSET
        from difflib import get_close_matches

        close = get_close_matches(name, self.endpoint.methods, n=1)
        return {"did_you_mean": close[0]} if close else {"methods": sorted(self.endpoint.methods)}

    def _cancel(self, params: Raw | UnsetType) -> None:
        try:
            id_ = None if params is UNSET else self.codec.decode(params, _CancelParams).id
        except UNREADABLE:
            return
        call = self._by_key.get((type(id_), id_)) if self._by_key else None
        if call is not None:
            call.cancel()

    def _refusal(self, method: Method, message: Message) -> Error | None:
        """Return why a call must not run now; None if it may."""
        key = (type(message.id), message.id)
        if message.id is not UNSET and self._by_key and key in self._by_key:
            return Error(
                ErrorCode.INVALID_REQUEST, "Invalid Request", f"a call with the id {message.id!r} is already running"
            )
        return self._guarding().check(method, message.params, self._streams)

    def _guarding(self) -> Guard:
        if self._guard is None:
            self._guard = Guard(self.user is not None, self._settings, self._loop.time)
        return self._guard

    async def _refuse(self, id_: Id | UnsetType, error: Error) -> None:
        self._guarding().refused()
        if id_ is not UNSET:
            await self.send_reply(ErrorReply(id_, error))

    async def _close_abused(self) -> None:
        logger.info("%s: closed with %d: too many refused calls", self.endpoint.name, TOO_MANY_REQUESTS)
        await self.websocket.close(TOO_MANY_REQUESTS, "too many refused calls")

    # Running.

    def _hand_over(self) -> None:
        """Continue reading in another task, since the call that this one runs has to wait."""
        call = self._current
        assert call is not None
        self._current = None
        self._enter(call)
        self._read_on()

    def _start(self, call: RunningCall) -> None:
        """Run a call that is in flight in its own task."""
        assert self._tasks is not None
        _ = self._tasks.spawn(self._run_entered(call))

    async def _run_entered(self, call: RunningCall) -> None:
        task = asyncio.current_task()
        assert task is not None
        await call.run(task)
        self._left(call)

    def _enter(self, call: RunningCall) -> None:
        """Count a call as in flight."""
        self._in_flight += 1
        if call.method.kind is MethodKind.STREAM:
            self._streams += 1
        if call.id is not UNSET:
            if self._by_key is None:
                self._by_key = {}
            self._by_key[type(call.id), call.id] = call

    def _left(self, call: RunningCall) -> None:
        """Count a call as no longer in flight."""
        self._in_flight -= 1
        if call.method.kind is MethodKind.STREAM:
            self._streams -= 1
        if call.id is not UNSET:
            assert self._by_key is not None
            self._by_key.pop((type(call.id), call.id), None)
            if not self._by_key:
                # An emptied dict keeps its memory.
                self._by_key = None
        if call.method.is_ordered:
            following = self._lane(call.method).leave()
            if following is not None:
                self._start(following)
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _lane(self, method: Method) -> Lane:
        if self._lanes is None:
            self._lanes = {}
        lane = self._lanes.get(method.lane)
        if lane is None:
            lane = self._lanes[method.lane] = Lane()
        return lane

    async def _wait_for_room(self) -> None:
        while self._in_flight >= self._settings.max_in_flight:
            self._room = self._loop.create_future()
            await self._room
        self._room = None

    # Replies.

    def _encoded(self, reply: Reply) -> str | bytes:
        try:
            return self.codec.encode(reply)
        except (TypeError, ValueError, NotImplementedError, RecursionError):
            logger.exception("%s: the result of a call cannot be encoded", self.endpoint.name)
            return self.codec.encode(ErrorReply(reply.id, Error(ErrorCode.INTERNAL_ERROR, "Internal error")))

    async def _send_batch(self, replies: list[Reply]) -> None:
        # One by one: a reply that cannot be encoded must not affect the others.
        encoded = (self._encoded(reply) for reply in replies)
        await self.websocket.send(
            self.codec.encode([Raw(each.encode() if isinstance(each, str) else each) for each in encoded])
        )

    def _closed(self) -> WebsocketClosed:
        websocket = self.websocket
        return WebsocketClosed(websocket.close_code or 1006, websocket.close_reason or "")
