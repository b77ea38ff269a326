"""For any bytes in any pieces, both engines read the same messages, counts and errors, and encode the same frames."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from emmett.errors import FrameError
from emmett.wire.frames import OP_CLOSE
from emmett.wire.inflater import Inflater
from tests.engine.engines import HAS_NATIVE, engine, reader_class
from tests.wire.frame_maker import BINARY, CONTINUATION, TEXT, client_frame
from tests.wire.stream_maker import make_stream

_SIZES = (1, 125, 126, 1000, 5000, 70_000, 1 << 62)
_MAX_BYTES = (10, 3000, 1 << 40)
_FRAGMENTS = 8

# Without the native engine, the Python engine is compared with itself, which at least runs the check.
READERS = (reader_class("python"), reader_class("native" if HAS_NATIVE else "python"))
ENCODERS: tuple[Callable[[Any], bytes], ...] = (
    engine("python").encode_message,
    engine("native" if HAS_NATIVE else "python").encode_message,
)


class Plan(NamedTuple):
    """The meaning of the first four bytes of an input: limits, how to cut the rest, and when messages are taken."""

    max_size: int
    max_bytes: int
    inbox: int
    piece: int
    inflates: bool
    is_list: bool
    # The number of pieces before the messages are taken.
    patience: int
    # The piece before which reading is stopped; 0 for never.
    discarded: int
    stream: bytes


def plan(data: bytes) -> Plan:
    """Read an input."""
    first, second, third, fourth = data[:4].ljust(4, b"\x00")
    return Plan(
        _SIZES[first % len(_SIZES)],
        _MAX_BYTES[first // 16 % 3],
        1 + second % 5,
        1 + third * third // 4,
        second >= 128,
        first >= 128,
        1 + fourth % 3,
        fourth // 16,
        _repeat(data[4:]),
    )


def _repeat(stream: bytes) -> bytes:
    """Return a long stream for a short input: the byte 0xF7 repeats the four bytes after it 750 times."""
    before, mark, after = stream.partition(b"\xf7")
    return before + (after[:4] * 750 + after[4:] if mark else b"")


class _Side:
    """One reader and its observable state."""

    def __init__(self, reader: Callable[..., Any], given: Plan) -> None:
        self.room: Any = [] if given.is_list else deque()
        self.seen: list[Any] = []
        self.reader = reader(
            self.room,
            self,
            max_message_size=given.max_size,
            max_fragments=_FRAGMENTS,
            max_messages=given.inbox,
            max_bytes=given.max_bytes,
        )
        if given.inflates:
            self.reader.inflater = Inflater(
                window_bits=12, context_takeover=True, max_size=min(given.max_size, 100_000)
            )

    def on_control(self, opcode: int, payload: bytes) -> None:
        self.seen.append(("control", opcode, bytes(payload)))
        if opcode == OP_CLOSE and len(payload) == 1:
            raise FrameError(1002, "a close code of one byte")

    def on_growth(self) -> None: ...

    def attempt(self, call: Callable[[_Side], Any]) -> Any:
        """Return the result or the exception of a call."""
        try:
            return call(self)
        except FrameError as error:
            return error.code, error.reason

    def state(self) -> tuple[Any, ...]:
        """Return all the state that the owner of a reader sees."""
        reader = self.reader
        counts = reader.received, reader.parsed, reader.unparsed, reader.in_frame, reader.spent, reader.finished
        return (list(self.room), self.seen, *counts, reader.held)


def _feed(piece: bytes, side: _Side) -> Any:
    return side.reader.feed(piece)


def check(data: bytes) -> None:
    """Read a stream with both engines, step by step.

    Raises:
        AssertionError: the two differ at a step.
    """
    given = plan(data)
    sides = [_Side(reader, given) for reader in READERS]

    def both(name: str, call: Callable[[_Side], Any]) -> Any:
        first, second = ((side.attempt(call), side.state()) for side in sides)
        assert first == second, f"{name}: Python {first}, native {second}"
        return first[0]

    pieces = [given.stream[start : start + given.piece] for start in range(0, len(given.stream), given.piece)]
    for number, piece in enumerate(pieces, 1):
        if number == given.discarded:
            both("discard", lambda side: side.reader.discard())
        held_back = both("feed", partial(_feed, piece))
        if number % given.patience:
            continue
        for _ in range(len(piece) + 1):
            if held_back is not True:
                break
            both("take", lambda side: side.room.clear())
            both("turn", lambda side: side.reader.begin_turn())
            held_back = both("resume", lambda side: side.reader.resume())
        both("take", lambda side: side.room.clear())
    both("close", lambda side: side.reader.find_close())
    check_encoding(given.stream)


def check_encoding(data: bytes) -> None:
    """Encode a message of each kind with both engines.

    Raises:
        AssertionError: the two differ.
    """
    for message in (
        data,
        bytearray(data),
        memoryview(data)[::2],
        data.decode("utf-8", "replace"),
        data.decode("latin-1"),
    ):
        first, second = (encode(message) for encode in ENCODERS)
        assert first == second, f"{message!r}: Python {first!r}, native {second!r}"


def seeds() -> Iterator[bytes]:
    """Yield streams as seeds."""
    for seed in range(60):
        yield bytes((seed * 37 % 256, seed % 5, seed * 4, seed)) + make_stream(seed)[:900]
    # A long ASCII frame, one with other characters from the middle on, and one that announces more than it has.
    for size in (1024, 3000, 4096):
        for opcode in (TEXT, BINARY):
            frame = client_frame(opcode, b"a" * size, mask=bytes(4))
            for limit in (4, 5, 0x85):
                yield bytes((limit, 2, 60, 1)) + frame[:8] + b"\xf7aaaa" + frame[8:100]
    yield bytes((5, 2, 60, 1)) + client_frame(TEXT, b"a" * 3000, mask=bytes(4))[:8] + b"\xf7" + "é".encode() * 2
    yield bytes((6, 2, 60, 1)) + b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4) + b"\xf7aaaa"
    yield bytes((6, 2, 60, 1)) + b"\x82\xff" + (1 << 63).to_bytes(8, "big") + bytes(4)
    compressor = zlib.compressobj(wbits=-12)
    for text in (b"hello", b"hello hello", b"x" * 900, "κόσμε".encode()):
        payload = (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        whole = client_frame(TEXT, payload, rsv=4)
        yield bytes((4, 130, 7, 1)) + whole + client_frame(BINARY, payload[:3], fin=False, rsv=4)
        yield (
            bytes((4, 130, 7, 1))
            + client_frame(TEXT, payload[:3], fin=False, rsv=4)
            + client_frame(CONTINUATION, payload[3:])
        )
