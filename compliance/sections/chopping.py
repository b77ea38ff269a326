"""The boundaries of reads must not matter (RFC 6455, 5.2: frames have no relation to reads)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame

from ..case import Exchange, Message, Section, close_frame, codes, cut, fragmented

_SIZES = (1, 2, 3, 5, 7)
# A long stream is cut at this many spots at either end, not in the middle of a payload.
_ENDS = 40

# Streams that leave the connection open: the stream, its messages, its Pongs.
_OPEN: dict[str, tuple[bytes, Sequence[Message], Sequence[bytes]]] = {
    "an empty text": (client_frame(TEXT), ("",), ()),
    "a text": (client_frame(TEXT, b"hello"), ("hello",), ()),
    "a binary of 125": (client_frame(BINARY, b"\xfe" * 125), (b"\xfe" * 125,), ()),
    "a text of 126": (client_frame(TEXT, b"t" * 126), ("t" * 126,), ()),
    "a binary of 300": (client_frame(BINARY, b"\x00\xff" * 150), (b"\x00\xff" * 150,), ()),
    "a binary of 65536": (client_frame(BINARY, b"\x55" * 65536), (b"\x55" * 65536,), ()),
    "characters of four bytes": (client_frame(TEXT, "👋🌍".encode()), ("👋🌍",), ()),
    "a Ping": (client_frame(PING, b"are you there"), (), (b"are you there",)),
    "a Pong": (client_frame(PONG, b"I am"), (), ()),
    "fragments": (fragmented(TEXT, ["κό".encode(), "σμ".encode(), "ε".encode()]), ("κόσμε",), ()),
    "fragments, a Ping between": (
        fragmented(BINARY, [b"one", b"", b"three"], between=client_frame(PING, b"!")),
        (b"onethree",),
        (b"!", b"!"),
    ),
    "three messages": (
        client_frame(TEXT, b"1") + client_frame(BINARY, b"2") + client_frame(TEXT, b"3"),
        ("1", b"2", "3"),
        (),
    ),
}

_BEFORE = client_frame(TEXT, b"ok")
# Streams that end the connection: the stream, its messages, the code.
_ENDED: dict[str, tuple[bytes, Sequence[Message], int]] = {
    "Close": (close_frame(1000, b"bye"), (), 1000),
    "Close without a code": (client_frame(CLOSE), (), 1005),
    "a text, then Close": (_BEFORE + close_frame(4000), ("ok",), 4000),
    "a reserved bit": (_BEFORE + client_frame(TEXT, b"bad", rsv=2), ("ok",), 1002),
    "a reserved opcode": (_BEFORE + client_frame(0xB, b"bad"), ("ok",), 1002),
    "no mask": (_BEFORE + client_frame(TEXT, b"bad", mask=None), ("ok",), 1002),
    "a long Ping": (_BEFORE + client_frame(PING, b"x" * 126)[:20], ("ok",), 1002),
    "a length too long by a form": (_BEFORE + client_frame(TEXT, b"bad", length_field=b"\x7e\x00\x03"), ("ok",), 1002),
    "nothing to continue": (_BEFORE + client_frame(CONTINUATION, b"bad"), ("ok",), 1002),
    "a text inside a text": (client_frame(TEXT, b"a", fin=False) + client_frame(TEXT, b"b"), (), 1002),
    "text that is not UTF-8": (_BEFORE + client_frame(TEXT, b"bad \xed\xa0\x80"), ("ok",), 1007),
    "fragments that are not UTF-8": (fragmented(TEXT, [b"a\xe2", b"\x98b"]), (), 1007),
    "a wrong code": (_BEFORE + close_frame(1006), ("ok",), 1002),
    "2^40 bytes announced": (
        _BEFORE + client_frame(BINARY, length_field=b"\x7f" + (1 << 40).to_bytes(8, "big")),
        ("ok",),
        1009,
    ),
}


def _cases(name: str, whole: Exchange) -> list[Exchange]:
    """Return cases with a stream cut in all ways: into pieces of a size, and in two at each spot."""
    stream = b"".join(whole.pieces)
    sizes = _SIZES if len(stream) < 1000 else (1000, 4096, 65535)
    cases = [replace(whole, name=f"{name}, in pieces of {size}", pieces=cut(stream, size)) for size in sizes]
    spots = [spot for spot in range(1, len(stream)) if spot <= _ENDS or spot >= len(stream) - _ENDS]
    if whole.close:
        # Each cut needs its own connection.
        in_two = [
            replace(whole, name=f"{name}, cut at {spot}", pieces=(stream[:spot], stream[spot:])) for spot in spots
        ]
        return [*cases, *in_two]
    pieces = [piece for spot in spots for piece in (stream[:spot], stream[spot:])]
    times = len(spots)
    every = replace(
        whole,
        name=f"{name}, {times} times, cut at each spot",
        pieces=pieces,
        messages=tuple(whole.messages) * times,
        pongs=tuple(whole.pongs) * times,
    )
    return [*cases, every]


def _open() -> list[Exchange]:
    return [
        case
        for name, (stream, messages, pongs) in _OPEN.items()
        for case in _cases(name, Exchange(name, (stream,), messages, pongs))
    ]


def _ended() -> list[Exchange]:
    return [
        case
        for name, (stream, messages, code) in _ENDED.items()
        for case in _cases(name, Exchange(name, (stream,), messages, close=codes(code)))
    ]


SECTIONS = [
    Section("6455 5.2, chopping", "good streams in pieces of any size, cut at each byte", _open()),
    Section("6455 7.1, chopping", "streams that end the connection, cut at each byte", _ended()),
]
