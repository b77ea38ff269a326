"""RFC 6455, 5.4: messages in fragments."""

from __future__ import annotations

from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame

from ..case import Exchange, Section, close_frame, codes, fragmented

_BROKEN = codes(1002)
_PIECES = {
    "two": [b"first", b"second"],
    "three": [b"one", b"two", b"three"],
    "the first empty": [b"", b"rest"],
    "the last empty": [b"start", b""],
    "the middle empty": [b"a", b"", b"b"],
    "all empty": [b"", b"", b""],
    "of one byte": [b"%c" % byte for byte in b"fragments of a byte each"],
    "of growing size": [b"x" * size for size in (1, 125, 126, 65535, 65536)],
    "a thousand": [b"y"] * 1000,
}
_KINDS = {"text": TEXT, "binary": BINARY}


def _good() -> list[Exchange]:
    cases = []
    for kind, opcode in _KINDS.items():
        for name, pieces in _PIECES.items():
            payload = b"".join(pieces)
            message = payload.decode() if opcode == TEXT else payload
            cases.append(Exchange(f"{kind}, {name}", (fragmented(opcode, pieces),), (message,)))
            between = client_frame(PING, b"!")
            if len(pieces) < 100:
                pongs = [b"!"] * (len(pieces) - 1)
                stream = fragmented(opcode, pieces, between=between)
                cases.append(Exchange(f"{kind}, {name}, a Ping between", (stream,), (message,), pongs))
                apart = [stream[start : start + 11] for start in range(0, min(len(stream), 1100), 11)] + [stream[1100:]]
                cases.append(Exchange(f"{kind}, {name}, a Ping between, in pieces", apart, (message,), pongs))
        stream = fragmented(opcode, [b"a", b"b"], between=client_frame(PONG, b"unasked"))
        cases.append(Exchange(f"{kind}, a Pong between", (stream,), ("ab" if opcode == TEXT else b"ab",)))
    mixed = fragmented(TEXT, [b"a", b"b"]) + client_frame(BINARY, b"c") + fragmented(BINARY, [b"d", b"e"])
    cases.append(Exchange("text, whole, binary in turn", (mixed,), ("ab", b"c", b"de")))
    return cases


def _bad() -> list[Exchange]:
    begun = client_frame(TEXT, b"begun", fin=False)
    done = fragmented(TEXT, [b"be", b"fore"])
    streams: dict[str, bytes] = {}
    for kind, opcode in _KINDS.items():
        for final in (True, False):
            rest = "final" if final else "not final"
            streams[f"a new {kind} inside a message, {rest}"] = begun + client_frame(opcode, b"x", fin=final)
            streams[f"a new {kind} after two fragments, {rest}"] = (
                begun + client_frame(CONTINUATION, b"x", fin=False) + client_frame(opcode, b"x", fin=final)
            )
            streams[f"a new {kind} inside a message, empty, {rest}"] = begun + client_frame(opcode, b"", fin=final)
            streams[f"a new {kind} inside a message, after a Ping, {rest}"] = (
                begun + client_frame(PING) + client_frame(opcode, b"x", fin=final)
            )
    for final in (True, False):
        rest = "final" if final else "not final"
        streams[f"nothing to continue, {rest}"] = client_frame(CONTINUATION, b"x", fin=final)
        streams[f"nothing to continue, empty, {rest}"] = client_frame(CONTINUATION, b"", fin=final)
    cases = [
        Exchange(name, (stream,), pongs=(b"",) if "Ping" in name else (), close=_BROKEN)
        for name, stream in streams.items()
    ]
    for final in (True, False):
        stray = client_frame(CONTINUATION, b"x", fin=final)
        rest = "final" if final else "not final"
        cases.append(Exchange(f"one continuation too many, {rest}", (done + stray,), ("before",), close=_BROKEN))
        whole = client_frame(BINARY, b"whole") + stray
        cases.append(Exchange(f"a continuation after a whole message, {rest}", (whole,), (b"whole",), close=_BROKEN))
    for opcode, name in ((CLOSE, "Close"), (PING, "Ping"), (PONG, "Pong")):
        cases.append(Exchange(f"{name} in fragments", (client_frame(opcode, fin=False),), close=_BROKEN))
        inside = begun + client_frame(opcode, fin=False)
        cases.append(Exchange(f"{name} in fragments inside a message", (inside,), close=_BROKEN))
    # 5.4 lets control frames come between fragments, Close among them.
    cases.append(Exchange("Close inside a message", (begun + close_frame(1000),), close=codes(1000)))
    cases.append(Exchange("Close 4001 inside a message", (begun + close_frame(4001),), close=codes(4001)))
    return cases


SECTIONS = [
    Section("6455 5.4", "messages in fragments", _good()),
    Section("6455 5.4", "fragments out of place", _bad()),
]
