"""The form of a case: the bytes that a client sends, and the result that RFC 6455 requires."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.wire.frame_maker import CLOSE, MASK, client_frame, close_payload

Message = str | bytes

# The fields of an opening handshake (section 4.1); the key is that of the example in 1.3.
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
        name: the description of the case.
        pieces: the bytes that the client sends; the server reads each piece separately.
        statuses: the allowed HTTP statuses; after 101 the connection is open, and an echo must work.
        fields: header fields that the answer must have, in lower case; `None` for one that it must not have.
        following: messages that are sent after the request, in the same pieces.
    """

    name: str
    pieces: Sequence[bytes]
    statuses: frozenset[int]
    fields: Mapping[str, str | None] = field(default_factory=dict)
    following: Sequence[Message] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """Frames after a valid handshake.

    Attributes:
        name: the description of the case.
        pieces: the bytes that the client sends; the server reads each piece separately.
        messages: the messages that the application must receive; it echoes all of them while the connection is open.
        pongs: the payloads of the Pings; the last one must be answered with a Pong, earlier ones may be (5.5.3).
        close: the close codes that the server may use, 1005 for no code; empty if the connection must stay open until
            the client closes it.
        reason: the reason in the server's Close frame; `None` for any.
        after: the bytes that the client sends after the server's Close frame, before its own.
        path: the path to connect to.
        offer: the client's value of Sec-WebSocket-Extensions.
        agreed: the server's answer to the offer, in any order; `None` for no extension.
        replies: the messages that must come back if these differ from `messages`.
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
        changes: values by name; `None` omits the field.
        more: whole lines after the fields.
        line: the request line.
    """
    fields = {**FIELDS, **(changes or {})}
    lines = [line, *(name + b": " + value for name, value in fields.items() if value is not None), *more]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def cut(data: bytes, size: int) -> list[bytes]:
    """Return a stream in pieces of a size."""
    return [data[start : start + size] for start in range(0, len(data), size)]


def fragmented(opcode: int, pieces: Sequence[bytes], *, between: bytes = b"", mask: bytes = MASK) -> bytes:
    """Return a message in fragments, with frames in between."""
    frames = [
        client_frame(0 if index else opcode, piece, fin=index == len(pieces) - 1, mask=mask)
        for index, piece in enumerate(pieces)
    ]
    return between.join(frames)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """Return a Close frame from the client."""
    return client_frame(CLOSE, close_payload(code, reason))


def codes(*allowed: int) -> frozenset[int]:
    """Return a set of close codes or HTTP statuses."""
    return frozenset(allowed)
