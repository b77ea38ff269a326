"""Inflating what a peer compressed (RFC 7692, 7.2.2), bounded while it happens."""

from __future__ import annotations

import zlib

from ..errors import FrameError
from .close import CloseCode
from .deflate import LEAST_ZLIB_BITS

# Bytes given to zlib and taken from it at a time. What it did not use is copied, so large pieces would cost the square
# of the message; and a message over the limit never exists as a whole.
_INPUT_STEP = 16 * 1024
_OUTPUT_STEP = 64 * 1024
# Blocks that end a DEFLATE stream in a message. No sender needs more than one; each makes zlib start anew.
_MAX_STREAMS = 16

_TAIL = b"\x00\x00\xff\xff"
# What a sender cuts off is the length of an empty stored block. With the length and content of a block of one byte in
# its place, exactly this byte comes out: unless the data does not end where a sender may cut.
_PROBE = b"\x01\x00\xfe\xffZ"
_PROBED = b"Z"


class Inflater:
    """Inflates the messages of one direction of one connection.

    Arguments:
        window_bits: base-2 logarithm of the sender's window, 8 to 15.
        context_takeover: whether messages refer to the ones before them.
        max_size: bytes that a message may have when it is inflated.

    Nothing is allocated before the first compressed message; between messages it keeps a window only with takeover.
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
        # There are senders that use 9 bits where 8 were agreed on: zlib knows no less.
        self._window_bits = max(window_bits, LEAST_ZLIB_BITS)
        self._context_takeover = context_takeover
        self._max_size = max_size
        # Compressed bytes in a message. What cannot be compressed grows by up to an eighth and some bytes.
        self.max_wire_size = max_size + max_size // 4 + 1024
        self._stream: zlib._Decompress | None = None
        self._discarding = False
        # Of the message that is being inflated: bytes so far, streams that ended in it, whether any data came.
        self._size = 0
        self._streams = 0
        self._begun = False

    def inflate(self, data: bytes, final: bool) -> bytes:
        """Inflate the payload of one frame.

        Arguments:
            data: the payload.
            final: whether the message ends with it.

        Raises:
            FrameError: 1009 when the message takes more than `max_size` bytes, noticed within one byte of it; 1007 when
                the data is corrupt or cut. Do not use the inflater any more.
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
        """Inflate no more: nobody wants the messages that still come. What comes out is empty from now on."""
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
                # The sender has ended its stream, as it may; what follows is a new one (RFC 7692, 7.2.3.4).
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
                # A full piece may not be all: zlib holds back what had no room.
                if not data and len(piece) < room:
                    return

    def _finish(self) -> None:
        """Check that the message ends where it may, and make ready for the next one."""
        stream = self._stream
        # Without any data the message is empty: zlib says nothing at all to the second of two flushes.
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
