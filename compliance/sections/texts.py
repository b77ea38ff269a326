"""RFC 6455, 5.6 and 8.1: data frames, and text in valid and invalid UTF-8."""

from __future__ import annotations

from tests.wire.frame_maker import BINARY, CONTINUATION, TEXT, client_frame

from ..case import Exchange, Section, codes, cut, fragmented

_INVALID = codes(1007)

_GOOD = {
    "ASCII": "Hello, World",
    "NUL": "a\x00b",
    "DEL": "\x7f",
    "Latin": "Grüße, señor, çava",
    "Greek": "κόσμε",
    "Cyrillic": "Привет",
    "Hebrew": "שלום",
    "Chinese": "你好世界",
    "emoji": "👋🌍👩‍👩‍👧‍👦",
    "combining": "e\u0301",
    "byte order mark": "\ufeffx",
    "first of two bytes, U+0080": "\u0080",
    "last of two bytes, U+07FF": "\u07ff",
    "first of three bytes, U+0800": "\u0800",
    "before the surrogates, U+D7FF": "\ud7ff",
    "above the surrogates, U+E000": "\ue000",
    "replacement, U+FFFD": "\ufffd",
    "no character, U+FFFE": "\ufffe",
    "no character, U+FFFF": "\uffff",
    "first of four bytes, U+10000": "\U00010000",
    "no character, U+1FFFF": "\U0001ffff",
    "last of all, U+10FFFF": "\U0010ffff",
}

# Bytes that are invalid before the end of the text, so they may be refused early.
_BAD = {
    "a lone continuation byte": b"\x80",
    "the last continuation byte": b"\xbf",
    "two continuation bytes": b"\x80\xbf",
    "the byte 0xfe": b"\xfe",
    "the byte 0xff": b"\xff",
    "0xfe 0xfe 0xff 0xff": b"\xfe\xfe\xff\xff",
    "start of two, then a blank": b"\xc2 ",
    "start of three, then a blank": b"\xe1\x80 ",
    "start of four, then a blank": b"\xf1\x80\x80 ",
    "start of five": b"\xf8\x88\x80\x80\x80",
    "start of six": b"\xfc\x84\x80\x80\x80\x80",
    "overlong `/` in two": b"\xc0\xaf",
    "overlong `/` in three": b"\xe0\x80\xaf",
    "overlong `/` in four": b"\xf0\x80\x80\xaf",
    "overlong NUL": b"\xc0\x80",
    "overlong U+007F": b"\xc1\xbf",
    "overlong U+07FF": b"\xe0\x9f\xbf",
    "overlong U+FFFF": b"\xf0\x8f\xbf\xbf",
    "the first surrogate": b"\xed\xa0\x80",
    "the last high surrogate": b"\xed\xaf\xbf",
    "the first low surrogate": b"\xed\xb0\x80",
    "the last surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "far above U+10FFFF": b"\xf7\xbf\xbf\xbf",
}

_CUT = {"of two": b"\xc3", "of three": b"\xe2\x98", "of three, its first": b"\xe2", "of four": b"\xf0\x9f\x91"}


def _good() -> list[Exchange]:
    cases = []
    for name, text in _GOOD.items():
        payload = text.encode()
        cases += [
            Exchange(f"{name}, whole", (client_frame(TEXT, payload),), (text,)),
            Exchange(
                f"{name}, in the middle of 300 bytes",
                (client_frame(TEXT, b"a" * 300 + payload + b"b"),),
                ("a" * 300 + text + "b",),
            ),
            Exchange(f"{name}, a fragment for each byte", (fragmented(TEXT, cut(payload, 1)),), (text,)),
            Exchange(f"{name}, byte by byte", cut(fragmented(TEXT, cut(payload, 1)), 1), (text,)),
        ]
    return cases


def _bad() -> list[Exchange]:
    cases = []
    for name, payload in _BAD.items():
        streams = {
            "whole": client_frame(TEXT, payload),
            "after text": client_frame(TEXT, "κόσμε".encode() + payload),
            "after 300 bytes": client_frame(TEXT, b"a" * 300 + payload),
            "before text": client_frame(TEXT, payload + b"rest"),
            "a fragment for each byte": fragmented(TEXT, cut(b"x" + payload, 1)),
            "in a first fragment, the rest missing": client_frame(TEXT, payload, fin=False),
            "in a later fragment, the rest missing": client_frame(TEXT, b"ok", fin=False)
            + client_frame(CONTINUATION, payload, fin=False),
        }
        cases += [Exchange(f"{name}, {where}", (stream,), close=_INVALID) for where, stream in streams.items()]
        good = client_frame(TEXT, b"good")
        cases.append(Exchange(f"{name}, after a good message", (good + streams["whole"],), ("good",), close=_INVALID))
        cases.append(Exchange(f"{name}, but binary", (client_frame(BINARY, payload),), (payload,)))
    for name, payload in _CUT.items():
        cases += [
            Exchange(f"cut: {name}", (client_frame(TEXT, b"a" + payload),), close=_INVALID),
            Exchange(f"cut: {name}, in fragments", (fragmented(TEXT, [b"a", payload, b""]),), close=_INVALID),
            Exchange(f"cut: {name}, then text", (fragmented(TEXT, [payload, b"text"]),), close=_INVALID),
        ]
    return cases


SECTIONS = [
    Section("6455 5.6, 8.1", "text in UTF-8", _good()),
    Section("6455 8.1", "text that is not UTF-8", _bad()),
]
