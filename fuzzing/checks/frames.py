"""Any bytes give messages or a `FrameError`, however they are cut into pieces, in bounded memory."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from emmett.errors import FrameError
from emmett.wire.close import parse_close
from emmett.wire.frames import OP_CLOSE, FrameReader
from emmett.wire.inflater import Inflater
from tests.wire.frame_maker import BINARY, CONTINUATION, TEXT, client_frame
from tests.wire.stream_maker import make_stream

_SIZES = (1, 100, 125, 126, 1000, 70_000)
_FRAGMENTS = 8
_PLENTY = 1 << 40
# The longest header: two bytes, a length of 64 bits, a mask.
_HEADER = 14


class Outcome(NamedTuple):
    """The result of reading a stream."""

    messages: list[str | bytes]
    controls: list[tuple[int, bytes]]
    code: int | None


class Plan(NamedTuple):
    """The meaning of the first three bytes of an input: limits, and how to cut the rest."""

    max_size: int
    inbox: int
    piece: int
    inflates: bool
    stream: bytes


def plan(data: bytes) -> Plan:
    """Read an input."""
    first, second, third = data[:3].ljust(3, b"\x00")
    return Plan(_SIZES[first % len(_SIZES)], 1 + second % 5, 1 + third % 40, second >= 128, data[3:])


def check(data: bytes) -> None:
    """Read a stream whole and in pieces.

    Raises:
        AssertionError: the two differ, or more is kept than the limits allow.
    """
    max_size, inbox, size, inflates, stream = plan(data)
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    whole = read([stream], max_size, _PLENTY, inflates)
    in_pieces = read(pieces, max_size, inbox, inflates)
    assert whole == in_pieces, f"whole {whole}, in pieces {in_pieces}"
    assert whole.code in (None, 1002, 1007, 1009), whole.code
    for message in whole.messages:
        length = len(message.encode()) if isinstance(message, str) else len(message)
        assert length <= max_size, f"a message of {length} bytes"


class _Owner:
    """Checks and records control frames."""

    def __init__(self, controls: list[tuple[int, bytes]]) -> None:
        self._controls = controls

    def on_control(self, opcode: int, payload: bytes) -> None:
        if opcode == OP_CLOSE:
            parse_close(payload)
        assert len(payload) <= 125
        self._controls.append((opcode, bytes(payload)))

    def on_growth(self) -> None: ...


def read(pieces: Sequence[bytes], max_size: int, inbox: int, inflates: bool) -> Outcome:
    """Read pieces, with or without RFC 7692, into an inbox of a size, which is emptied whenever it is full."""
    room: deque[str | bytes] = deque()
    outcome = Outcome([], [], None)

    reader = FrameReader(
        room,
        _Owner(outcome.controls),
        max_message_size=max_size,
        max_fragments=_FRAGMENTS,
        max_messages=inbox,
        max_bytes=_PLENTY,
    )
    if inflates:
        reader.inflater = Inflater(window_bits=12, context_takeover=True, max_size=max_size)
    # A compressed frame may be slightly longer than its content.
    most = max(max_size, 125) if reader.inflater is None else reader.inflater.max_wire_size
    code = None
    try:
        for piece in pieces:
            held_back = reader.feed(piece)
            while held_back:
                assert len(room) <= inbox, f"{len(room)} messages in an inbox of {inbox}"
                assert room or reader.spent, "frames are held back for no reason"
                if reader.spent:
                    reader.begin_turn()
                outcome.messages.extend(room)
                room.clear()
                held_back = reader.resume()
            kept = reader.unparsed
            assert kept <= most + _HEADER, f"{kept} bytes of one frame are kept"
    except FrameError as error:
        code = error.code
        assert len(error.reason.encode()) <= 123
        assert reader.finished
    outcome.messages.extend(room)
    return outcome._replace(code=code)


def seeds() -> Iterator[bytes]:
    """Yield streams as seeds."""
    for seed in range(60):
        yield bytes((seed % len(_SIZES), seed % 5, seed)) + make_stream(seed)[:900]
    compressor = zlib.compressobj(wbits=-12)
    for seed, text in enumerate((b"hello", b"hello hello", b"x" * 900, b"", "κόσμε".encode(), bytes(2000))):
        payload = (compressor.compress(text) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
        whole = client_frame(TEXT, payload, rsv=4)
        halves = client_frame(BINARY, payload[:3], fin=False, rsv=4) + client_frame(CONTINUATION, payload[3:])
        for size in range(len(_SIZES)):
            yield bytes((size, 128 + seed, 7 * seed)) + whole + halves
