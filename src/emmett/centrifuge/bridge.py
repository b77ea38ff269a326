"""Methods and events of `app.calls(...)` for Centrifuge clients. The items of a stream become publications."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..calls.codecs import JSON, Codec
from ..calls.guard import Guard, exceeded
from ..calls.jsonrpc import CANCEL, Error, ErrorCode, ErrorReply, Notification, Reply
from ..calls.method import Method, MethodKind
from ..calls.running import RunningCall
from ..calls.streaming import current_sender
from ..calls.user_limits import UserLimits
from ..channels import Channels
from ..config import CallsSettings
from ..errors import BrokerUnavailable
from ..typed.parameters import Signature
from .client import Client
from .codes import CommandFailed, bad_request, internal_error, method_not_found, too_many_requests
from .messages import NOTHING, RPCRequest

# Seconds after which a stream without its own timeout is cancelled: its client may never come back.
STREAM_TIMEOUT = 600.0
# Publications that the channel of a stream keeps, and for how many seconds.
STREAM_HISTORY = 1000
STREAM_TTL = 300.0

logger = logging.getLogger("emmett.centrifuge")


class CallRegistry(Protocol):
    """The registered methods: a `Calls`."""

    methods: dict[str, Method]
    user_limits: UserLimits
    settings: CallsSettings

    def provide(self, type_: type) -> Any:
        """Return the value of an injected argument."""

    def channel_of(self, user: str) -> str | None:
        """Return the channel of messages to a user; None if there are none."""


class _EventMessage(msgspec.Struct):
    method: str
    params: Raw | UnsetType = UNSET


class StreamChannel(msgspec.Struct):
    """The result of a streaming method: the channel of its items, and the position to begin after."""

    channel: str
    epoch: str
    offset: int


class _Unconnected:
    """Takes the place of a caller's websocket; a call only asks whether it is closed."""

    closed = False


class SDKCaller:
    """The caller of one client's calls.

    Arguments:
        registry: the methods.
        client: the client.

    Attributes:
        streams: the number of its running streams.
        calls: its running calls, without streams.
    """

    def __init__(self, registry: CallRegistry, client: Client) -> None:
        self._registry = registry
        self._client = client
        self._user = client.user
        self.guard = Guard(bool(client.user), registry.settings, asyncio.get_running_loop().time)
        self.streams = 0
        self.calls: set[_OneCall] = set()
        self._locks: dict[str, asyncio.Lock] = {}

    def lock(self, method: Method) -> asyncio.Lock:
        """Return the lock that lets one call of an ordered method run at a time."""
        return self._locks.setdefault(method.name, asyncio.Lock())

    async def admit(self, method: Method) -> Error | None:
        """Count a call of the user, and return the error if it is refused."""
        rate = method.options.limit
        if rate is None or not self._user:
            return None
        wait = await self._registry.user_limits.take(self._user, method.name, rate)
        return None if wait == 0.0 else exceeded(method, rate, wait)

    async def notify(self, notification: Notification) -> None:
        """Send a declared message to the client.

        Raises:
            WebsocketClosed: the client has left.
        """
        await self._client.send(Raw(JSON.encode(notification).encode()))

    def inject(self, signature: Signature, arguments: dict[str, Any]) -> None:
        """Add the injected arguments, which do not come from the caller."""
        for name, type_ in signature.injected.items():
            arguments[name] = self._registry.provide(type_)


class _OneCall:
    """The caller of one call: keeps the reply, and publishes the items of a stream."""

    codec: Codec = JSON
    websocket: Any = _Unconnected()

    def __init__(self, caller: SDKCaller, publish: Callable[[Any], Any] | None = None) -> None:
        self.is_ending = False
        self.admit = caller.admit
        self.inject = caller.inject
        self.reply: Reply | None = None
        self._publish = publish

    async def send(self, message: Any) -> None:
        """Publish an item of a stream."""
        if isinstance(message, Notification) and self._publish is not None:
            await self._publish({"item": message.params.value})

    async def send_reply(self, reply: Reply) -> None:
        """Keep the reply."""
        self.reply = reply


