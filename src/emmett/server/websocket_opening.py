"""From a checked upgrade request to a running websocket, or to its refusal."""

from __future__ import annotations

import asyncio
import functools
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from ..config import WebsocketSettings
from ..datastructures import Headers
from ..dispatch import find_websocket
from ..errors import HandshakeError, RequestError
from ..pacing import HANDSHAKE_GRACE
from ..websockets.websocket import Websocket
from ..wire.extensions import Extension, parse_extensions
from ..wire.handshake import Upgrade
from ..wire.inflater import Inflater
from .metering import MeteredProtocol, MeteredTransport
from .process_state import ProcessState
from .websocket_protocol import WebsocketProtocol

# The longest path, in bytes, whose objects are shared among connections.
SHARED_PATH = 128


class UpgradeRequest(NamedTuple):
    """An upgrade request from the HTTP protocol.

    Attributes:
        transport: the transport of the connection.
        upgrade: the checked handshake.
        headers: pairs of lower-case name and value.
        target: the request target, as `/path?query`.
        client: address and port of the client.
        secure: whether the client uses TLS.
        early: the bytes after the request in the same read.
    """

    transport: asyncio.Transport
    upgrade: Upgrade
    headers: list[tuple[bytes, bytes]]
    target: bytes
    client: tuple[str, int] | None
    secure: bool
    early: bytes


def open_websocket(process: ProcessState, request: UpgradeRequest) -> None:
    """Pass the transport to a websocket of the matching route, or to one that refuses the handshake.

    Arguments:
        process: the state that the connections of this process share.
        request: the upgrade request.
    """
    raw_path, question_mark, query_string = request.target.partition(b"?")
    raw_path, path = (_decode_shared_path if len(raw_path) <= SHARED_PATH else _decode_path)(raw_path)
    target = request.target if question_mark else raw_path
    # Their host is not always that of the handshake: a proxy may report a different one.
    headers = Headers(request.headers)
    scheme = "wss" if request.secure else "ws"
    refusal: RequestError | None = None
    settings = process.table.config.websocket
    offers: list[Extension] = []
    try:
        route, arguments = find_websocket(process.table, scheme=scheme, path=path, headers=headers)
        settings = route.settings
        # Parsed for every route: the handshake must fail if an offer is malformed (RFC 6455, 9.1).
        if request.upgrade.extensions:
            offers = parse_extensions(request.upgrade.extensions)
    except HandshakeError as error:
        # The exception would keep its traceback, and with it this frame.
        refusal = error.with_traceback(None)
    protocol = _make_protocol(process, request, target, settings)
    websocket = Websocket(
        scheme=scheme,
        path=path,
        query_string=query_string,
        headers=headers,
        client=request.client,
        subprotocols=request.upgrade.subprotocols,
        connection=protocol,
        inbox=protocol.inbox,
    )
    websocket.number = protocol.number
    request.transport.set_protocol(protocol)
    process.connections[protocol] = None
    process.sweep.begin(settings.shortest_deadline)
    if refusal is not None:
        protocol.reject(websocket, refusal)
        return
    if offers and settings.compression is not None:
        _compress(protocol, offers, settings)
    protocol.start(route, websocket, arguments, request.early)
    if process.is_stopping:
        # Its client connected just before the server stopped: it is served for a moment, and then asked to come back.
        process.loop.call_later(HANDSHAKE_GRACE, protocol.shutdown)


def _decode_path(raw: bytes) -> tuple[bytes, str]:
    """Return a path and its text."""
    return raw, (unquote_to_bytes(raw) if b"%" in raw else raw).decode("utf-8", "replace")


# Returns the same objects for equal paths: each of thousands of connections would keep its own.
_decode_shared_path = functools.lru_cache(maxsize=256)(_decode_path)


def _make_protocol(
    process: ProcessState, request: UpgradeRequest, target: bytes, settings: WebsocketSettings
) -> WebsocketProtocol:
    transport = request.transport
    if process.observers.counts_bytes:
        transport = MeteredTransport(transport)
        metered = MeteredProtocol(process.loop, transport, request.upgrade, settings, process, target)
        metered.count_early(request.early)
        return metered
    return WebsocketProtocol(process.loop, transport, request.upgrade, settings, process, target)


def _compress(protocol: WebsocketProtocol, offers: list[Extension], settings: WebsocketSettings) -> None:
    """Enable compression, if the client makes an acceptable offer (RFC 7692, 5)."""
    # Imported here: by default nothing is compressed.
    from ..wire.deflate import agree_on_deflate
    from ..wire.deflater import Deflater

    agreement = agree_on_deflate(
        offers,
        window_bits=settings.compression_window_bits,
        context_takeover=settings.compression_context_takeover,
    )
    if agreement is None:
        return
    inflater = Inflater(
        window_bits=agreement.client_window_bits,
        context_takeover=agreement.client_takeover,
        max_size=settings.max_message_size,
    )
    deflater = Deflater(
        window_bits=agreement.server_window_bits,
        context_takeover=agreement.server_takeover,
        memory_level=settings.compression_memory_level,
        min_size=settings.compression_min_size,
    )
    protocol.compress(agreement.answer, inflater, deflater)
