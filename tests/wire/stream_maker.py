"""Random streams of frames, valid and broken, the same for the same seed, and the positions of their frames."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from websockets.utils import apply_mask

from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload

_CODES = [
    *[1000] * 12,
    1001,
    1003,
    1007,
    1011,
    1012,
    1014,
    3000,
    4999,
    0,
    999,
    1004,
    1005,
    1006,
    1015,
    1016,
    2999,
    5000,
    65535,
]
_TEXTS = ["", "a", "hello", "κόσμε", "☃", "👋🌍", "\x00", "\ud7ff\ue000", "x" * 125, "y" * 130]
_BAD_TEXTS = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x98", b"ok\x80"]


class Header(NamedTuple):
    """The position of a frame in a stream, according to its header.

    Attributes:
        start, payload: where the frame, and its payload, begins.
        opcode: 0x0 to 0xF.
        masked: whether it is.
        length: the bytes of payload that it announces.
        shortest: whether it does so in the shortest form.
        open_size: the bytes of the message in fragments before it; `None` outside of one.
    """

    start: int
    payload: int
    opcode: int
    masked: bool
    length: int
    shortest: bool
    open_size: int | None

    @property
    def stop(self) -> int:
        """The end of the frame."""
        return self.payload + self.length


def walk(stream: bytes) -> Iterator[Header]:
    """Yield the headers in a stream, valid or not, as far as their lengths are complete."""
    start = 0
    open_size: int | None = None
    while len(stream) - start >= 2:
        first, second = stream[start : start + 2]
        opcode, length = first & 0x0F, second & 0x7F
        wide = {126: 2, 127: 8}.get(length, 0)
        payload = start + 2 + wide + (4 if second & 0x80 else 0)
        if start + 2 + wide > len(stream):
            return
        if wide:
            length = int.from_bytes(stream[start + 2 : start + 2 + wide], "big")
        least = {0: 0, 2: 126, 8: 0x10000}[wide]
        header = Header(start, payload, opcode, second >= 0x80, length, length >= least, open_size)
        yield header
        if opcode in (TEXT, BINARY, CONTINUATION):
            open_size = None if first & 0x80 else (open_size or 0) + length
        start = header.stop


def payload_of(stream: bytes, frame: Header) -> bytes:
    """Return the payload of a masked frame, unmasked, as far as it is in the stream."""
    if frame.payload > len(stream):
        return b""
    return apply_mask(stream[frame.payload : frame.stop], stream[frame.payload - 4 : frame.payload])


def make_stream(seed: int) -> bytes:
    """Return a stream: most begin valid, and many are broken by a frame or by changed bytes, or cut short."""
    dice = random.Random(seed)
    frames: list[bytes] = []
    for _ in range(dice.randrange(1, 6)):
        frames += _message(dice)
    if dice.random() < 0.5:
        frames.insert(dice.randrange(len(frames) + 1), _odd_frame(dice))
    if dice.random() < 0.4:
        frames.append(_close(dice))
    stream = bytearray(b"".join(frames))
    if dice.random() < 0.3:
        for _ in range(dice.randrange(1, 4)):
            _damage(dice, stream)
    if dice.random() < 0.3:
        del stream[dice.randrange(len(stream) + 1) :]
    return bytes(stream)


def cut_randomly(stream: bytes, seed: int) -> list[bytes]:
    """Cut a stream into pieces, many of them small."""
    dice = random.Random(seed)
    pieces = []
    start = 0
    while start < len(stream):
        size = dice.choice((1, 1, 2, 3, 7, 50, 1000))
        pieces.append(stream[start : start + size])
        start += size
    return pieces


def _message(dice: random.Random) -> list[bytes]:
    """Return a valid message in one frame or several, with control frames in between."""
    opcode = dice.choice((TEXT, BINARY))
    payload = dice.choice(_TEXTS).encode() if opcode == TEXT else dice.randbytes(dice.choice((0, 1, 5, 125, 126, 200)))
    count = dice.choice((1, 1, 1, 2, 3))
    spots = sorted(dice.randrange(len(payload) + 1) for _ in range(count - 1))
    edges = [0, *spots, len(payload)]
    frames = []
    for index in range(count):
        if dice.random() < 0.2:
            frames.append(_frame(dice, dice.choice((PING, PONG)), dice.randbytes(dice.choice((0, 1, 9, 125)))))
        piece = payload[edges[index] : edges[index + 1]]
        frames.append(_frame(dice, CONTINUATION if index else opcode, piece, fin=index == count - 1))
    return frames


def _odd_frame(dice: random.Random) -> bytes:
    """Return a frame that is invalid, by itself or in its place."""
    payload = dice.randbytes(dice.choice((0, 1, 10, 125, 126, 301)))
    opcode = dice.choice((TEXT, BINARY, CONTINUATION, PING, PONG, CLOSE))
    if opcode == CLOSE:
        payload = close_payload(1000)
    length_field = dice.choice(
        (
            b"\x7e" + min(len(payload), 0xFFFF).to_bytes(2, "big"),
            b"\x7f" + len(payload).to_bytes(8, "big"),
            b"\x7f" + dice.choice((301, 1 << 16, 1 << 40, 1 << 63, (1 << 64) - 1)).to_bytes(8, "big"),
        )
    )
    kinds = [
        lambda: _frame(dice, opcode, payload, rsv=dice.randrange(1, 8)),
        lambda: _frame(dice, dice.choice((3, 7, 0xB, 0xF)), payload),
        lambda: client_frame(opcode, payload, mask=None),
        lambda: _frame(dice, opcode, payload, length_field=length_field),
        lambda: _frame(dice, opcode, payload, fin=False),
        lambda: _frame(dice, TEXT, dice.choice(_BAD_TEXTS)),
        lambda: _frame(dice, TEXT, dice.choice(_BAD_TEXTS), fin=False),
        lambda: _frame(dice, CONTINUATION, payload),
        lambda: _frame(dice, BINARY, dice.randbytes(dice.choice((299, 300, 301, 400)))),
        lambda: _close(dice),
    ]
    return dice.choice(kinds)()


def _close(dice: random.Random) -> bytes:
    reason = dice.choice((b"", b"", b"bye", b"r" * 123, "☃".encode(), *_BAD_TEXTS))
    payload = close_payload(dice.choice(_CODES), reason)
    return _frame(dice, CLOSE, dice.choice((payload, payload, payload, payload, b"", b"\x03")))


def _frame(
    dice: random.Random,
    opcode: int,
    payload: bytes,
    *,
    fin: bool = True,
    rsv: int = 0,
    length_field: bytes | None = None,
) -> bytes:
    return client_frame(opcode, payload, fin=fin, rsv=rsv, mask=dice.randbytes(4), length_field=length_field)


def _damage(dice: random.Random, stream: bytearray) -> None:
    spot = dice.randrange(len(stream) + 1)
    kind = dice.randrange(4)
    if kind == 0 or spot == len(stream):
        stream[spot:spot] = dice.randbytes(dice.choice((1, 2, 8)))
    elif kind == 1:
        del stream[spot : spot + dice.choice((1, 2, 8))]
    elif kind == 2:
        stream[spot] ^= 1 << dice.randrange(8)
    else:
        stream[spot] = dice.randrange(256)
