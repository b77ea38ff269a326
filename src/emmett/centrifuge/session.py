"""The commands of one client: frames are handled in order, and each command is answered, whatever goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Coroutine, Iterator, Sequence
from contextvars import Context
from typing import Any

from msgspec import Raw

from ..channels.channels import RunningChannels
from ..channels.encoding import Encode
from ..channels.sink import Batch, Sink
from ..channels.tasks import run_together
from ..errors import (
    BrokerUnavailable,
    CallError,
    ChannelDenied,
    HTTPException,
    InvalidChannel,
    UsageError,
    WebsocketClosed,
)
from .access import ALLOWED, Permission
from .client import Client, ClientSubscription
from .codec import ClientCodec, UnreadableFrame
from .codes import (
    BAD_REQUEST,
    NO_PONG,
    SERVER_ERROR,
    STALE,
    CommandFailed,
    Disconnected,
    Ending,
    bad_request,
    internal_error,
    permission_denied,
    unauthorized,
)
from .commands import COMMANDS, subscribe, unsubscribe
from .connecting import begin, set_connection_expiry, subscribe_server_side
from .messages import (
    ClientReply,
    Command,
    ErrorInfo,
    MessagePush,
    Push,
    RefreshPush,
    RPCRequest,
    RPCResult,
    SubscribePush,
    SubscribeRequest,
    UnsubscribePush,
    request_of,
)
from .ports import ClientCarrier, ClientEndpoint
from .subscribing import leave_channel

# The most commands in a frame, in addition to one for each channel that a client may have.
MAX_COMMANDS = 1024
# The most subscribe commands of a client that are carried out at the same time.
MAX_TOGETHER = 64

logger = logging.getLogger("emmett.centrifuge")


class SDKSession:
    """One client: its commands and its subscriptions.

    Arguments:
        endpoint: what it shares with the other clients.
        carrier: its connection.
        codec: its encoding.
        encode: encodes publications for it.
        id: its id.
        key: the secret name by which a fallback addresses the session; empty for a websocket.

    Attributes:
        is_over: whether it has ended.
        is_connected: whether `connect` has succeeded.
        context: the context of the client, in which the application decides about its expiry; None if a token does.
    """

    __slots__ = (
        "__weakref__",
        "_calls",
        "_room",
        "_tasks",
        "_timer",
        "cached",
        "carrier",
        "client",
        "codec",
        "context",
        "encode",
        "ending",
        "endpoint",
        "is_connected",
        "is_over",
        "key",
        "settings",
        "sink",
    )

    def __init__(
        self,
        endpoint: ClientEndpoint,
        carrier: ClientCarrier,
        codec: ClientCodec,
        encode: Encode,
        id: str,
        key: str = "",
    ) -> None:
        self.endpoint = endpoint
        self.carrier = carrier
        self.sink: Sink = carrier
        self.codec = codec
        self.encode = encode
        self.settings = endpoint.settings
        self.cached = endpoint.cached
        self.client = Client(self, id)
        self.key = key
        self.is_connected = False
        self.context: Context | None = None
        self.is_over = False
        # How the server ended it; None if it did not.
        self.ending: Ending | None = None
        # Ends it if it does not connect in time; later, when it has expired.
        self._timer: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            self.settings.connect_timeout, self._disconnect_soon, STALE
        )
        self._calls = 0
        self._room: asyncio.Future[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def running(self) -> RunningChannels:
        """Return the running channels."""
        return self.endpoint.running()

    # From the client.

    async def handle(self, frame: str | bytes) -> None:
        """Carry out the commands of a frame.

        Raises:
            Disconnected: the connection must end; the replies so far have been sent.
            WebsocketClosed: the peer has gone.
        """
        try:
            commands = self.codec.decode(frame)
        except UnreadableFrame as error:
            logger.debug("a frame contains no commands: %s", error)
            raise Disconnected(BAD_REQUEST) from None
        if len(commands) > MAX_COMMANDS + self.settings.max_channels:
            raise Disconnected(BAD_REQUEST)
        for is_subscribe, group in itertools.groupby(commands, _is_subscribe):
            if is_subscribe and self.is_connected:
                for some in _portions(list(group), MAX_TOGETHER):
                    await self._subscribe_all(some)
            else:
                for command in group:
                    await self._take(command)

    async def end(self) -> None:
        """Release all resources, because the connection has ended."""
        if self.is_over:
            return
        self.is_over = True
        self.set_timer(None)
        self.endpoint.pings.remove(self)
        for task in self._tasks:
            task.cancel()
        was_connected, self.is_connected = self.is_connected, False
        if was_connected:
            self.endpoint.left(self)
        try:
            running = self.running()
        except UsageError:
            # The channels have stopped, and have ended all subscriptions.
            return
        subscriptions, self.client.subscriptions = self.client.subscriptions, {}
        for subscription in subscriptions.values():
            subscription.ending = subscription.ending or SERVER_ERROR
            await leave_channel(running, subscription)

    async def _take(self, command: Command) -> None:
        found = request_of(command)
        if found is None:
            if command.id:
                raise Disconnected(BAD_REQUEST)
            self.endpoint.pings.pong(self)
            return
        name, request = found
        if self.is_connected == (name == "connect") or (not command.id and name != "send"):
            raise Disconnected(BAD_REQUEST)
        if name == "connect":
            await self._connect(command.id, request)
        elif name == "send":
            await self._take_message(request.data)
        elif name == "rpc":
            await self._start_call(command.id, request)
        else:
            reply, _ = await self._answer(command.id, name, COMMANDS[name](self, request))
            await self.write([reply])

    async def _connect(self, id: int, request: Any) -> None:
        subscriptions: list[ClientSubscription] = []
        reply, _ = await self._answer(id, "connect", begin(self, request, subscriptions))
        await self.write([reply])
        if reply.error is None:
            for subscription in subscriptions:
                _open(subscription)
            self.endpoint.pings.add(self, asyncio.get_running_loop().time())

    async def _subscribe_all(self, commands: Sequence[Command]) -> None:
        """Carry out subscribe commands concurrently, and reply in order."""
        if any(not command.id for command in commands):
            raise Disconnected(BAD_REQUEST)
        subscriptions: list[ClientSubscription] = []
        jobs = [self._answer(each.id, "subscribe", subscribe(self, each.subscribe, subscriptions)) for each in commands]
        answers = await run_together(jobs)
        await self.write([reply for reply, _ in answers])
        for subscription in subscriptions:
            _open(subscription)
        for _, disconnected in answers:
            if disconnected is not None:
                raise disconnected

    async def _answer(self, id: int, name: str, job: Awaitable[Any]) -> tuple[ClientReply, Disconnected | None]:
        """Return the reply to a command.

        Raises:
            Disconnected: the connection must end. For a subscribe command it is returned, since others may continue.
        """
        reply = ClientReply(id=id)
        try:
            setattr(reply, name, await job)
        except Disconnected as error:
            if name != "subscribe":
                raise
            reply.error = _error_info(permission_denied())
            return reply, error
        except Exception as error:
            reply.error = _error_info(failure_of(error, name))
        return reply, None

    async def _take_message(self, data: Raw) -> None:
        try:
            await self.endpoint.take_message(self.client, data, self.codec)
        except (Disconnected, WebsocketClosed):
            raise
        except Exception as error:
            if not isinstance(error, (CommandFailed, CallError, HTTPException)):
                logger.exception("a message of a client could not be handled")

    async def _start_call(self, id: int, request: RPCRequest) -> None:
        while self._calls >= self.settings.max_running_calls:
            self._room = asyncio.get_running_loop().create_future()
            await self._room
        self._calls += 1
        self.spawn(self._call(id, request))

    async def _call(self, id: int, request: RPCRequest) -> None:
        try:
            reply, _ = await self._answer(id, "rpc", self._result(request))
            await self.write([reply])
        except Disconnected as error:
            await self.disconnect(error.ending)
        finally:
            self._calls -= 1
            if self._room is not None and not self._room.done():
                self._room.set_result(None)

    async def _result(self, request: RPCRequest) -> Any:
        return RPCResult(data=await self.endpoint.call(self.client, request, self.codec))

    # To the client.

    async def write(self, replies: Sequence[ClientReply]) -> None:
        """Send replies or pushes."""
        await self.carrier.send(self.codec.encode(replies))

    async def send_message(self, data: Raw) -> None:
        """Send data outside of any channel."""
        await self.write([ClientReply(push=Push(message=MessagePush(data=data)))])

    async def disconnect(self, ending: Ending) -> None:
        """End the connection."""
        self.ending = self.ending or ending
        await self.carrier.close(*ending)

    async def subscribe_by_server(self, channel: str, permission: Permission = ALLOWED) -> None:
        """Subscribe the client to a channel, and report it."""
        if channel in self.client.subscriptions or self.is_over:
            return
        subscription = ClientSubscription(channel, True)
        result = await subscribe_server_side(self, subscription, SubscribeRequest(channel=channel), permission)
        push = SubscribePush(
            recoverable=result.recoverable,
            epoch=result.epoch,
            offset=result.offset,
            positioned=result.positioned,
            data=result.data,
        )
        await self.write([ClientReply(push=Push(channel=channel, subscribe=push))])
        _open(subscription)

    async def unsubscribe_by_server(self, channel: str, ending: Ending) -> None:
        """Unsubscribe the client from a channel, and report it."""
        subscription = self.client.subscriptions.get(channel)
        if subscription is None:
            return
        subscription.ending = ending
        if await unsubscribe(self, channel):
            push = UnsubscribePush(code=ending.code, reason=ending.reason)
            await self.write([ClientReply(push=Push(channel=channel, unsubscribe=push))])

    async def refresh_by_server(self, expires_at: float | None) -> None:
        """Change when the connection expires, and report it."""
        expires, ttl = set_connection_expiry(self, expires_at)
        if self.context is None:
            await self.write([ClientReply(push=Push(refresh=RefreshPush(expires=expires, ttl=ttl)))])

    def end_later(self, subscription: ClientSubscription, ending: Ending) -> None:
        """End a subscription whose publications were missed, or that has expired."""
        if self.client.subscriptions.get(subscription.channel) is subscription:
            self.spawn(self.unsubscribe_by_server(subscription.channel, ending))

    def ping(self) -> None:
        """Send a ping. If the peer does not read, the bound on its backlog ends it instead."""
        with contextlib.suppress(WebsocketClosed):
            _ = self.carrier.deliver(Batch([self.codec.ping]))

    def miss_pong(self) -> None:
        """End a client that has not answered a ping."""
        self._disconnect_soon(NO_PONG)

    def set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        """Replace the timer that ends the connection."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = timer

    def spawn(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until the session ends at the latest."""
        task = asyncio.get_running_loop().create_task(job)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (WebsocketClosed, BrokerUnavailable, UsageError)):
            logger.error("a task of a client failed", exc_info=error)

    def _disconnect_soon(self, ending: Ending) -> None:
        self.spawn(self.disconnect(ending))


def failure_of(error: Exception, name: str) -> CommandFailed:
    """Return the error to send to a client for an exception that its command raised.

    Raises:
        WebsocketClosed: the peer has gone.
    """
    match error:
        case WebsocketClosed():
            raise error
        case CommandFailed():
            return error
        case CallError(code=code, message=message):
            return CommandFailed(code, message)
        case InvalidChannel():
            return bad_request()
        case ChannelDenied():
            return permission_denied()
        case BrokerUnavailable():
            logger.warning("%s: the broker of the channels does not answer: %s", name, error)
            return internal_error()
        case HTTPException(status=401):
            return unauthorized()
        case HTTPException(status=status) if 400 <= status < 500:
            return permission_denied() if status == 403 else CommandFailed(status, str(error.body) or "refused")
    logger.error("%s: the command of a client failed", name, exc_info=error)
    return internal_error()


def _error_info(error: CommandFailed) -> ErrorInfo:
    return ErrorInfo(code=error.code, message=error.message, temporary=error.temporary)


def _open(subscription: ClientSubscription) -> None:
    if subscription.subscriber is not None:
        subscription.subscriber.open()


def _is_subscribe(command: Command) -> bool:
    found = request_of(command)
    return found is not None and found[0] == "subscribe"


def _portions(commands: list[Command], size: int) -> Iterator[list[Command]]:
    for start in range(0, len(commands), size):
        yield commands[start : start + size]
