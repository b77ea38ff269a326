"""From a checked upgrade request to a running websocket, or to its refusal."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from ..config import WebsocketSettings
from ..datastructures import Headers
from ..errors import HandshakeError
from ..websockets.websocket import Websocket
from ..wire.deflate import agree_on_deflate
from ..wire.deflater import Deflater
from ..wire.extensions import Extension, parse_extensions
from ..wire.handshake import Upgrade
from ..wire.inflater import Inflater
from .field_pool import pooled
from .process_state import ProcessState
from .websocket_protocol import WebsocketProtocol


@dataclass(slots=True)
class Opening:
    """An upgrade request, as the HTTP protocol hands it over.

    Attributes:
        transport: the transport of the connection.
        upgrade: the checked handshake.
        headers: pairs of lower-case name and value.
        target: the request target, as `/path?query`.
        client: address and port of the client.
        secure: whether the client came by TLS.
        early: what came behind the request in the same read.
    """

    transport: asyncio.Transport
    upgrade: Upgrade
    headers: list[tuple[bytes, bytes]]
    target: bytes
    client: tuple[str, int] | None
    secure: bool
    early: bytes


def open_websocket(process: ProcessState, opening: Opening) -> None:
    """Hand the transport to a websocket of the route that matches.

    Arguments:
        process: what the connections of this process share.
        opening: the upgrade request.

    Raises:
        HandshakeError: no route matches, the page that asks may not connect, or the offered extensions cannot be read.
    """
    raw_path, _, query_string = opening.target.partition(b"?")
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace")
    headers = Headers(pooled(opening.headers))
    scheme = "wss" if opening.secure else "ws"
    # Not that of the handshake: a proxy may have told another one.
    host = headers.get("host", "").strip()
    match = process.table.websockets.match(path, scheme=scheme, host=host)
    route = match.endpoint
    if route is None:
        raise HandshakeError(404, "Not Found")
    # Before the application runs: a page elsewhere could use the cookies of its visitor (RFC 6455, 10.2).
    refusal = route.refuse_origin(opening.upgrade.origin, scheme=scheme, host=host)
    if refusal is not None:
        raise HandshakeError(403, refusal)
    # Read for every route: whoever offers what is not an extension must not be let in (RFC 6455, 9.1).
    offers = parse_extensions(opening.upgrade.extensions)
    settings = route.settings
    protocol = WebsocketProtocol(process.loop, opening.transport, opening.upgrade, settings, process, opening.target)
    websocket = Websocket(
        scheme=scheme,
        path=path,
        query_string=query_string,
        headers=headers,
        client=opening.client,
        subprotocols=opening.upgrade.subprotocols,
        connection=protocol,
        inbox=protocol.inbox,
    )
    if offers and settings.compression is not None:
        _compress(protocol, offers, settings)
    opening.transport.set_protocol(protocol)
    process.connections.add(protocol)
    process.sweep.add(protocol, settings.shortest_deadline)
    protocol.start(route, websocket, match.arguments, opening.early)


def _compress(protocol: WebsocketProtocol, offers: list[Extension], settings: WebsocketSettings) -> None:
    """Let messages be compressed, if the client offers it in a way that can be kept (RFC 7692, 5)."""
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
