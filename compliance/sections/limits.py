"""RFC 6455, 10.4: bounds on messages, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Sequence

from tests.wire.frame_maker import BINARY, CONTINUATION, PING, TEXT, client_frame

from ..application import FRAGMENTS, MESSAGE_SIZE
from ..case import Exchange, Handshake, Message, Section, codes, cut, fragmented, request

_TOO_BIG = codes(1009)
_PATH = "/limits"


def _exchange(
    name: str,
    pieces: Sequence[bytes],
    messages: Sequence[Message] = (),
    *,
    pongs: Sequence[bytes] = (),
    close: frozenset[int] = frozenset(),
) -> Exchange:
    return Exchange(name, pieces, messages, pongs, close, path=_PATH)


def _sizes() -> list[Exchange]:
    cases = []
    for kind, opcode in (("text", TEXT), ("binary", BINARY)):
        for size in (MESSAGE_SIZE - 1, MESSAGE_SIZE):
            payload = b"x" * size
            message = payload.decode() if opcode == TEXT else payload
            for count in (1, 2, 3, FRAGMENTS):
                pieces = cut(payload, -(-size // count))
                stream = fragmented(opcode, pieces)
                cases.append(_exchange(f"{kind} of {size} in {count}", (stream,), (message,)))
                cases.append(_exchange(f"{kind} of {size} in {count}, twice", (stream * 2,), (message,) * 2))
        for size in (MESSAGE_SIZE + 1, 2 * MESSAGE_SIZE, 100 * MESSAGE_SIZE):
            payload = b"x" * size
            for count in (1, 2, 3, FRAGMENTS):
                stream = fragmented(opcode, cut(payload, -(-size // count)))
                cases.append(_exchange(f"{kind} of {size} in {count}", (stream,), close=_TOO_BIG))
        for length in (MESSAGE_SIZE + 1, 0xFFFF, 0x10000, 1 << 32, 1 << 40, (1 << 63) - 1):
            header = _header(opcode, length)
            begun = client_frame(opcode, b"x", fin=False)
            cases += [
                _exchange(f"{kind}, the header of {length} bytes alone", (header,), close=_TOO_BIG),
                _exchange(f"{kind}, the header of {length} bytes, in pieces", cut(header, 1), close=_TOO_BIG),
                _exchange(
                    f"{kind}, {length} bytes announced after a fragment",
                    (begun + _header(CONTINUATION, length),),
                    close=_TOO_BIG,
                ),
            ]
    fits = client_frame(TEXT, b"fits")
    cases.append(_exchange("too big after one that fits", (fits + _header(TEXT, 5000),), ("fits",), close=_TOO_BIG))
    return cases


def _header(opcode: int, length: int) -> bytes:
    field = b"\x7e" + length.to_bytes(2, "big") if length < 0x10000 else b"\x7f" + length.to_bytes(8, "big")
    return client_frame(opcode, length_field=field)


def _fragments() -> list[Exchange]:
    cases = []
    for name, piece in (("empty", b""), ("of one byte", b"x")):
        exact = fragmented(TEXT, [piece] * FRAGMENTS)
        more = fragmented(TEXT, [piece] * (FRAGMENTS + 1))
        endless = client_frame(BINARY, piece, fin=False) + client_frame(CONTINUATION, piece, fin=False) * 5000
        between = fragmented(TEXT, [piece] * FRAGMENTS, between=client_frame(PING))
        pongs = (b"",) * (FRAGMENTS - 1)
        message = piece.decode() * FRAGMENTS
        cases += [
            _exchange(f"{FRAGMENTS} fragments, {name}", (exact,), (message,)),
            _exchange(f"{FRAGMENTS} fragments, {name}, three times", (exact * 3,), (message,) * 3),
            _exchange(f"Pings count as no fragments, {name}", (between,), (message,), pongs=pongs),
            _exchange(f"{FRAGMENTS + 1} fragments, {name}", (more,), close=_TOO_BIG),
            _exchange(f"endless fragments, {name}", (endless,), close=_TOO_BIG),
        ]
    return cases


def _floods() -> list[Exchange]:
    """Return cases with more messages at once than the inbox has room for: nothing is lost."""
    texts = [f"message {number}" for number in range(2000)]
    stream = b"".join(client_frame(TEXT, text.encode()) for text in texts)
    mixed = b"".join(client_frame(TEXT, text.encode()) + client_frame(PING, b"?") for text in texts[:100])
    large = client_frame(BINARY, b"l" * 65536) * 40
    return [
        Exchange("2000 messages in one read", (stream,), texts),
        Exchange("2000 messages in reads of 1000 bytes", cut(stream, 1000), texts),
        Exchange("2000 messages in reads of 999 bytes", cut(stream, 999), texts),
        Exchange("20000 empty messages", (client_frame(TEXT) * 20_000,), ("",) * 20_000),
        Exchange("100 messages, a Ping after each", (mixed,), texts[:100], [b"?"] * 100),
        Exchange("2.5 MiB in messages of 64 KiB", (large,), (b"l" * 65536,) * 40),
    ]


def _heads() -> list[Handshake]:
    too_large = codes(431)
    lines = {
        "64 KiB in one field": (b"X-Field: " + b"x" * 65536,),
        "64 KiB in many fields": tuple(b"X-Field-%d: %b" % (number, b"x" * 650) for number in range(99)),
        "10000 fields": tuple(b"X-%d: y" % number for number in range(10_000)),
        "one name 10000 times": (b"X-Field: y",) * 10_000,
        "9000 bytes of subprotocols": (b"Sec-WebSocket-Protocol: " + b",".join(b"p%d" % n for n in range(1600)),),
        "9000 commas in the extensions": (b"Sec-WebSocket-Extensions: " + b"," * 9000,),
        "9000 semicolons in the extensions": (b"Sec-WebSocket-Extensions: x" + b";" * 9000,),
        "9000 open quotes in the extensions": (b"Sec-WebSocket-Extensions: x; a=" + b'"' * 9000,),
    }
    cases = [Handshake(name, (request({}, *more),), too_large) for name, more in lines.items()]
    endless = request()[:-2] + b"X-Field: " + b"x" * 65536
    target = request(line=b"GET /plain?" + b"q" * 65536 + b" HTTP/1.1")
    within = request({}, *(b"X-Field-%d: %b" % (number, b"x" * 100) for number in range(90)))
    return [
        *cases,
        Handshake("64 KiB of target", (target,), codes(414, 431)),
        Handshake("a field without an end", (endless,), too_large),
        Handshake("a field without an end, in pieces", cut(endless, 4096), too_large),
        Handshake("90 fields of 100 bytes", (within,), codes(101)),
    ]


SECTIONS = [
    Section("6455 10.4", "the size of a message", _sizes()),
    Section("6455 10.4", "the fragments of a message", _fragments()),
    Section("6455 10.4", "more messages than there is room for", _floods()),
    Section("6455 10.4, 6585 5", "the size of an opening handshake", _heads()),
]
