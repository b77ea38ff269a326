"""Compression of the messages that a server sends (RFC 7692, 7.2.1)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Protocol

from ..engine.header import OP_BINARY, OP_TEXT, encode_header
from .deflate import LEAST_ZLIB_BITS
from .frames import RSV1

Message = str | bytes | bytearray | memoryview

# Bytes at the end of a flush that a sender removes.
_TAIL_SIZE = 4


class _Compressor(Protocol):
    """The interface that zlib and isal share."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: int = ..., /) -> bytes: ...


_fast_compressor: Callable[[int, int, int, int], _Compressor] | None
try:
    from isal.isal_zlib import compressobj
except ImportError:
    # isal is optional: pip install isal.
    _fast_compressor = None
else:
    _fast_compressor = compressobj


class Deflater:
    """Encodes the frames of one direction of one connection, compressed or not.

    Arguments:
        window_bits: base-2 logarithm of the window, 8 to 15.
        context_takeover: whether messages may refer to earlier ones. If so, every frame must be written, in the order
            of encoding: the peer inflates with the same history.
        memory_level: how much memory zlib uses for its tables, 1 to 9.
        min_size: size in bytes from which messages are compressed.

    Nothing is allocated before the first message to compress. Without context takeover a connection keeps no state.
    """

    __slots__ = ("_compressor", "_memory_level", "_min_size", "_shared", "_window_bits")

    def __init__(self, *, window_bits: int, context_takeover: bool, memory_level: int, min_size: int) -> None:
        self._window_bits = max(window_bits, LEAST_ZLIB_BITS)
        self._memory_level = memory_level
        # An empty message has nothing to compress.
        self._min_size = max(min_size, 1)
        self._shared = None if context_takeover else _shared_compressor(self._window_bits, memory_level)
        self._compressor: _Compressor | None = None

    def encode(self, message: Message) -> bytes:
        """Return the frame that carries a message: as `encode_message`, but compressed from `min_size` on.

        Raises:
            TypeError: the message is neither `str` nor bytes-like.
        """
        opcode, payload = _split(message)
        if len(payload) < self._min_size:
            return encode_header(opcode, len(payload)) + payload
        if self._shared is not None:
            return self._shared.encode(message, opcode, payload)
        compressor = self._compressor
        if compressor is None:
            compressor = self._compressor = _new_compressor(self._window_bits, self._memory_level)
        deflated = (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-_TAIL_SIZE]
        return encode_header(opcode | RSV1, len(deflated)) + deflated


class _SharedCompressor:
    """A compressor for all connections without context takeover: no message changes its state."""

    def __init__(self, window_bits: int, memory_level: int) -> None:
        self._window_bits = window_bits
        self._memory_level = memory_level
        # A compressor is removed while it works, so an event loop in another thread creates its own. A compressor that
        # an exception interrupted is not put back.
        self._idle: list[_Compressor] = []
        # The latest message and its frame: a message for many connections is compressed once.
        self._latest: tuple[Message, bytes] = ("", b"")

    def encode(self, message: Message, opcode: int, payload: bytes) -> bytes:
        known, frame = self._latest
        if known is message:
            return frame
        try:
            compressor = self._idle.pop()
        except IndexError:
            compressor = _new_compressor(self._window_bits, self._memory_level)
        # A full flush discards the history, and costs less than a new compressor.
        deflated = (compressor.compress(payload) + compressor.flush(zlib.Z_FULL_FLUSH))[:-_TAIL_SIZE]
        self._idle.append(compressor)
        if len(deflated) < len(payload):
            frame = encode_header(opcode | RSV1, len(deflated)) + deflated
        else:
            frame = encode_header(opcode, len(payload)) + payload
        # A mutable buffer may have different contents next time.
        if isinstance(message, (str, bytes)):
            self._latest = message, frame
        return frame


@cache
def _shared_compressor(window_bits: int, memory_level: int) -> _SharedCompressor:
    return _SharedCompressor(window_bits, memory_level)


def _new_compressor(window_bits: int, memory_level: int) -> _Compressor:
    # With 9 bits isal uses the whole window. zlib stays within 8 bits, which matters because 9 may replace a peer's 8.
    if _fast_compressor is not None and window_bits > LEAST_ZLIB_BITS:
        # Level 1 of isal compresses as well as level 6 of zlib, in a quarter of the time.
        return _fast_compressor(1, zlib.DEFLATED, -window_bits, memory_level)
    return zlib.compressobj(wbits=-window_bits, memLevel=memory_level)


def _split(message: Message) -> tuple[int, bytes]:
    """Return opcode and payload of a message."""
    if isinstance(message, str):
        return OP_TEXT, message.encode()
    if isinstance(message, (bytes, bytearray, memoryview)):
        return OP_BINARY, bytes(message)
    raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}; send_json() sends data as JSON")
