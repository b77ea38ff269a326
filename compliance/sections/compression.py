"""RFC 7692: permessage-deflate."""

from __future__ import annotations

import random
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

from tests.wire.frame_maker import BINARY, CONTINUATION, PING, TEXT, client_frame

from ..application import FRAGMENTS, MESSAGE_SIZE
from ..case import Exchange, Handshake, Message, Section, close_frame, codes, cut, request

_NAME = "permessage-deflate"
_PATH = "/deflate"
_RSV1 = 4
_TAIL_SIZE = 4
_BROKEN, _INVALID, _TOO_BIG = codes(1002), codes(1007), codes(1009)

# The parameters that a client offers, and those that the server must answer; None for the same ones.
_OFFERS: dict[str, str | None] = {
    "": None,
    "; client_max_window_bits": "; client_max_window_bits=15",
    '; client_max_window_bits="10"': "; client_max_window_bits=10",
    '; server_max_window_bits="10"': "; server_max_window_bits=10",
    "; server_no_context_takeover": None,
    "; client_no_context_takeover": None,
    "; server_no_context_takeover; client_no_context_takeover": None,
    "; client_no_context_takeover; server_max_window_bits=9; client_max_window_bits=11": None,
    " ;  server_no_context_takeover ;server_max_window_bits =  12": (
        "; server_no_context_takeover; server_max_window_bits=12"
    ),
    **{f"; client_max_window_bits={bits}": None for bits in range(8, 16)},
    **{f"; server_max_window_bits={bits}": None for bits in range(8, 16)},
}
_DECLINED = [
    *(f"{side}_max_window_bits={bits}" for side in ("server", "client") for bits in (0, 7, 16, 99, "08", "abc", "-9")),
    "server_max_window_bits",
    "server_no_context_takeover=1",
    "client_no_context_takeover=true",
    "server_max_window_bits=10; server_max_window_bits=10",
    "server_no_context_takeover; server_no_context_takeover",
    "nobody_knows",
    "client_max_window_bits; nobody_knows=1",
]
_MALFORMED = [
    f"{_NAME};",
    f"{_NAME} server_no_context_takeover",
    f"{_NAME}; =1",
    f'{_NAME}; a="',
    "; a",
    "=",
    f"{_NAME}; a=b=c",
]

_TEXTS = ["", "a", "hello " * 20, "κόσμε" * 50, "x" * 65535, "y" * 65536, "z" * 300_000]


def deflate(messages: Iterable[Message], *, bits: int = 15, takeover: bool = True, level: int = 6) -> list[bytes]:
    """Compress messages as a client does (7.2.1)."""
    payloads = []
    compressor = zlib.compressobj(level, wbits=-max(bits, 9))
    for message in messages:
        payload = message.encode() if isinstance(message, str) else message
        payloads.append((compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-_TAIL_SIZE])
        if not takeover:
            compressor = zlib.compressobj(level, wbits=-max(bits, 9))
    return payloads


def frames(opcode: int, pieces: Sequence[bytes], *, between: bytes = b"") -> bytes:
    """Return a compressed message: RSV1 on its first frame (6.1)."""
    last = len(pieces) - 1
    return between.join(
        client_frame(CONTINUATION if index else opcode, piece, fin=index == last, rsv=0 if index else _RSV1)
        for index, piece in enumerate(pieces)
    )


def compressed(
    name: str,
    pieces: Sequence[bytes],
    messages: Sequence[Message] = (),
    *,
    pongs: Sequence[bytes] = (),
    close: frozenset[int] = frozenset(),
    path: str = _PATH,
    parameters: str = "",
) -> Exchange:
    """Return a case with negotiated compression."""
    offer = _NAME + parameters
    return Exchange(name, pieces, messages, pongs, close, path=path, offer=offer, agreed=offer)


def _negotiation() -> list[Handshake | Exchange]:
    hello = client_frame(TEXT, b"hello")
    taken = [
        Exchange(
            f"offered{offer or ' bare'}",
            (hello,),
            ("hello",),
            path=_PATH,
            offer=_NAME + offer,
            agreed=_NAME + (offer if answer is None else answer),
        )
        for offer, answer in _OFFERS.items()
    ]
    declined = [
        Exchange(f"declined: {offer}", (hello,), ("hello",), path=_PATH, offer=f"{_NAME}; {offer}")
        for offer in _DECLINED
    ]
    lists = {
        "the first of two": (f"{_NAME}; server_max_window_bits=10, {_NAME}", f"{_NAME}; server_max_window_bits=10"),
        "the second, where the first cannot be": (f"{_NAME}; nobody_knows, {_NAME}", _NAME),
        "after an unknown one": (f"x-nobody-knows; a=1, {_NAME}", _NAME),
        "empty members": (f", ,{_NAME}, ,", _NAME),
        "another name": ("x-webkit-deflate-frame", None),
    }
    several = [
        Exchange(f"a list: {name}", (hello,), ("hello",), path=_PATH, offer=offer, agreed=agreed)
        for name, (offer, agreed) in lists.items()
    ]
    malformed = [
        Handshake(
            f"not a list of extensions: {offer}", (request({b"Sec-WebSocket-Extensions": offer.encode()}),), codes(400)
        )
        for offer in _MALFORMED
    ]
    off = Exchange("compression is off here", (hello,), ("hello",), offer=_NAME)
    return [*taken, *declined, *several, *malformed, off]


