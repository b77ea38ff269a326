"""Inflation of compressed messages (RFC 7692, 7.2.2), with the size limit enforced during inflation."""

from __future__ import annotations

import zlib

from ..errors import FrameError
from .close import CloseCode
from .deflate import LEAST_ZLIB_BITS

# Bytes passed to zlib and taken from it at a time. Unused input is copied, so large pieces would cost the square of the
# message; and a message over the limit never exists as a whole.
_INPUT_STEP = 16 * 1024
_OUTPUT_STEP = 64 * 1024
# Blocks that end a DEFLATE stream in a message. No sender needs more than one; each makes zlib start a new stream.
_MAX_STREAMS = 16

_TAIL = b"\x00\x00\xff\xff"
# The bytes that a sender removes are the length of an empty stored block. Replaced by the length and content of a block
# of one byte, they inflate to exactly this byte, unless the data does not end where a sender may cut it.
_PROBE = b"\x01\x00\xfe\xffZ"
_PROBED = b"Z"


class Inflater:
    """Inflates the messages of one direction of one connection.

    Arguments:
        window_bits: base-2 logarithm of the sender's window, 8 to 15.
        context_takeover: whether messages may refer to earlier ones.
        max_size: the largest size of an inflated message, in bytes.

    Nothing is allocated before the first compressed message. Only with takeover is a window kept between messages.
    """

    __slots__ = (
        "_begun",
        "_context_takeover",
        "_discarding",
        "_max_size",
        "_size",
        "_stream",
        "_streams",
        "_window_bits",
        "max_wire_size",
    )

    def __init__(self, *, window_bits: int, context_takeover: bool, max_size: int) -> None:
        # Some senders use 9 bits after agreeing on 8, because zlib supports no fewer.
        self._window_bits = max(window_bits, LEAST_ZLIB_BITS)
        self._context_takeover = context_takeover
        self._max_size = max_size
        # Compressed bytes in a message. Incompressible data grows by up to an eighth and some bytes.
        self.max_wire_size = max_size + max_size // 4 + 1024
        self._stream: zlib._Decompress | None = None
        self._discarding = False
        # About the current message: bytes so far, streams that ended in it, whether any data has arrived.
        self._size = 0
        self._streams = 0
        self._begun = False

    def inflate(self, data: bytes, final: bool) -> bytes:
        """Inflate the payload of one frame.

        Arguments:
            data: the payload.
            final: whether this frame ends the message.

        Raises:
            FrameError: 1009 if the message exceeds `max_size` bytes, detected one byte over the limit; 1007 if the data
                is corrupt or truncated. Do not use the inflater after an error.
        """
        if self._discarding:
            return b""
        pieces: list[bytes] = []
        try:
            if len(data) <= _INPUT_STEP:
                if data:
                    self._feed(data, pieces)
            else:
                for start in range(0, len(data), _INPUT_STEP):
                    self._feed(data[start : start + _INPUT_STEP], pieces)
            if final:
                self._finish()
        except zlib.error:
            raise FrameError(CloseCode.INVALID_DATA, "compressed data is corrupt") from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def discard(self) -> None:
        """Stop inflating, because further messages are not needed. `inflate` returns nothing from now on."""
        self._discarding = True
        self._stream = None

    def _feed(self, data: bytes, pieces: list[bytes]) -> None:
        self._begun = True
        while True:
            stream = self._stream
            if stream is None:
                stream = self._stream = zlib.decompressobj(-self._window_bits)
            room = min(self._max_size + 1 - self._size, _OUTPUT_STEP)
            piece = stream.decompress(data, room)
            if piece:
                self._size += len(piece)
                if self._size > self._max_size:
                    raise FrameError(CloseCode.MESSAGE_TOO_BIG, f"message over {self._max_size} bytes when inflated")
                pieces.append(piece)
            if stream.eof:
                # The sender may end its stream; the following data begins a new one (RFC 7692, 7.2.3.4).
                self._streams += 1
                if self._streams > _MAX_STREAMS:
                    raise FrameError(
                        CloseCode.INVALID_DATA, f"more than {_MAX_STREAMS} final blocks in a compressed message"
                    )
                data = stream.unused_data
                self._stream = None
                if not data:
                    return
            else:
                data = stream.unconsumed_tail
                # After a full piece zlib may hold back more output.
                if not data and len(piece) < room:
                    return

    def _finish(self) -> None:
        """Check that the message ends at a valid point, and prepare for the next one."""
        stream = self._stream
        # Without any data the message is empty: zlib produces no output for the second of two flushes.
        if stream is not None and self._begun:
            probe = stream.copy() if self._context_takeover else stream
            if probe.decompress(_PROBE, len(_PROBE)) != _PROBED:
                raise FrameError(CloseCode.INVALID_DATA, "compressed data is cut")
            if self._context_takeover:
                stream.decompress(_TAIL)
                if stream.eof:
                    self._stream = None
        if not self._context_takeover:
            self._stream = None
        self._size = 0
        self._streams = 0
        self._begun = False
