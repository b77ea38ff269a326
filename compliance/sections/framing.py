"""RFC 6455, 5.2 and 5.3: lengths, reserved bits, opcodes, masking."""

from __future__ import annotations

from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame

from ..case import Exchange, Section, codes

_BROKEN = codes(1002)
_SIZES = [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 4096, 65534, 65535, 65536, 65537, 262_144, 1_048_576]
_MASKS = [bytes(4), b"\xff" * 4, b"\x00\xff\x00\xff", b"\x01\x02\x03\x04", b"\x80\x00\x00\x01", b"abcd"]
_RESERVED = [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF]
_NAMES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "Close", PING: "Ping", PONG: "Pong"}


def _lengths() -> list[Exchange]:
    texts = [Exchange(f"text of {size}", (client_frame(TEXT, b"*" * size),), ("*" * size,)) for size in _SIZES]
    binaries = [
        Exchange(f"binary of {size}", (client_frame(BINARY, b"\xfe" * size),), (b"\xfe" * size,)) for size in _SIZES
    ]
    longer = {
        "0 in 16 bits": b"\x7e" + bytes(2),
        "125 in 16 bits": b"\x7e" + (125).to_bytes(2, "big"),
        "0 in 64 bits": b"\x7f" + bytes(8),
        "126 in 64 bits": b"\x7f" + (126).to_bytes(8, "big"),
        "65535 in 64 bits": b"\x7f" + (65535).to_bytes(8, "big"),
        "2^63, its highest bit set": b"\x7f" + (1 << 63).to_bytes(8, "big"),
        "2^64 - 1": b"\x7f" + b"\xff" * 8,
    }
    wrong = [
        Exchange(f"{_NAMES[opcode]}, length {name}", (client_frame(opcode, length_field=length),), close=_BROKEN)
        for name, length in longer.items()
        for opcode in (TEXT, BINARY)
    ]
    return [*texts, *binaries, *wrong]


def _reserved_bits() -> list[Exchange]:
    cases = []
    for rsv in range(1, 8):
        for opcode, name in _NAMES.items():
            frame = client_frame(opcode, b"" if opcode == CLOSE else b"x", rsv=rsv)
            cases.append(Exchange(f"RSV {rsv:03b} on {name}", (frame,), close=_BROKEN))
        good = client_frame(TEXT, b"good")
        bad = client_frame(TEXT, b"bad", rsv=rsv)
        cases.append(Exchange(f"RSV {rsv:03b} after a good message", (good + bad,), ("good",), close=_BROKEN))
    return cases


def _opcodes() -> list[Exchange]:
    cases = []
    for opcode in _RESERVED:
        frames = {
            "empty": client_frame(opcode),
            "with a payload": client_frame(opcode, b"payload"),
            "not final": client_frame(opcode, b"payload", fin=False),
            "announcing 2^40 bytes": client_frame(opcode, length_field=b"\x7f" + (1 << 40).to_bytes(8, "big")),
            "its first byte": client_frame(opcode)[:1],
        }
        cases += [Exchange(f"opcode {opcode:#x}, {name}", (frame,), close=_BROKEN) for name, frame in frames.items()]
        following = client_frame(PING, b"?") + client_frame(opcode, b"x")
        cases.append(Exchange(f"opcode {opcode:#x} after a Ping", (following,), pongs=(b"?",), close=_BROKEN))
    return cases


def _masking() -> list[Exchange]:
    masks = [
        Exchange(f"mask {mask.hex()}, {size} bytes", (client_frame(BINARY, payload, mask=mask),), (payload,))
        for mask in _MASKS
        for size in (1, 2, 3, 4, 5, 8, 127, 1021)
        for payload in (bytes(index & 0xFF for index in range(size)),)
    ]
    unmasked = [
        Exchange(f"{name} of {len(payload)} without a mask", (client_frame(opcode, payload, mask=None),), close=_BROKEN)
        for opcode, name in _NAMES.items()
        for payload in (b"", b"\x03\xe8")
        if opcode != CONTINUATION
    ]
    many = b"".join(client_frame(TEXT, b"m%d" % number, mask=mask) for number, mask in enumerate(_MASKS))
    changing = Exchange("each frame with a mask of its own", (many,), [f"m{number}" for number in range(len(_MASKS))])
    return [*masks, *unmasked, changing]


SECTIONS = [
    Section("6455 5.2", "lengths, in their shortest form", _lengths()),
    Section("6455 5.2", "reserved bits", _reserved_bits()),
    Section("6455 5.2, 11.8", "reserved opcodes", _opcodes()),
    Section("6455 5.1, 5.3", "masking", _masking()),
]
