"""`Centrifuge`: an endpoint for the SDKs of the Centrifuge protocol, on the channels of an application."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar, Unpack

import msgspec
from msgspec import Raw

from ..calls.calls import Calls
from ..channels import Channels, Details
from ..channels.channels import START_TIMEOUT, RunningChannels
from ..channels.names import check_channel
from ..channels.receiver import Receiver
from ..config import CentrifugeSettings, Config
from ..ctx import current_request, current_session, current_websocket
from ..errors import ConfigurationError, InvalidChannel, UsageError, WebsocketClosed
from ..http.abort import abort
from ..http.response import Response
from ..pipeline import Pipe
from ..route_settings import CentrifugeLimits
from .access import decoded, resolved
from .bridge import CallBridge
from .claims import Verifier
from .client import Client, encode_client_info
from .codec import JSON, ClientCodec
from .codes import CONNECTION_CLOSED, NOT_AVAILABLE, Disconnected, method_not_found
from .control import Control
from .encodings import JSON_ENCODING, choose_encoding, find_protobuf
from .fallbacks import Fallbacks
from .hooks import ClientHooks
from .http_api import HTTPAPI
from .messages import RPCRequest
from .pings import Pings
from .push_kinds import PushKinds
from .seats import Seats
from .server_api import ServerAPI
from .session import SDKSession
from .stream_carrier import StreamCarrier

Function = TypeVar("Function", bound=Callable[..., Any])

current_client: ContextVar[Client | None] = ContextVar("emmett.centrifuge.client", default=None)


class CentrifugeApplication(Protocol):
    """The application that an endpoint is added to: an `App`."""

    config: Config

    @property
    def wired(self) -> list[Any]:
        """The objects attached to the application, where commands find them."""

    def websocket(self, *args: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        """Register a websocket route."""

    def route(self, *args: Any, **options: Any) -> Callable[[Callable[..., Any]], Any]:
        """Register a route for requests."""

    def on_startup(self, function: Callable[[], Any]) -> Any:
        """Register a function to run before the first request."""

    def on_shutdown(self, function: Callable[[], Any]) -> Any:
        """Register a function to run after the last request."""


class Centrifuge:
    """An endpoint for clients that speak the Centrifuge protocol.

    Arguments:
        app: the application.
        channels: its channels.
        path: the path of the websocket.
        name: the name of the route for `url.ws`.
        secret: the secret of connection and subscription tokens with HS256, HS384 or HS512.
        public_keys: public keys in PEM for tokens with RS256, ES256, EdDSA and related algorithms.
        jwks: the URL or the file of a JWKS (RFC 7517) with public keys, which may be rotated.
        audience, issuer: the `aud` and `iss` that tokens must have; None to ignore them.
        personal_channels: whether each user is subscribed to a personal channel: "#" and the user.
        personal_namespace: the namespace of these channels.
        cache: namespaces in which only the newest publication matters: a client that comes back gets only that one.
        numbers_in_protobuf: whether Protobuf clients, too, get numbers instead of names of channels if they ask for
            them. npm `centrifuge` on Node.js asks, but then drops the publications.
        calls: the methods and events that clients can call with `rpc` and `send`.
        stream_namespace: the namespace in which the items of streams are published; it must not be declared.
        fallbacks: the prefix of the paths of the fallbacks, usually "/connection"; None for no fallbacks.
        api_keys: the keys of the HTTP API; each request must have one of them. Without keys there is no HTTP API.
        api_path: the prefix of the paths of the HTTP API.
        pipeline, hostname: as for `app.websocket`.
        settings: bounds and deadlines, with the names in `app.config.centrifuge` and `app.config.websocket`.

    Raises:
        ConfigurationError: an argument is invalid, or an extra that it requires is not installed.
    """

    def __init__(
        self,
        app: CentrifugeApplication,
        channels: Channels,
        path: str = "/connection/websocket",
        *,
        name: str = "centrifuge",
        secret: str | bytes | None = None,
        public_keys: Sequence[str | bytes] = (),
        jwks: str | None = None,
        audience: str | None = None,
        issuer: str | None = None,
        personal_channels: bool = False,
        personal_namespace: str = "",
        cache: Collection[str] = (),
        numbers_in_protobuf: bool = False,
        calls: Calls | None = None,
        stream_namespace: str = "stream",
        fallbacks: str | None = None,
        api_keys: Sequence[str] = (),
        api_path: str = "/api",
        pipeline: Sequence[Pipe] | None = None,
        hostname: str | None = None,
        **settings: Unpack[CentrifugeLimits],
    ) -> None:
        given: dict[str, Any] = {**settings}
        own = {key: given.pop(key) for key in CentrifugeSettings.names() & given.keys()}
        self.name = name
        self.channels = channels
        self.settings = app.config.centrifuge.replace(own)
        self.node = secrets.token_hex(8)
        self.hooks = ClientHooks()
        # The calls that SDKs can make; None without any.
        self.calls = calls
        self._bridge = None if calls is None else CallBridge(calls, channels, stream_namespace)
        protobuf = find_protobuf()
        self.encodings = [JSON_ENCODING] if protobuf is None else [JSON_ENCODING, protobuf]
        self.verifier = make_verifier(secret, public_keys, jwks, audience, issuer)
        self._personal = _personal_prefix(personal_channels, personal_namespace)
        self.cached = frozenset([cache] if isinstance(cache, str) else cache)
        self.push_kinds = PushKinds(
            [each.codec for each in self.encodings if numbers_in_protobuf or each.codec is JSON]
        )
        self.seats = Seats(self.settings.max_clients, self.settings.max_user_clients)
        self.pings = Pings(self.settings.client_ping_interval, self.settings.pong_timeout)
        # The connected sessions of this process, by client id.
        self.sessions: dict[str, SDKSession] = {}
        self._control = Control(channels, name, self.node, lambda: list(self.sessions.values()), self._emulate)
        settings_of_pages = app.config.websocket.replace({key: given[key] for key in ("origins",) if key in given})
        codec = None if protobuf is None else protobuf.codec
        self.fallbacks = Fallbacks(self._serve_stream, self._control, self.node, settings_of_pages, codec)
        # Acts on clients and channels from any process.
        self.server = ServerAPI(channels, self._control, self.settings.max_history)
        self.api = HTTPAPI(self.server, [api_keys] if isinstance(api_keys, str) else api_keys)
        app.websocket(path, name, pipeline, hostname=hostname, **given)(self.serve)
        if fallbacks:
            for function, method in (
                (self.fallbacks.sse, "get"),
                (self.fallbacks.http_stream, "post"),
                (self.fallbacks.emulation, "post"),
            ):
                place = "/emulation" if function.__name__ == "emulation" else f"{fallbacks}/{function.__name__}"
                app.route(place, f"{name}_{function.__name__}", pipeline, hostname=hostname, methods=method)(function)
        if api_keys:
            methods = app.route(f"{api_path}/<str:method>", f"{name}_api", methods="post", hostname=hostname)
            methods(self.serve_api)
        app.on_startup(self._start)
        app.on_shutdown(self._stop)
        app.wired.append(self)

    @property
    def client(self) -> Client:
        """The client whose command is being handled.

        Raises:
            UsageError: no command of a client is being handled here.
        """
        client = current_client.get()
        if client is None:
            raise UsageError("centrifuge.client is available only while a command of a client is being handled")
        return client

    @property
    def clients(self) -> list[Client]:
        """The connected clients of this process."""
        return [session.client for session in self.sessions.values()]

    # Functions of the application. Each may be plain or async.

    def on_connect(self, function: Function) -> Function:
        """Register `function(client, data)`, which identifies a client without a token.

        It returns the user as `str`, an `Identity`, or None to refuse. Without this function a client belongs to the
        user of the session; without a session it is anonymous.
        """
        return self._register("connect", function)

    def on_subscribe(self, function: Function) -> Function:
        """Register `function(client, channel, data)`, which returns whether a client may subscribe to a channel.

        It is not asked for subscriptions with a token; otherwise, it is asked in addition to `may_subscribe` of the
        namespace. It may return `allow(...)` with details of the subscription.
        """
        return self._register("subscribe", function)

    def on_publish(self, function: Function) -> Function:
        """Register `function(client, channel, data)`, which returns whether a client may publish.

        It is asked in addition to `may_publish` of the namespace.
        """
        return self._register("publish", function)

    def on_refresh(self, function: Function) -> Function:
        """Register `function(client)`, which is called when a connection without a token expires.

        It returns when the connection expires next, in seconds since 1970; True for never; None to disconnect it.
        """
        return self._register("refresh", function)

    def on_message(self, function: Function) -> Function:
        """Register `function(client, data)` for data that clients `send`, which has no reply."""
        return self._register("message", function)

    def on_disconnect(self, function: Function) -> Function:
        """Register `function(client, code, reason)`, which runs after an accepted client has left."""
        return self._register("disconnect", function)

    # Used by sessions.

    def running(self) -> RunningChannels:
        """Return the running channels."""
        return self.channels.running()

    def session_user(self) -> str:
        """Return the user of the application's session; empty without one."""
        session = current_session.get()
        user = None if session is None else session.user
        return "" if user is None else str(user)

    def channels_of(self, user: str) -> list[str]:
        """Return the channels that each client of a user gets: the personal one, and that of `calls.notify`."""
        channels = [] if self._personal is None else [f"{self._personal}#{user}"]
        messages = None if self._bridge is None else self._bridge.channel_of(user)
        return channels if messages is None else [*channels, messages]

    def connected(self, session: SDKSession) -> None:
        """Register a session, because its client has been accepted."""
        self.sessions[session.client.id] = session

    def left(self, session: SDKSession) -> None:
        """Forget a session."""
        self.sessions.pop(session.client.id, None)
        self.seats.release(session.client.user)
        if self._bridge is not None:
            self._bridge.forget(session.client)

    async def publish(self, client: Client, channel: str, data: str | bytes) -> None:
        """Publish for a client, if `may_publish` of the namespace allows it."""
        info = Raw(encode_client_info(client.describe(channel)))
        _ = await self.channels.publish(channel, data, details=Details(info=info))

    async def call(self, client: Client, request: RPCRequest, codec: ClientCodec) -> Raw:
        """Call a method for a client, and return its result."""
        if self._bridge is None:
            raise method_not_found()
        return await self._bridge.call(client, request)

    async def take_message(self, client: Client, data: Raw, codec: ClientCodec) -> None:
        """Pass on data that has no reply."""
        if self._bridge is not None and await self._bridge.take_event(client, data):
            return
        if self.hooks.message is not None:
            await resolved(self.hooks.message(client, decoded(data)))
        elif self._bridge is None:
            # There is no reply that could report it.
            raise Disconnected(NOT_AVAILABLE)

    async def serve(self) -> None:
        """Handle a connection: the handler of the route."""
        websocket = current_websocket.get()
        subprotocol, (codec, encode) = choose_encoding(websocket.subprotocols, self.encodings)
        await websocket.accept(subprotocol=subprotocol)
        await self._serve_session(SDKSession(self, websocket, codec, encode, str(uuid.uuid4())), websocket)

    async def _serve_stream(self, carrier: StreamCarrier, key: str) -> None:
        """Handle a connection of a fallback."""
        codec, encode = next(each for each in self.encodings if each.codec is carrier.codec)
        await self._serve_session(SDKSession(self, carrier, codec, encode, str(uuid.uuid4()), key), carrier.frames())

    async def _serve_session(self, session: SDKSession, frames: AsyncIterator[str | bytes]) -> None:
        current_client.set(session.client)
        ending = CONNECTION_CLOSED
        try:
            async for frame in frames:
                await session.handle(frame)
        except WebsocketClosed:
            # The peer left while it was being answered.
            pass
        except Disconnected as error:
            ending = error.ending
            await session.disconnect(ending)
        finally:
            was_connected = session.is_connected
            await session.end()
            if was_connected and self.hooks.disconnect is not None:
                code, reason = session.ending or ending
                await resolved(self.hooks.disconnect(session.client, code, reason))

    def _find_subscriber(self, client: str, channel: str) -> Receiver | None:
        session = self.sessions.get(client)
        subscription = None if session is None else session.client.subscriptions.get(channel)
        return None if subscription is None else subscription.subscriber

    def _emulate(self, session: str, frame: str | bytes) -> bool:
        return self.fallbacks.take(session, frame)

    async def serve_api(self, method: str) -> Response:
        """Answer a request of the HTTP API: the handler of the route."""
        request = current_request.get()
        assert request is not None
        headers = request.headers
        if not self.api.is_allowed(headers.get("x-api-key"), headers.get("authorization")):
            abort(401)
        found = await self.api.answer(method, await request.body)
        return Response(msgspec.json.encode(found), content_type="application/json")

    # Inside.

    def _register(self, hook: str, function: Function) -> Function:
        if getattr(self.hooks, hook) is not None:
            raise ConfigurationError(f"on_{hook}({function.__name__}): another function is already registered")
        setattr(self.hooks, hook, function)
        return function

    async def _start(self) -> None:
        hub = self.running().hub
        hub.identities.finders.append(self._find_subscriber)
        tasks = hub.tasks
        tasks.spawn(self._run_pings())
        started = asyncio.Event()
        tasks.spawn(self._control.run(started))
        with contextlib.suppress(TimeoutError):
            # Without the broker, orders of other processes arrive later; the log reports it.
            await asyncio.wait_for(started.wait(), START_TIMEOUT)

    def _stop(self) -> None:
        if self._bridge is not None:
            self._bridge.stop()

    async def _run_pings(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            is_late = self.pings.look(loop.time())
            await asyncio.sleep(0 if is_late else self.pings.tick)


def make_verifier(
    secret: str | bytes | None,
    public_keys: Sequence[str | bytes],
    jwks: str | None,
    audience: str | None,
    issuer: str | None,
) -> Verifier | None:
    """Return the verifier of tokens; None without keys.

    Raises:
        ConfigurationError: a key is invalid, or PyJWT is not installed.
    """
    if secret is None and not public_keys and jwks is None:
        if audience is not None or issuer is not None:
            raise ConfigurationError("audience and issuer concern tokens: pass secret, public_keys or jwks as well")
        return None
    try:
        from .keys import FixedKeys, JWKSKeys, KeySource
        from .tokens import TokenVerifier
    except ImportError:
        raise ConfigurationError('tokens require PyJWT: pip install "PyJWT[crypto]>=2.10,<3"') from None
    sources: list[KeySource] = []
    if secret is not None or public_keys:
        sources.append(FixedKeys(secret, [public_keys] if isinstance(public_keys, (str, bytes)) else public_keys))
    if jwks is not None:
        sources.append(JWKSKeys(jwks))
    return TokenVerifier(sources, audience, issuer)


def _personal_prefix(is_wanted: bool, namespace: str) -> str | None:
    """Return the name of a personal channel up to its '#'; None without personal channels."""
    if not is_wanted:
        if namespace:
            raise ConfigurationError(f"personal_namespace={namespace!r} requires personal_channels=True")
        return None
    prefix = f"{namespace}:" if namespace else ""
    try:
        check_channel(f"{prefix}#0")
    except InvalidChannel as error:
        raise ConfigurationError(f"personal_namespace={namespace!r}: {error}") from None
    return prefix
