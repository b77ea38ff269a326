"""The bytes that the load generator sends, and those that must come back.

Built without the project's own code and without any websocket library, so that no contestant checks itself.
"""

from __future__ import annotations

from dataclasses import dataclass

FINAL_TEXT = 0x81
MASKED = 0x80


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages that are written in one piece.

    Attributes:
        request: what the client writes.
        reply: what the server must answer, byte for byte.
        messages: how many messages each of the two holds, all of the same size.
    """

    request: bytes
    reply: bytes
    messages: int


def client_frame(payload: bytes, masking_key: bytes) -> bytes:
    """Return an unfragmented, masked text frame (RFC 6455, section 5.2).

    Raises:
        ValueError: the masking key is not four bytes long.
    """
    if len(masking_key) != 4:
        raise ValueError(f"a masking key has 4 bytes, this one has {len(masking_key)}")
    return _header(len(payload), MASKED) + masking_key + _mask(payload, masking_key)


def server_frame(payload: bytes) -> bytes:
    """Return an unfragmented text frame as a server sends it (RFC 6455, section 5.2)."""
    return _header(len(payload), 0) + payload


def echo_batch(connection: int, messages: int, size: int, *, websocket: bool) -> Batch:
    """Build what one connection sends again and again.

    Every message of every connection has a text and a masking key of its own, so that a swapped, lost or doubled
    message shows.

    Arguments:
        connection: number of the connection.
        messages: how many messages the batch holds.
        size: payload of a message in bytes.
        websocket: whether a websocket server answers, with frames; otherwise the same bytes come back.
    """
    payloads = [_payload(connection, index, size) for index in range(messages)]
    keys = [_masking_key(connection * messages + index) for index in range(messages)]
    request = b"".join(map(client_frame, payloads, keys))
    reply = b"".join(map(server_frame, payloads)) if websocket else request
    return Batch(request, reply, messages)


def _header(length: int, mask_bit: int) -> bytes:
    if length < 126:
        return bytes((FINAL_TEXT, mask_bit | length))
    if length < 1 << 16:
        return bytes((FINAL_TEXT, mask_bit | 126)) + length.to_bytes(2)
    return bytes((FINAL_TEXT, mask_bit | 127)) + length.to_bytes(8)


def _mask(payload: bytes, key: bytes) -> bytes:
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))


def _payload(connection: int, index: int, size: int) -> bytes:
    text = b"%d/%d " % (connection, index)
    return (text * (size // len(text) + 1))[:size]


def _masking_key(number: int) -> bytes:
    # An odd factor maps different numbers to different keys, and never a positive one below 2**32 to zero.
    return ((number + 1) * 0x9E3779B1 & 0xFFFFFFFF).to_bytes(4)
