"""The other side of permessage-deflate, on bare zlib, for tests."""

from __future__ import annotations

import zlib
from itertools import pairwise

from tests.wire.frame_maker import CONTINUATION, TEXT, client_frame

TAIL = b"\x00\x00\xff\xff"
RSV1 = 4
BOMB_STEP = 1 << 20


class Peer:
    """Compresses and inflates like a peer that uses zlib.

    Arguments:
        window_bits: for both directions, 8 to 15; zlib can inflate with 8 bits, but deflates with no less than 9.
        takeover: whether it keeps its context from message to message, in both directions.
        level, memory_level, strategy: as `zlib.compressobj` takes them.
    """

    def __init__(
        self,
        *,
        window_bits: int = 15,
        takeover: bool = True,
        level: int = zlib.Z_DEFAULT_COMPRESSION,
        memory_level: int = zlib.DEF_MEM_LEVEL,
        strategy: int = zlib.Z_DEFAULT_STRATEGY,
    ) -> None:
        self.window_bits = window_bits
        self.takeover = takeover
        self.level = level
        self.memory_level = memory_level
        self.strategy = strategy
        self._compressor = self._new_compressor()
        self._inflater = zlib.decompressobj(-window_bits)

    def _new_compressor(self) -> zlib._Compress:
        return zlib.compressobj(
            self.level,
            wbits=-max(self.window_bits, 9),
            memLevel=self.memory_level,
            strategy=self.strategy,
        )

    def compress(self, message: bytes) -> bytes:
        """Return the payload of a compressed message (RFC 7692, 7.2.1)."""
        if not self.takeover:
            self._compressor = self._new_compressor()
        data = self._compressor.compress(message) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        return data.removesuffix(TAIL)

    def inflate(self, payload: bytes) -> bytes:
        """Return the message of a compressed payload (RFC 7692, 7.2.2)."""
        if not self.takeover:
            self._inflater = zlib.decompressobj(-self.window_bits)
        return self._inflater.decompress(payload + TAIL)

    def read_frame(self, frame: bytes) -> bytes:
        """Return the message of a server's frame, compressed or not."""
        assert frame[0] & 0x80, "not final"
        assert not frame[0] & 0x30, "an unknown reserved bit"
        start = {126: 4, 127: 10}.get(frame[1], 2)
        return self.inflate(frame[start:]) if frame[0] & 0x40 else frame[start:]


def compressed_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return one client frame with a compressed payload."""
    return client_frame(opcode, payload, rsv=RSV1)


def compressed_fragments(payload: bytes, cuts: list[int], opcode: int = TEXT) -> list[bytes]:
    """Return the frames of one compressed message, cut at these places of its payload."""
    edges = [0, *sorted(cuts), len(payload)]
    pieces = [payload[start:stop] for start, stop in pairwise(edges)]
    return [
        client_frame(CONTINUATION if index else opcode, piece, fin=index == len(pieces) - 1, rsv=0 if index else RSV1)
        for index, piece in enumerate(pieces)
    ]


def bomb(size: int) -> bytes:
    """Return the payload that inflates to a number of zero bytes: about a thousandth of it.

    Each step is flushed, so all whole steps are the same bytes: only one of them is compressed.
    """
    whole, rest = divmod(size, BOMB_STEP)
    return (_flushed(BOMB_STEP) * whole + _flushed(rest)).removesuffix(TAIL)


def _flushed(size: int) -> bytes:
    compressor = zlib.compressobj(9, wbits=-15)
    return compressor.compress(bytes(size)) + compressor.flush(zlib.Z_FULL_FLUSH) if size else b""
