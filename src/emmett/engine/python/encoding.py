"""Encoding of messages (RFC 6455, 5.2); `_native/encoding.c` is the same in C."""

from __future__ import annotations

from ..header import LENGTH_16, OP_BINARY, OP_TEXT, encode_header
from ..messages import Data

# The headers of small frames, computed once: a lookup costs a tenth of `encode_header`.
_SMALL_TEXT = tuple(encode_header(OP_TEXT, length) for length in range(LENGTH_16))
_SMALL_BINARY = tuple(encode_header(OP_BINARY, length) for length in range(LENGTH_16))


def encode_message(message: Data) -> bytes:
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


def _encode_other(message: Data) -> bytes:
    if isinstance(message, (bytes, bytearray, memoryview)):
        payload = bytes(message)
        length = len(payload)
        if length < LENGTH_16:
            return _SMALL_BINARY[length] + payload
        return encode_header(OP_BINARY, length) + payload
    if isinstance(message, str):
        return encode_message(str.__str__(message))
    raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}; send_json() sends data as JSON")
