"""RFC 6455, 5.5: Ping, Pong and the limits of control frames."""

from __future__ import annotations

from tests.wire.frame_maker import CLOSE, PING, PONG, TEXT, client_frame

from ..case import Exchange, Section, close_frame, codes, cut

_BROKEN = codes(1002)
_PAYLOADS = {
    "empty": b"",
    "text": b"hello",
    "binary": b"\x00\xff\xfe\x80",
    "124 bytes": b"x" * 124,
    "125 bytes": bytes(range(125)),
    "not UTF-8": b"\xc0\xaf\xed\xa0\x80",
}


def _pings() -> list[Exchange]:
    cases = []
    for name, payload in _PAYLOADS.items():
        ping, pong = client_frame(PING, payload), client_frame(PONG, payload)
        text = client_frame(TEXT, b"after")
        cases += [
            Exchange(f"Ping, {name}", (ping,), pongs=(payload,)),
            Exchange(f"Ping, {name}, byte by byte", cut(ping, 1), pongs=(payload,)),
            Exchange(f"Ping, {name}, then a message", (ping + text,), ("after",), (payload,)),
            Exchange(f"Pong that nobody asked for, {name}", (pong,)),
            Exchange(f"Pong that nobody asked for, {name}, then a message", (pong + text,), ("after",)),
            Exchange(f"Pong, then Ping, {name}", (pong + ping,), pongs=(payload,)),
        ]
    ten = [client_frame(PING, b"%d" % number) for number in range(10)]
    answers = [b"%d" % number for number in range(10)]
    cases += [
        Exchange("ten Pings in one read", (b"".join(ten),), pongs=answers),
        Exchange("ten Pings in ten reads", ten, pongs=answers),
        Exchange("ten Pings byte by byte", cut(b"".join(ten), 1), pongs=answers),
        Exchange("a thousand Pongs", (client_frame(PONG, b"x" * 100) * 1000,)),
        Exchange("a Ping before a Close", (ten[0] + close_frame(1000),), pongs=(b"0",), close=codes(1000)),
        Exchange("a Ping after a Close", (close_frame(1000) + ten[0],), close=codes(1000)),
    ]
    return cases


def _sizes() -> list[Exchange]:
    cases = []
    for opcode, name in ((PING, "Ping"), (PONG, "Pong"), (CLOSE, "Close")):
        payload = b"\x03\xe8" + b"x" * 65534 if opcode == CLOSE else b"x" * 65536
        frames = {
            "126 bytes": client_frame(opcode, payload[:126]),
            "127 bytes": client_frame(opcode, payload[:127]),
            "65536 bytes": client_frame(opcode, payload),
            "126 bytes, its header alone": client_frame(opcode, payload[:126])[:2],
            "5 bytes, their length in 16 bits": client_frame(opcode, payload[:5], length_field=b"\x7e\x00\x05"),
            "5 bytes, their length in 64 bits": client_frame(
                opcode, payload[:5], length_field=b"\x7f" + bytes(7) + b"\x05"
            ),
        }
        cases += [Exchange(f"{name} of {what}", (frame,), close=_BROKEN) for what, frame in frames.items()]
        cases += [
            Exchange(f"{name} not final, {what}", (client_frame(opcode, payload[:size], fin=False),), close=_BROKEN)
            for what, size in {"empty": 0, "of 10 bytes": 10, "of 125 bytes": 125}.items()
        ]
    return cases


SECTIONS = [
    Section("6455 5.5.2, 5.5.3", "Ping and Pong", _pings()),
    Section("6455 5.5", "control frames: whole, at most 125 bytes", _sizes()),
]