def _messages() -> list[Exchange]:
    cases = []
    for text in _TEXTS:
        for opcode, message in ((TEXT, text), (BINARY, text.encode())):
            kind = f"{'text' if opcode == TEXT else 'binary'} of {len(text)}"
            (payload,) = deflate([message])
            cases += [
                compressed(f"{kind}, whole", (frames(opcode, [payload]),), (message,)),
                compressed(f"{kind}, uncompressed all the same", (client_frame(opcode, text.encode()),), (message,)),
            ]
            if len(payload) < 500:
                small = [*cut(payload, 1), b""]
                cases += [
                    compressed(f"{kind}, a fragment for each byte", (frames(opcode, small),), (message,)),
                    compressed(f"{kind}, byte by byte", cut(frames(opcode, [payload]), 1), (message,)),
                ]
    dice = random.Random(7692)
    many = [dice.choice(_TEXTS[:4]) + str(number) for number in range(50)]
    for parameters, bits, takeover in (
        ("", 15, True),
        ("; client_no_context_takeover", 15, False),
        ("; server_no_context_takeover", 15, True),
        ("; server_no_context_takeover; client_no_context_takeover", 15, False),
        *((f"; client_max_window_bits={bits}", bits, True) for bits in range(9, 16)),
        *((f"; server_max_window_bits={bits}", 15, True) for bits in range(8, 16)),
    ):
        stream = b"".join(frames(TEXT, [payload]) for payload in deflate(many, bits=bits, takeover=takeover))
        cases += [
            compressed(f"50 messages{parameters}", (stream,), many, parameters=parameters),
            compressed(f"50 messages{parameters}, in pieces", cut(stream, 3), many, parameters=parameters),
        ]
    # A client that stores data instead of compressing it stays within any window.
    stored = b"".join(frames(TEXT, [payload]) for payload in deflate(many, bits=9, level=0))
    cases.append(
        compressed("50 messages; client_max_window_bits=8", (stored,), many, parameters="; client_max_window_bits=8")
    )
    return cases


def _blocks() -> list[Exchange]:
    """Return cases with the blocks that a compressed message may consist of (7.2.3)."""
    streams = {
        "the example of 7.2.3.1": (bytes.fromhex("f248cdc9c90700"), "Hello"),
        "a block without compression, 7.2.3.3": (bytes.fromhex("000500faff48656c6c6f00"), "Hello"),
        "a final block, 7.2.3.4": (bytes.fromhex("f348cdc9c9070000"), "Hello"),
        "two blocks, 7.2.3.5": (bytes.fromhex("f248050000 00ffff cac9c90700".replace(" ", "")), "Hello"),
        "an empty message, 7.2.3.6": (b"\x00", ""),
        "an empty block before": (b"\x00\x00\x00\xff\xff" + bytes.fromhex("f248cdc9c90700"), "Hello"),
    }
    cases = []
    for name, (payload, text) in streams.items():
        cases += [
            compressed(name, (frames(TEXT, [payload]),), (text,)),
            compressed(f"{name}, three times", (frames(TEXT, [payload]) * 3,), (text,) * 3),
            compressed(f"{name}, in fragments", (frames(TEXT, cut(payload, 1)),), (text,)),
            compressed(
                f"{name}, in fragments, a Ping between",
                (frames(TEXT, cut(payload, 1), between=client_frame(PING, b"!")),),
                (text,),
                pongs=(b"!",) * (len(payload) - 1),
            ),
        ]
    shared = bytes.fromhex("f248cdc9c90700"), bytes.fromhex("f200110000")
    cases.append(
        compressed(
            "the second refers to the first, 7.2.3.2",
            (b"".join(frames(TEXT, [payload]) for payload in shared),),
            ("Hello", "Hello"),
        )
    )
    return cases


