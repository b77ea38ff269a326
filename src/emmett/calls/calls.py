"""`Calls`: functions that a client calls over a websocket, registered by decorators."""

from __future__ import annotations

import contextlib
import inspect
import logging
import re
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_origin, is_typeddict

from ..channels import Channels, Position, Publication, Subscription
from ..config import CallsSettings
from ..ctx import current_session, current_websocket
from ..errors import ConfigurationError, UsageError, WebsocketClosed
from ..pipeline import Pipe, collect_pipes
from ..sessions.session import Session
from ..typed.parameters import read_signature
from ..websockets.websocket import Websocket
from .broadcasts import Broadcasts
from .codecs import choose_codec
from .conversation import Conversation
from .jsonrpc import Notification
from .method import Method, MethodKind, MethodOptions, make_options
from .streaming import current_sender
from .user_limits import UserLimits

Function = TypeVar("Function", bound=Callable[..., Any])

logger = logging.getLogger("emmett.calls")

# Return annotations of streams: of async generators, and of functions that return one.
_STREAMS = (AsyncIterator, AsyncIterable, AsyncGenerator)
# Names reserved by client libraries or by the protocol (section 4: "rpc." is for extensions).
_RESERVED = re.compile(r"rpc\..*|\$/.*")


class Calls:
    """The functions that clients of one websocket route may call, and the events that it sends them.

    Made by `app.calls(path)`; see docs/calls.md.

    Arguments:
        name: its name in the log.
        path_variables: the names of the path's variables.
        settings: its bounds.
        user: returns the user of the connection of the running context, as text, or None.
        wired: objects attached to the application; with `Channels` among them, limits per user and messages to users
            reach all nodes.
        is_developing: whether errors may list the existing methods.
    """

    def __init__(
        self,
        name: str,
        *,
        path_variables: frozenset[str],
        settings: CallsSettings,
        user: Callable[[], Any] | None = None,
        wired: Sequence[object] = (),
        is_developing: bool = False,
    ) -> None:
        self.name = name
        self.methods: dict[str, Method] = {}
        self.emitted: dict[type, str] = {}
        self.user_limits = UserLimits(name, time.monotonic, self._find_channels)
        self.is_developing = is_developing
        self._path_variables = path_variables
        self.settings = settings
        self._pipeline: tuple[Pipe, ...] = ()
        self._user = user
        self._wired = wired
        self._broadcasts = Broadcasts(name, self.emitted, self._find_channels)
        # Each with the path variables that it takes.
        self._on_open: list[tuple[Callable[..., Any], tuple[str, ...]]] = []
        self._on_close: list[tuple[Callable[..., Any], tuple[str, ...]]] = []
        self._conversations: dict[Websocket, Conversation] = {}

    @property
    def pipeline(self) -> Sequence[Pipe]:
        """The pipes around every call, outermost first. Of their hooks, those common to requests and websockets run.

        The route's own pipes are around the connection instead. Assigning a list composes the registered methods again.
        """
        return self._pipeline

    @pipeline.setter
    def pipeline(self, pipes: Sequence[Pipe]) -> None:
        self._pipeline = tuple(pipes)
        for method in self.methods.values():
            method.compose(self._pipeline)

    # Registration.

    def method(
        self,
        name: str | None = None,
        *,
        limit: str | None = None,
        per: Literal["connection", "user"] = "connection",
        timeout: float | None = None,
        ordered: bool = False,
        max_params_size: int | None = None,
        pipeline: Sequence[Pipe] = (),
        errors: Mapping[int, str] | None = None,
    ) -> Callable[[Function], Function]:
        """Let clients call a function. They get its result, or each item as an async generator yields it.

        Arguments:
            name: the name for clients; the function's name by default.
            limit: how often it may be called, such as "20/s" or "100/m". Further calls are answered with an error that
                says when to try again.
            per: whether `limit` counts for each connection, or for each user on all connections.
            timeout: seconds after which the call is cancelled and answered with an error; None for no deadline.
            ordered: whether a call waits until the connection's previous call of this method has ended.
            max_params_size: the most bytes of encoded parameters.
            pipeline: pipes around this method, inside those of all methods.
            errors: the codes of the errors that it raises, each with its meaning, for documents and clients.

        Raises:
            ConfigurationError: at registration, for anything that cannot be; the message says what is allowed.
        """
        _refuse_bare(name, "method")
        options = make_options(limit, per, timeout, ordered, max_params_size, errors or {})

        def register(function: Function) -> Function:
            kind = MethodKind.STREAM if _is_stream(function) else MethodKind.CALL
            self._add(name, function, kind, options, pipeline)
            return function

        return register

    def event(
        self,
        name: str | None = None,
        *,
        limit: str | None = None,
        per: Literal["connection", "user"] = "connection",
        timeout: float | None = None,
        max_params_size: int | None = None,
        pipeline: Sequence[Pipe] = (),
    ) -> Callable[[Function], Function]:
        """Let clients send an event, which has no reply. A connection's events run one after another, in order.

        Arguments:
            name, limit, per, timeout, max_params_size, pipeline: as for `method`.

        Raises:
            ConfigurationError: at registration, for anything that cannot be; the message says what is allowed.
        """
        _refuse_bare(name, "event")
        options = make_options(limit, per, timeout, True, max_params_size)

        def register(function: Function) -> Function:
            if _is_stream(function):
                raise ConfigurationError(
                    f"event {function.__qualname__}: an event has no reply, so it cannot yield items"
                )
            self._add(name, function, MethodKind.EVENT, options, pipeline)
            return function

        return register

    def emits(self, *types: type, name: str | None = None) -> None:
        """Declare the events that the server sends, so that they appear in clients and documents.

        Arguments:
            types: Structs, dataclasses or pydantic models. Each is sent as an event whose name is that of
                the type in snake_case.
            name: another name; for one type.

        Raises:
            ConfigurationError: a name is taken, several types are given with one name, or an object does not reveal its
                type: an object of a TypedDict is a plain dict.
        """
        if name is not None and len(types) != 1:
            raise ConfigurationError(f"emits(name={name!r}): expected one type with name=, not {len(types)}")
        for type_ in types:
            is_class: bool = isinstance(type_, type)
            if not is_class or is_typeddict(type_) or type_.__module__ == "builtins":
                raise ConfigurationError(
                    f"emits({getattr(type_, '__name__', type_)}): `notify` cannot recognise its objects "
                    "as this event; use a Struct, a dataclass or a pydantic model"
                )
            wanted = name or snake_case(type_.__name__)
            if wanted in self.emitted.values():
                raise ConfigurationError(f"emits({type_.__name__}): the name {wanted!r} is taken")
            self.emitted[type_] = wanted

    def channel_of(self, user: str) -> str | None:
        """Return the channel in which `notify(user=...)` publishes; None if no message is declared for it."""
        return self._broadcasts.channel_of(user) if self.emitted and self._broadcasts.is_available else None

    def on_open(self, function: Function) -> Function:
        """Register a function, plain or async, to run when a connection has opened, before its first call.

        It runs in the context of the connection: it may subscribe to channels, or refuse with `abort`. Its parameters
        are variables of the path.

        Raises:
            ConfigurationError: a parameter is no variable of the path.
        """
        self._on_open.append((function, self._variables_for(function, "on_open")))
        return function

    def on_close(self, function: Function) -> Function:
        """Register a function, plain or async, to run when a connection has ended, for any reason.

        Its parameters are variables of the path.

        Raises:
            ConfigurationError: a parameter is no variable of the path.
        """
        self._on_close.append((function, self._variables_for(function, "on_close")))
        return function

    # While connections are open.

    async def notify(
        self, message: Any, *, to: Websocket | None = None, user: str | None = None, channel: str | None = None
    ) -> None:
        """Send one of the declared messages: to the running connection, another one, a user or a channel.

        Arguments:
            message: an object of a type that `emits` declared.
            to: the connection, as `websocket.connection` gives it.
            user: the user, as the function `user` returns it: all connections of the user get the message, including
                those on other nodes if there is a `Channels(app)`.
            channel: the channel: all connections that have called `subscribe` for it get the message, on all nodes.

        Raises:
            UsageError: the type is not declared, there is no such connection, there are several destinations, or there
                are no channels.
            WebsocketClosed: the connection has ended.
            BrokerUnavailable: the broker does not answer; the message may have been sent.
        """
        notification = Notification(self._event_name(message), message)
        if (to is not None) + (user is not None) + (channel is not None) > 1:
            raise UsageError("notify() has one destination: give to=, user= or channel=")
        if channel is not None:
            await self._broadcasts.publish(channel, notification)
        elif user is None and to is None and (send := current_sender.get()) is not None:
            await send(notification)
        elif user is None:
            conversation = self._conversation(to)
            await conversation.accept()
            await conversation.send(notification)
        elif self._broadcasts.is_available:
            await self._broadcasts.publish(self._broadcasts.channel_of(user), notification)
        else:
            for conversation in self._conversations_of(user):
                with contextlib.suppress(WebsocketClosed):
                    await conversation.send(notification)

    async def subscribe(
        self,
        channel: str,
        *,
        since: Position | str | None = None,
        encode: Callable[[Publication], str | bytes | None] | None = None,
        member: str | None = None,
        info: Any = None,
        to: Websocket | None = None,
    ) -> Subscription:
        """Send a connection what `notify(channel=...)` publishes, until `unsubscribe` or its end.

        Accepts the connection first if necessary. An existing subscription is left as it is.

        Arguments:
            channel: the channel, or a pattern such as `room:*`.
            since, member, info: as for `Channels.subscribe`.
            encode: returns the message to send for a publication; needed for channels whose publications do not come
                from `notify`.
            to: the connection; the running one by default.

        Returns:
            The subscription, which says whether everything since the position was recovered.

        Raises:
            ChannelDenied, BrokerUnavailable, ConfigurationError: as `Channels.subscribe`.
            UsageError: there is no such connection, or the application has no channels.
            WebsocketClosed: the connection has ended.
        """
        conversation = self._conversation(to)
        return await self._subscribe(conversation, channel, since=since, encode=encode, member=member, info=info)

    async def unsubscribe(self, channel: str, *, to: Websocket | None = None) -> None:
        """Unsubscribe from a channel. One without a subscription is ignored.

        Raises:
            UsageError: there is no such connection.
        """
        subscription = self._conversation(to).subscriptions.pop(channel, None)
        if subscription is not None:
            await subscription.__aexit__(None, None, None)

    async def request(
        self,
        method: str,
        params: Any = None,
        *,
        type: Any = Any,
        timeout: float = 10.0,  # noqa: ASYNC109 - a client may never answer, so the deadline is part of the call
        to: Websocket | None = None,
    ) -> Any:
        """Call a method of the client, and return its result.

        Arguments:
            method: its name.
            params: a Struct, dict or list.
            type: the type of the result: any type that msgspec can decode into.
            timeout: the seconds that the client has to answer; some clients never do.
            to: the connection; the running one by default.

        Raises:
            UsageError: there is no such connection, it has not opened yet, or `timeout` is no deadline.
            CallError: the client answered with an error or not in time, or too many requests already wait for it.
            WebsocketClosed: the connection ended first.
        """
        conversation = self._conversation(to)
        if not conversation.is_reading:
            raise UsageError(f"request({method!r}): a reply cannot be read during on_open; ask in a method or an event")
        return await conversation.requests.ask(method, {} if params is None else params, type, timeout)

    @property
    def connections(self) -> list[Websocket]:
        """The open connections of this process."""
        return [websocket for websocket in self._conversations if websocket.accepted]

    async def serve(self, **variables: Any) -> None:
        """Handle a connection: the handler of the route."""
        conversation = await self._begin(variables)
        try:
            for function, names in self._on_open:
                await _call(function, **{name: variables[name] for name in names})
            try:
                await self._open(conversation)
                # A connection that has sent nothing needs no task for calls yet; creating it later saves memory.
                with contextlib.suppress(StopAsyncIteration):
                    first = await conversation.websocket.receive_next(True)
                    await conversation.start(first)
            finally:
                await conversation.stop()
                await _call_all(self._on_close, variables)
        finally:
            del self._conversations[conversation.websocket]
            for subscription in [*conversation.subscriptions.values()]:
                await subscription.__aexit__(None, None, None)

    def provide(self, type_: type) -> Any:
        """Return the value of an injected argument, in the context of its call."""
        return current_websocket.get() if type_ is Websocket else current_session.get()

    # Registration, internally.

    def _add(
        self,
        name: str | None,
        function: Callable[..., Any],
        kind: MethodKind,
        options: MethodOptions,
        pipeline: Sequence[Pipe],
    ) -> None:
        wanted = name or function.__name__
        label = f"{kind.value} {function.__qualname__!r}"
        if _RESERVED.fullmatch(wanted):
            raise ConfigurationError(f"{label}: the name {wanted!r} is reserved by the protocol")
        if wanted in self.methods:
            raise ConfigurationError(f"{label}: the name {wanted!r} is taken; give another one with name=")
        signature = read_signature(
            function, label, injectable=(Websocket, Session), path_variables=self._path_variables
        )
        method = Method(wanted, function, kind, signature, options, (*pipeline, *collect_pipes(function)))
        method.compose(self._pipeline)
        self.methods[wanted] = method

    def _variables_for(self, function: Callable[..., Any], decorator: str) -> tuple[str, ...]:
        names = tuple(inspect.signature(function).parameters)
        if unknown := [name for name in names if name not in self._path_variables]:
            raise ConfigurationError(
                f"{decorator} {function.__qualname__!r}: parameter {unknown[0]!r} is no variable of the path; expected "
                f"{', '.join(sorted(self._path_variables)) or 'no parameters'}"
            )
        return names

    def _event_name(self, message: object) -> str:
        name = self.emitted.get(type(message))
        if name is None:
            declared = ", ".join(type_.__name__ for type_ in self.emitted) or "none"
            raise UsageError(
                f"notify({type(message).__name__}): declare the type with calls.emits(...); declared are {declared}"
            )
        return name

    async def _begin(self, variables: dict[str, Any]) -> Conversation:
        websocket = current_websocket.get()
        subprotocol, codec = choose_codec(websocket.subprotocols)
        found = None if self._user is None else await _call(self._user)
        user = None if found is None else str(found)
        conversation = Conversation(self, websocket, codec, subprotocol, user, variables, self.settings)
        self._conversations[websocket] = conversation
        return conversation

    async def _open(self, conversation: Conversation) -> None:
        await conversation.accept()
        conversation.is_reading = True
        channel = None if conversation.user is None else self.channel_of(conversation.user)
        if channel is not None:
            await self._subscribe(conversation, channel)

    def _conversation(self, websocket: Websocket | None) -> Conversation:
        here = current_websocket.get(None) if websocket is None else websocket.connection
        found = None if here is None else self._conversations.get(here)
        if found is not None:
            return found
        if websocket is None:
            raise UsageError("no connection of these calls is handled here; choose one with to= or user=")
        raise UsageError("to=: not an open connection of these calls; keep `websocket.connection`, not `websocket`")

    def _find_channels(self) -> Channels | None:
        return next((each for each in self._wired if isinstance(each, Channels)), None)

    async def _subscribe(
        self,
        conversation: Conversation,
        channel: str,
        encode: Callable[[Publication], str | bytes | None] | None = None,
        **options: Any,
    ) -> Subscription:
        if channel in conversation.subscriptions:
            return conversation.subscriptions[channel]
        channels = self._broadcasts.channels
        # First, because the subscription would accept the connection without a subprotocol.
        await conversation.accept()
        encode = encode or self._broadcasts.encoder(conversation.codec)
        subscription = channels.subscribe(channel, deliver=conversation.websocket, encode=encode, **options)
        # Before the first await, so that a concurrent call does not subscribe as well.
        conversation.add_subscription(channel, subscription)
        try:
            return await subscription.__aenter__()
        except BaseException:
            conversation.subscriptions.pop(channel, None)
            raise

    def _conversations_of(self, user: str) -> list[Conversation]:
        found = self._conversations.values()
        return [each for each in found if each.user == user and each.websocket.accepted]


def snake_case(name: str) -> str:
    """Return the event name for the name of a class: `MessageSent` gives `message_sent`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _is_stream(function: Callable[..., Any]) -> bool:
    if inspect.isasyncgenfunction(function):
        return True
    returned = inspect.signature(function, eval_str=True).return_annotation
    return (get_origin(returned) or returned) in _STREAMS


def _refuse_bare(name: object, decorator: str) -> None:
    if callable(name):
        raise SyntaxError(f"the decorator needs its parentheses: write @calls.{decorator}() above the function")


async def _call_all(
    functions: Sequence[tuple[Callable[..., Any], tuple[str, ...]]], variables: Mapping[str, Any]
) -> None:
    """Call all functions, even if one fails. The first error is raised afterwards."""
    errors: list[Exception] = []
    for function, names in functions:
        try:
            await _call(function, **{name: variables[name] for name in names})
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


async def _call(function: Callable[..., Any], **arguments: Any) -> Any:
    result = function(**arguments)
    return await result if inspect.isawaitable(result) else result
