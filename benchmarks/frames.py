"""The bytes that the load generator sends, and those that must come back.

Built without the project's own code and without any websocket library, so that no contestant checks itself.
"""

from __future__ import annotations

from dataclasses import dataclass

FINAL_TEXT = 0x81
FINAL_CLOSE = 0x88
COMPRESSED = 0x40
MASKED = 0x80


@dataclass(frozen=True, slots=True)
class Batch:
    """So many messages, written in one piece, and what the server must answer, byte for byte."""

    request: bytes
    reply: bytes
    messages: int


def client_frame(payload: bytes, masking_key: bytes, first_byte: int = FINAL_TEXT) -> bytes:
    """Return an unfragmented, masked frame (RFC 6455, section 5.2), of text unless its first byte says otherwise."""
    return _header(first_byte, len(payload), MASKED) + masking_key + _mask(payload, masking_key)


def server_frame(payload: bytes) -> bytes:
    """Return an unfragmented text frame as a server sends it (RFC 6455, section 5.2)."""
    return _header(FINAL_TEXT, len(payload), 0) + payload


def echo_batch(connection: int, messages: int, size: int, *, websocket: bool) -> Batch:
    """Return what one connection sends again and again: so many messages with a payload of so many bytes.

    Every message of every connection has a text and a masking key of its own, so that a swapped, lost or doubled
    message shows. Without `websocket` the same bytes come back, not frames of a server.
    """
    payloads = [text_payload(connection, index, size) for index in range(messages)]
    request = client_batch(payloads, connection * messages)
    reply = b"".join(map(server_frame, payloads)) if websocket else request
    return Batch(request, reply, messages)


def client_batch(payloads: list[bytes], first_key: int) -> bytes:
    """Return masked text frames, each with a masking key of its own, numbered from the first."""
    return b"".join(client_frame(payload, masking_key(first_key + i)) for i, payload in enumerate(payloads))


def text_payload(connection: int, index: int, size: int) -> bytes:
    """Return the text of one message, `size` bytes that no other message has."""
    text = b"%d/%d " % (connection, index)
    return (text * (size // len(text) + 1))[:size]


def masking_key(number: int) -> bytes:
    """Return the masking key of a number; different numbers below 2**32 have different keys, none is zero."""
    # An odd factor is a bijection modulo 2**32.
    return ((number + 1) * 0x9E3779B1 & 0xFFFFFFFF).to_bytes(4)


def split_frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Take the whole frames of a server off some bytes.

    Returns:
        First byte and payload of each frame, and what is left, the beginning of another one.

    Raises:
        ValueError: a frame is masked, which a server's must not be.
    """
    frames: list[tuple[int, bytes]] = []
    position = 0
    while len(data) - position >= 2:
        first, length, start = data[position], data[position + 1], position + 2
        if length & MASKED:
            raise ValueError(f"the server sent a masked frame: {data[position : position + 16]!r}")
        if length >= 126:
            size = 2 if length == 126 else 8
            length = int.from_bytes(data[start : start + size])
            start += size
        if len(data) < start + length:
            break
        frames.append((first, data[start : start + length]))
        position = start + length
    return frames, data[position:]


def _header(first_byte: int, length: int, mask_bit: int) -> bytes:
    if length < 126:
        return bytes((first_byte, mask_bit | length))
    if length < 1 << 16:
        return bytes((first_byte, mask_bit | 126)) + length.to_bytes(2)
    return bytes((first_byte, mask_bit | 127)) + length.to_bytes(8)


def _mask(payload: bytes, key: bytes) -> bytes:
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(repeated)).to_bytes(len(payload))
