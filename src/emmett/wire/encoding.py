"""Encoding of the frames that a server sends (RFC 6455, section 5): final and unmasked. `deflater` compresses."""

from __future__ import annotations

import struct

from .frames import FIN, LENGTH_16, LENGTH_64, MAX_CONTROL_PAYLOAD, OP_BINARY, OP_TEXT

_pack_16 = struct.Struct(">BBH").pack
_pack_64 = struct.Struct(">BBQ").pack


def encode_header(opcode: int, length: int) -> bytes:
    """Return the header of a final, unmasked frame, as a server sends it (RFC 6455, 5.2).

    Arguments:
        opcode: the opcode of the frame, 0x0 to 0xF.
        length: the size of the payload in bytes.
    """
    first = FIN | opcode
    if length < LENGTH_16:
        return bytes((first, length))
    if length < 0x10000:
        return _pack_16(first, LENGTH_16, length)
    return _pack_64(first, LENGTH_64, length)


# The headers of small frames, computed once: a lookup costs a tenth of `encode_header`.
_SMALL_TEXT = tuple(encode_header(OP_TEXT, length) for length in range(LENGTH_16))
_SMALL_BINARY = tuple(encode_header(OP_BINARY, length) for length in range(LENGTH_16))


def encode_message(message: str | bytes | bytearray | memoryview) -> bytes:
    """Return the frame that carries a message: a text frame for `str`, a binary one for bytes-like data.

    Raises:
        TypeError: the message is neither.
    """
    if type(message) is str:
        payload = message.encode()
        length = len(payload)
        if length < LENGTH_16:
            return _SMALL_TEXT[length] + payload
        return encode_header(OP_TEXT, length) + payload
    return _encode_other(message)


def _encode_other(message: str | bytes | bytearray | memoryview) -> bytes:
    if isinstance(message, (bytes, bytearray, memoryview)):
        payload = bytes(message)
        length = len(payload)
        if length < LENGTH_16:
            return _SMALL_BINARY[length] + payload
        return encode_header(OP_BINARY, length) + payload
    if isinstance(message, str):
        return encode_message(str.__str__(message))
    raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}; send_json() sends data as JSON")


def encode_control(opcode: int, payload: bytes = b"") -> bytes:
    """Return a control frame: Ping, Pong or Close.

    Raises:
        ValueError: the payload is longer than 125 bytes (RFC 6455, 5.5).
    """
    if len(payload) > MAX_CONTROL_PAYLOAD:
        raise ValueError(f"a control frame carries at most {MAX_CONTROL_PAYLOAD} bytes, not {len(payload)}")
    return encode_header(opcode, len(payload)) + payload