def _bits() -> list[Exchange]:
    """Return cases on where RSV1 may be set (section 6)."""
    (payload,) = deflate(["hello"])
    good = client_frame(TEXT, b"good")
    begun = client_frame(TEXT, payload[:2], fin=False, rsv=_RSV1)
    streams = {
        **{f"RSV {rsv:03b}": client_frame(TEXT, payload, rsv=rsv) for rsv in (1, 2, 3, 5, 6, 7)},
        "RSV1 on a Ping": client_frame(PING, b"x", rsv=_RSV1),
        "RSV1 on a Close": client_frame(8, b"\x03\xe8", rsv=_RSV1),
        "RSV1 on a continuation": begun + client_frame(CONTINUATION, payload[2:], rsv=_RSV1),
        "RSV1 on the continuation of an uncompressed message": client_frame(TEXT, b"x", fin=False)
        + client_frame(CONTINUATION, payload, rsv=_RSV1),
        "a new message inside a compressed one": begun + client_frame(TEXT, payload, rsv=_RSV1),
        "unmasked": client_frame(TEXT, payload, rsv=_RSV1, mask=None),
    }
    cases = [compressed(name, (stream,), close=_BROKEN) for name, stream in streams.items()]
    cases += [
        replace(case, name=f"{case.name}, after a good message", pieces=(good, *case.pieces), messages=("good",))
        for case in cases
    ]
    declined = Exchange(
        "RSV1 where the offer was declined",
        (frames(TEXT, [payload]),),
        close=_BROKEN,
        path=_PATH,
        offer=f"{_NAME}; nobody_knows",
    )
    inside = compressed("Close inside a compressed message", (begun + close_frame(1000),), close=codes(1000))
    return [*cases, declined, inside]


def _faults() -> list[Exchange]:
    limited = "/deflate/limits"
    long_text = deflate(["hello " * 100])[0]
    corrupt = {
        "a block of the reserved type": b"\x07",
        "bytes that are no deflate": b"\xff" * 20,
        "a stored block whose lengths differ": b"\x00\x05\x00\x00\x00hello",
        "a distance too far back": bytes.fromhex("f200110000"),
        "cut in the middle": long_text[: len(long_text) // 2],
        "its last byte missing": long_text[:-1],
    }
    cases = [compressed(name, (frames(TEXT, [data]),), close=_INVALID) for name, data in corrupt.items()]
    bad_text = deflate([b"ok \xed\xa0\x80"])[0]
    cases += [
        compressed("compressed text that is not UTF-8", (frames(TEXT, [bad_text]),), close=_INVALID),
        compressed("the same in fragments", (frames(TEXT, cut(bad_text, 2)),), close=_INVALID),
    ]
    for size in (MESSAGE_SIZE - 1, MESSAGE_SIZE):
        (payload,) = deflate([b"\x00" * size])
        stream = frames(BINARY, [payload])
        cases.append(compressed(f"inflated to {size}", (stream,), (b"\x00" * size,), path=limited))
    for size in (MESSAGE_SIZE + 1, 10 * MESSAGE_SIZE, 10 << 20):
        (payload,) = deflate([b"\x00" * size], level=9)
        halves = [payload[: len(payload) // 2], payload[len(payload) // 2 :]]
        cases += [
            compressed(f"inflated to {size}", (frames(BINARY, [payload]),), close=_TOO_BIG, path=limited),
            compressed(f"inflated to {size}, two fragments", (frames(BINARY, halves),), close=_TOO_BIG, path=limited),
        ]
    bomb = zlib.compressobj(9, wbits=-15)
    # Flushed, so that 256 times these bytes are 256 MiB.
    payload = (bomb.compress(bytes(1 << 20)) + bomb.flush(zlib.Z_FULL_FLUSH)) * 256
    empty = b"\x00\x00\x00\xff\xff" * 50_000
    endless = client_frame(BINARY, b"\x00", fin=False, rsv=_RSV1) + client_frame(CONTINUATION, fin=False) * FRAGMENTS
    cases += [
        compressed("a bomb of 256 MiB", (frames(BINARY, [payload[:-_TAIL_SIZE]]),), close=_TOO_BIG),
        compressed("50000 empty blocks", (frames(BINARY, [empty + b"\x00"]),), (b"",)),
        compressed("endless fragments", (endless,), close=_TOO_BIG, path=limited),
    ]
    return cases


SECTIONS = [
    Section("7692 5, 7.1", "negotiation of permessage-deflate", _negotiation()),
    Section("7692 7.2", "compressed messages, all parameters", _messages()),
    Section("7692 7.2.3", "blocks that a message may consist of", _blocks()),
    Section("7692 6", "the bit that marks a compressed message", _bits()),
    Section("7692 7.2.2, 8", "data that is corrupt, or too much", _faults()),
]
