"""Any compressed bytes give at most the limit or a `FrameError`, however they are cut; round trips preserve data."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterator

from emmett.errors import FrameError
from emmett.wire.deflater import Deflater
from emmett.wire.frames import RSV1
from emmett.wire.inflater import Inflater

_LIMITS = (1, 100, 4096, 200_000)
_TAIL = b"\x00\x00\xff\xff"


def check(data: bytes) -> None:
    """Inflate an input as messages of a peer, whole and in fragments; deflate and inflate it as messages to a peer.

    The first byte selects the parameters, the second the length of fragments; 0xAA 0x55 separates messages.

    Raises:
        AssertionError: the results differ, the limit was exceeded, or the round trip changed a message.
    """
    first, second = data[:2].ljust(2, b"\x00")
    window_bits, takeover, limit = 8 + first % 8, bool(first & 8), _LIMITS[first >> 4 & 3]
    messages = data[2:].split(b"\xaa\x55")
    whole = inflate(messages, 1 << 30, window_bits, takeover, limit)
    in_pieces = inflate(messages, 1 + second % 50, window_bits, takeover, limit)
    assert same(whole, in_pieces), f"whole {whole}, in pieces {in_pieces}"
    check_against_zlib(messages[0], window_bits, limit)
    check_round_trip(messages, window_bits, takeover, limit)


def same(whole: list[bytes | int], in_pieces: list[bytes | int]) -> bool:
    """Return whether two results agree.

    If a message is both corrupt and too long, it depends on the fragments which fault zlib finds first.
    """
    faults = {whole[-1], in_pieces[-1]}
    return whole == in_pieces or (faults == {1007, 1009} and whole[:-1] == in_pieces[:-1])


def inflate(messages: list[bytes], size: int, window_bits: int, takeover: bool, limit: int) -> list[bytes | int]:
    """Return the content of each message, and the code of the error that ended them."""
    inflater = Inflater(window_bits=window_bits, context_takeover=takeover, max_size=limit)
    results: list[bytes | int] = []
    try:
        for message in messages:
            fragments = [message[start : start + size] for start in range(0, len(message), size)] or [b""]
            out = b"".join(
                inflater.inflate(piece, index == len(fragments) - 1) for index, piece in enumerate(fragments)
            )
            assert len(out) <= limit, f"{len(out)} bytes where {limit} are allowed"
            results.append(out)
    except FrameError as error:
        assert error.code in (1007, 1009), error.code
        results.append(error.code)
    return results


def check_against_zlib(message: bytes, window_bits: int, limit: int) -> None:
    """Check an inflated message against zlib."""
    result = inflate([message], 1 << 30, window_bits, False, limit)[0]
    if not isinstance(result, bytes):
        return
    expected = b""
    rest = message
    while rest:
        stream = zlib.decompressobj(-max(window_bits, 9))
        expected += stream.decompress(rest) + stream.decompress(_TAIL if not stream.eof else b"")
        rest = stream.unused_data if stream.unused_data != _TAIL else b""
    assert result == expected, f"{result!r} is not {expected!r}"


def check_round_trip(messages: list[bytes], window_bits: int, takeover: bool, limit: int) -> None:
    """Check that messages that the server's side compresses are unchanged when inflated."""
    deflater = Deflater(window_bits=window_bits, context_takeover=takeover, memory_level=1, min_size=1)
    inflater = Inflater(window_bits=window_bits, context_takeover=takeover, max_size=1 << 20)
    for message in messages:
        frame = deflater.encode(message)
        start = {126: 4, 127: 10}.get(frame[1], 2)
        payload = inflater.inflate(frame[start:], True) if frame[0] & RSV1 else frame[start:]
        assert payload == message, f"{payload!r} is not {message!r}"


def seeds() -> Iterator[bytes]:
    """Yield compressed messages as seeds: whole, cut, doubled and followed by others."""
    dice = random.Random(1)
    texts = [b"", b"hello", b"a" * 5000, bytes(range(256)), b"\x00" * 60_000, dice.randbytes(300), b"ab" * 200]
    for number, text in enumerate(texts):
        for flush in (zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH, zlib.Z_FINISH):
            compressor = zlib.compressobj(level=number % 10, wbits=-9 - number % 7)
            first = (compressor.compress(text) + compressor.flush(flush)).removesuffix(_TAIL)
            for head in (0x07, 0x3F):
                for stream in (first, first[: len(first) // 2], first + b"\xaa\x55" + first, first + first):
                    if len(stream) < 1000:
                        yield bytes((head, number)) + stream
    yield b"\x3f\x01" + b"\x00\x00\x00\xff\xff" * 150
    yield b"\x3f\x01" + b"\x03\x00" * 40