class CallBridge:
    """Calls methods for clients.

    Arguments:
        registry: the methods.
        channels: the channels of the application.
        namespace: the namespace of the channels of streams.
    """

    def __init__(self, registry: CallRegistry, channels: Channels, namespace: str) -> None:
        self._registry = registry
        self._channels = channels
        self._namespace = namespace
        self._callers: dict[str, SDKCaller] = {}
        # The running streams, by channel.
        self._streams: dict[str, tuple[_OneCall, RunningCall]] = {}
        # The name of such a channel cannot be guessed, and only the caller gets it.
        _ = channels.namespace(
            namespace,
            history=STREAM_HISTORY,
            history_ttl=STREAM_TTL,
            may_subscribe=lambda _: True,
            may_publish=lambda *_: False,
        )

    def forget(self, client: Client) -> None:
        """Forget a client's calls. Its streams continue, because it may come back."""
        caller = self._callers.pop(client.id, None)
        if caller is not None:
            for one in caller.calls:
                one.is_ending = True

    def channel_of(self, user: str) -> str | None:
        """Return the channel of messages to a user; None if there are none."""
        return self._registry.channel_of(user)

    def stop(self) -> None:
        """Cancel all streams without publishing their end, because the application stops."""
        for one, _ in self._streams.values():
            one.is_ending = True

    async def call(self, client: Client, request: RPCRequest) -> Raw:
        """Call a method, and return its result.

        Raises:
            CommandFailed: the call failed, and is answered with this error.
            BrokerUnavailable: a stream cannot be published.
        """
        params = UNSET if request.data == NOTHING else request.data
        if request.method == CANCEL:
            return self._cancel(request.data)
        method = self._registry.methods.get(request.method)
        if method is None or method.kind is MethodKind.EVENT or method.signature.path_variables:
            raise method_not_found()
        caller = self._caller(client)
        refusal = caller.guard.check(method, params, caller.streams)
        if refusal is not None:
            raise _failure(refusal)
        if method.kind is MethodKind.STREAM:
            return await self._start_stream(caller, method, params)
        if not method.is_ordered:
            return await self._run(caller, method, params)
        async with caller.lock(method):
            return await self._run(caller, method, params)

    async def take_event(self, client: Client, data: Raw) -> bool:
        """Run an event, and return whether the data names one."""
        try:
            event = msgspec.json.decode(data, type=_EventMessage)
        except (msgspec.MsgspecError, RecursionError):
            return False
        method = self._registry.methods.get(event.method)
        if method is None or method.kind is not MethodKind.EVENT:
            return False
        caller = self._caller(client)
        if caller.guard.check(method, event.params, 0) is None:
            await self._run_call(caller, _OneCall(caller), method, UNSET, event.params)
        return True

    async def _run(self, caller: SDKCaller, method: Method, params: Raw | UnsetType) -> Raw:
        one = _OneCall(caller)
        await self._run_call(caller, one, method, 1, params)
        return _result(one.reply)

    async def _run_call(
        self, caller: SDKCaller, one: _OneCall, method: Method, id: int | UnsetType, params: Raw | UnsetType
    ) -> None:
        caller.calls.add(one)
        token = current_sender.set(caller.notify)
        try:
            await RunningCall(one, method, id, params, None).run(_current_task())
        finally:
            current_sender.reset(token)
            caller.calls.discard(one)

    async def _start_stream(self, caller: SDKCaller, method: Method, params: Raw | UnsetType) -> Raw:
        channel = f"{self._namespace}:{secrets.token_hex(16)}"
        start = (await self._channels.history(channel, limit=0)).top

        async def publish(content: Any) -> None:
            _ = await self._channels.publish(channel, content, check=False)

        one = _OneCall(caller, publish)
        call = RunningCall(one, method, 1, params, None)
        caller.streams += 1
        self._streams[channel] = (one, call)
        self._channels.running().hub.tasks.spawn(self._stream(caller, one, call, channel))
        return Raw(msgspec.json.encode(StreamChannel(channel, start.epoch, start.offset)))

    async def _stream(self, caller: SDKCaller, one: _OneCall, call: RunningCall, channel: str) -> None:
        """Run a stream, and publish its end."""
        timer = None
        current_sender.set(caller.notify)
        if call.method.options.timeout is None:
            timer = asyncio.get_running_loop().call_later(STREAM_TIMEOUT, call.cancel)
        try:
            await call.run(_current_task())
        finally:
            caller.streams -= 1
            del self._streams[channel]
            if timer is not None:
                timer.cancel()
        end: dict[str, Any] = {"end": True}
        if isinstance(one.reply, ErrorReply):
            end["error"] = {"code": one.reply.error.code, "message": one.reply.error.message}
        try:
            _ = await self._channels.publish(channel, end, check=False)
        except BrokerUnavailable as error:
            logger.warning("%s: could not publish the end of a stream: %s", call.method.name, error)

    def _cancel(self, data: Raw) -> Raw:
        try:
            channel = msgspec.json.decode(data, type=dict[str, str]).get("channel", "")
        except (msgspec.MsgspecError, RecursionError):
            raise bad_request() from None
        stream = self._streams.get(channel)
        if stream is not None:
            stream[1].cancel()
        return Raw(b"{}")

    def _caller(self, client: Client) -> SDKCaller:
        caller = self._callers.get(client.id)
        if caller is None:
            caller = self._callers[client.id] = SDKCaller(self._registry, client)
        return caller


def _current_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _result(reply: Reply | None) -> Raw:
    if isinstance(reply, ErrorReply):
        raise _failure(reply.error)
    if reply is None:
        raise internal_error()
    try:
        return Raw(msgspec.json.encode(reply.result))
    except (TypeError, ValueError, NotImplementedError, RecursionError):
        logger.exception("the result of a call cannot be encoded")
        raise internal_error() from None


def _failure(error: Error) -> CommandFailed:
    """Return the protocol's error for one of JSON-RPC: its codes are never negative."""
    match error.code:
        case ErrorCode.INVALID_PARAMS:
            return CommandFailed(107, _described(error))
        case ErrorCode.LIMIT_EXCEEDED:
            return too_many_requests()
        case code if code > 0:
            return CommandFailed(code, error.message)
    return internal_error() if error.code == ErrorCode.INTERNAL_ERROR else CommandFailed(100, error.message)


def _described(error: Error) -> str:
    """Return what is wrong with the parameters, in one line: errors of this protocol carry no data."""
    faults = error.data if isinstance(error.data, list) else []
    described = (f"{'.'.join(map(str, fault['path']))} {fault['message']}".strip() for fault in faults)
    return f"bad request: {'; '.join(described)}" if faults else "bad request"
