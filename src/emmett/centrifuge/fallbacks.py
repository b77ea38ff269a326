"""The fallbacks for networks that block websockets: SSE and HTTP streaming, with commands in separate requests."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable

from ..config import WebsocketSettings
from ..ctx import current_request
from ..errors import BrokerUnavailable
from ..http.abort import abort
from ..http.request import Request
from ..http.response import Response
from ..wire.origin import OriginPolicy
from .codec import JSON, ClientCodec, UnreadableFrame
from .codes import CONNECTION_CLOSED, SHUTDOWN
from .control import Control, Order
from .stream_carrier import StreamCarrier

# The content type of Protobuf. Responses with JSON have it, too, so that no proxy inspects them.
_OCTETS = "application/octet-stream"
_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}

# Handles a connection until its end. Takes its carrier and the secret name of its session.
Serve = Callable[[StreamCarrier, str], Awaitable[None]]


class Fallbacks:
    """Serves clients over plain requests.

    Arguments:
        serve: handles a connection.
        control: reaches the sessions of other nodes.
        node: the name of this process.
        settings: the settings of the websocket, with the origins whose pages may connect.
        protobuf: the codec for requests with Protobuf; None if it is not installed.
    """

    def __init__(
        self, serve: Serve, control: Control, node: str, settings: WebsocketSettings, protobuf: ClientCodec | None
    ) -> None:
        self._serve = serve
        self._control = control
        self._node = node
        self._settings = settings
        self._protobuf = protobuf
        # The carriers of this process, by the secret names of their sessions.
        self.carriers: dict[str, StreamCarrier] = {}

    async def sse(self) -> Response:
        """Answer GET with server-sent events. The command to connect is `cf_connect` in the query."""
        command = self._request().query_params.cf_connect
        if not isinstance(command, str):
            abort(400, "expected one cf_connect in the query: the command to connect, in JSON")
        return self._respond(command, JSON, "data: {}\n\n", "text/event-stream; charset=utf-8")

    async def http_stream(self) -> Response:
        """Answer POST with messages: each on a line, or in Protobuf after its length.

        The command to connect is the body.
        """
        request = self._request()
        codec, body = self._codec(request), await request.body
        return self._respond(_text(body) if codec is JSON else body, codec, "{}\n", _OCTETS)

    async def emulation(self) -> Response:
        """Take the commands of a client."""
        request = self._request()
        try:
            found = self._codec(request).decode_emulation(await request.body)
        except UnreadableFrame:
            abort(400, 'expected {"session": …, "node": …, "data": …}, or the same in Protobuf')
        if found.node != self._node:
            # The session, if it exists, is on another node.
            order = Order("emulate", client=found.session, answer=found.node)
            if isinstance(found.frame, str):
                order.text = found.frame
            else:
                order.binary = found.frame
            try:
                await self._control.send(order)
            except (BrokerUnavailable, ValueError):
                abort(503)
        elif not self.take(found.session, found.frame):
            abort(404)
        return Response(b"", status=204)

    def take(self, session: str, frame: str | bytes) -> bool:
        """Pass commands to a session of this process, and return whether one took them."""
        carrier = self.carriers.get(session)
        return carrier is not None and carrier.feed(frame)

    def _request(self) -> Request:
        request = current_request.get()
        assert request is not None
        origins = OriginPolicy(self._settings.origins)
        if not origins.allows(request.headers.get("origin"), scheme=request.scheme, host=request.host):
            abort(403)
        return request

    def _codec(self, request: Request) -> ClientCodec:
        """Return the codec for a request with commands."""
        if request.headers.get("content-type") != _OCTETS:
            return JSON
        if self._protobuf is None:
            abort(415, 'Protobuf requires pip install "protobuf>=6.30,<8"')
        return self._protobuf

    def _respond(self, command: str | bytes, codec: ClientCodec, form: str, content_type: str) -> Response:
        key = secrets.token_urlsafe(24)
        carrier = StreamCarrier(codec)
        carrier.feed(command)
        before, after = form.split("{}")
        return _Stream(carrier, _Messages(self, carrier, key, before, after), content_type)

    async def run(self, carrier: StreamCarrier, key: str) -> None:
        """Handle a connection until its end."""
        self.carriers[key] = carrier
        try:
            await self._serve(carrier, key)
        finally:
            del self.carriers[key]
            carrier.end(*CONNECTION_CLOSED)


class _Stream(Response):
    """The response. When the server stops, the client reconnects to another process, as with a websocket."""

    __slots__ = ("_carrier",)
    is_endless = True

    def __init__(self, carrier: StreamCarrier, body: AsyncIterable[bytes], content_type: str) -> None:
        super().__init__(body, headers=_HEADERS, content_type=content_type)
        self._carrier = carrier

    def end_stream(self) -> bool:
        """See `Response`. The last message is a push with the reason, as a websocket has it in its Close frame."""
        self._carrier.close_soon(SHUTDOWN)
        return True


class _Messages:
    """The body of a response: the messages of one client. The connection lasts while the body is being read."""

    def __init__(self, fallbacks: Fallbacks, carrier: StreamCarrier, key: str, before: str, after: str) -> None:
        self._fallbacks = fallbacks
        self._carrier = carrier
        self._key = key
        self._before = before
        self._after = after

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._read()

    async def _read(self) -> AsyncGenerator[bytes, None]:
        task = asyncio.get_running_loop().create_task(self._fallbacks.run(self._carrier, self._key))
        try:
            async for message in self._carrier.messages():
                if isinstance(message, bytes):
                    # Each message comes after its length.
                    yield message
                    continue
                # One frame may contain several messages, each on a line.
                for line in message.split("\n"):
                    yield f"{self._before}{line}{self._after}".encode()
        finally:
            self._carrier.end(*CONNECTION_CLOSED)
            await asyncio.shield(task)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        abort(400, "expected commands in JSON")
