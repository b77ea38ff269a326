"""What a case is: the bytes that a client sends, and what RFC 6455 wants to happen then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.wire.frame_maker import CLOSE, MASK, client_frame, close_payload

Message = str | bytes

# Section 4.1, the fields of an opening handshake; the key is the one of the example in 1.3.
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
FIELDS = {
    b"Host": b"localhost",
    b"Upgrade": b"websocket",
    b"Connection": b"Upgrade",
    b"Sec-WebSocket-Key": KEY,
    b"Sec-WebSocket-Version": b"13",
}


@dataclass(frozen=True, slots=True)
class Handshake:
    """An opening handshake.

    Attributes:
        name: what it shows.
        pieces: what the client sends, each piece read on its own.
        statuses: the HTTP statuses that are right; 101 opens the connection, and an echo must work then.
        fields: header fields that the answer must have, lower-case; `None` for one that it must not have.
        following: messages that were sent after the request in the same pieces.
    """

    name: str
    pieces: Sequence[bytes]
    statuses: frozenset[int]
    fields: Mapping[str, str | None] = field(default_factory=dict)
    following: Sequence[Message] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """Frames after a good handshake.

    Attributes:
        name: what it shows.
        pieces: what the client sends, each piece read on its own.
        messages: what the application must get; all of it comes back while the connection stays open.
        pongs: the payloads of the Pings; a Pong must come back for the last one, and may for those before (5.5.3).
        close: the codes with which the server may end the connection, 1005 for none; empty when it must stay open
            until the client closes.
        reason: the reason in the Close frame of the server, where it matters.
        after: what the client sends once the Close frame of the server is there, before its own.
        path: where to connect.
        offer: what the client sends as Sec-WebSocket-Extensions.
        agreed: what the server must answer to the offer, in any order; `None` for no extension.
        replies: what must come back when that is not `messages`.
    """

    name: str
    pieces: Sequence[bytes]
    messages: Sequence[Message] = ()
    pongs: Sequence[bytes] = ()
    close: frozenset[int] = frozenset()
    reason: str | None = None
    after: bytes = b""
    path: str = "/"
    offer: str | None = None
    agreed: str | None = None
    replies: Sequence[Message] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """The cases of one section of an RFC."""

    number: str
    title: str
    cases: Sequence[Handshake | Exchange]


def request(
    changes: Mapping[bytes, bytes | None] | None = None, *more: bytes, line: bytes = b"GET /plain HTTP/1.1"
) -> bytes:
    """Return the head of an upgrade request.

    Arguments:
        changes: values by name; `None` leaves the field out.
        more: whole lines after the fields.
        line: the request line.
    """
    fields = {**FIELDS, **(changes or {})}
    lines = [line, *(name + b": " + value for name, value in fields.items() if value is not None), *more]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def cut(data: bytes, size: int) -> list[bytes]:
    """Cut a stream into pieces of a size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def fragmented(opcode: int, pieces: Sequence[bytes], *, between: bytes = b"", mask: bytes = MASK) -> bytes:
    """Return a message in fragments, with frames between each two of them."""
    frames = [
        client_frame(0 if index else opcode, piece, fin=index == len(pieces) - 1, mask=mask)
        for index, piece in enumerate(pieces)
    ]
    return between.join(frames)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """Return a Close frame of the client."""
    return client_frame(CLOSE, close_payload(code, reason))


def codes(*allowed: int) -> frozenset[int]:
    """Return a set of close codes or HTTP statuses."""
    return frozenset(allowed)
