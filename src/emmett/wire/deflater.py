"""Compressing what a server sends (RFC 7692, 7.2.1): messages to compressed frames."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Protocol

from .deflate import LEAST_ZLIB_BITS
from .encoding import encode_header
from .frames import OP_BINARY, OP_TEXT, RSV1

Message = str | bytes | bytearray | memoryview

# What a flush ends with, and a sender cuts off.
_TAIL_SIZE = 4


class _Compressor(Protocol):
    """What zlib and isal have in common."""

    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: int = ..., /) -> bytes: ...


_fast_compressor: Callable[[int, int, int, int], _Compressor] | None
try:
    from isal.isal_zlib import compressobj
except ImportError:
    # It is optional: pip install isal.
    _fast_compressor = None
else:
    _fast_compressor = compressobj


class Deflater:
    """Makes the frames of one direction of one connection, compressed or not.

    Arguments:
        window_bits: base-2 logarithm of the window, 8 to 15.
        context_takeover: whether messages may refer to the ones before them. Then each frame must be written, and in
            the order in which they were made: the peer inflates with the same history.
        memory_level: how much memory zlib takes for its tables, 1 to 9.
        min_size: bytes under which a message is not compressed.

    Nothing is allocated before the first message to compress. Without context takeover a connection keeps nothing.
    """

    __slots__ = ("_compressor", "_memory_level", "_min_size", "_shared", "_window_bits")

    def __init__(self, *, window_bits: int, context_takeover: bool, memory_level: int, min_size: int) -> None:
        self._window_bits = max(window_bits, LEAST_ZLIB_BITS)
        self._memory_level = memory_level
        # There is nothing to compress in an empty message.
        self._min_size = max(min_size, 1)
        self._shared = None if context_takeover else _shared_compressor(self._window_bits, memory_level)
        self._compressor: _Compressor | None = None

    def encode(self, message: Message) -> bytes:
        """Return the frame that carries a message; as `frames.encode_message`, but compressed where it should be.

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
    """A compressor for all connections that keep no context: each message leaves it as it was before."""

    def __init__(self, window_bits: int, memory_level: int) -> None:
        self._window_bits = window_bits
        self._memory_level = memory_level
        # One compressor, taken out while it works: an event loop in another thread makes its own meanwhile. One that an
        # exception interrupted does not come back.
        self._idle: list[_Compressor] = []
        # The latest message and its frame: one that goes to many connections is compressed once.
        self._latest: tuple[Message, bytes] = ("", b"")

    def encode(self, message: Message, opcode: int, payload: bytes) -> bytes:
        known, frame = self._latest
        if known is message:
            return frame
        try:
            compressor = self._idle.pop()
        except IndexError:
            compressor = _new_compressor(self._window_bits, self._memory_level)
        # A full flush forgets all that came before, and costs less than a new compressor.
        deflated = (compressor.compress(payload) + compressor.flush(zlib.Z_FULL_FLUSH))[:-_TAIL_SIZE]
        self._idle.append(compressor)
        if len(deflated) < len(payload):
            frame = encode_header(opcode | RSV1, len(deflated)) + deflated
        else:
            frame = encode_header(opcode, len(payload)) + payload
        # What can be changed may not be the same next time.
        if isinstance(message, (str, bytes)):
            self._latest = message, frame
        return frame


@cache
def _shared_compressor(window_bits: int, memory_level: int) -> _SharedCompressor:
    return _SharedCompressor(window_bits, memory_level)


def _new_compressor(window_bits: int, memory_level: int) -> _Compressor:
    # Of 9 bits isal uses all, zlib no more than 8, which is what they stand for when a peer asked for 8.
    if _fast_compressor is not None and window_bits > LEAST_ZLIB_BITS:
        # Its level 1 gives what zlib's 6 does, in a quarter of the time.
        return _fast_compressor(1, zlib.DEFLATED, -window_bits, memory_level)
    return zlib.compressobj(wbits=-window_bits, memLevel=memory_level)


def _split(message: Message) -> tuple[int, bytes]:
    """Return opcode and payload of a message."""
    if isinstance(message, str):
        return OP_TEXT, message.encode()
    if isinstance(message, (bytes, bytearray, memoryview)):
        return OP_BINARY, bytes(message)
    raise TypeError(f"a message is str or bytes-like, not {type(message).__name__}; send_json() sends data as JSON")
