"""RFC 6455, 5.5.1 and 7: closing, and the codes."""

from __future__ import annotations

from tests.wire.frame_maker import CLOSE, CONTINUATION, PING, TEXT, client_frame

from ..case import Exchange, Section, close_frame, codes, cut

_BROKEN = codes(1002)
# Section 7.4 and the registry of IANA.
_GOOD_CODES = [1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 3001, 3500, 3999, 4000, 4001, 4500, 4999]
_BAD_CODES = [0, 1, 99, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1100, 1999, 2000, 2999, 5000, 5001, 9999, 32768, 65535]
_REASONS = {
    "short": b"bye",
    "of 123 bytes": b"r" * 123,
    "in Greek": "κόσμε".encode(),
    "an emoji": "👋".encode(),
    "NUL and newline": b"a\x00\n",
}
_BAD_REASONS = {
    "0xff": b"\xff",
    "overlong": b"\xc0\xaf",
    "a surrogate": b"\xed\xa0\x80",
    "cut": b"ok\xe2\x98",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
}
_LATE = {
    "a text": client_frame(TEXT, b"late"),
    "a Ping": client_frame(PING, b"late"),
    "another Close": close_frame(1001),
    "a broken frame": client_frame(TEXT, b"late", rsv=7),
    "an unmasked frame": client_frame(TEXT, b"late", mask=None),
    "half a frame": client_frame(TEXT, b"late")[:4],
    "garbage": b"\xff" * 300,
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
}


def _by_client() -> list[Exchange]:
    cases = [Exchange("no code", (client_frame(CLOSE),), close=codes(1005), reason="")]
    for code in _GOOD_CODES:
        cases.append(Exchange(f"code {code}", (close_frame(code),), close=codes(code)))
        cases.append(Exchange(f"code {code}, a reason", (close_frame(code, b"reason"),), close=codes(code)))
    cases += [
        Exchange(f"a reason {name}", (close_frame(1000, reason),), close=codes(1000))
        for name, reason in _REASONS.items()
    ]
    text = client_frame(TEXT, b"before")
    for name, late in _LATE.items():
        cases += [
            Exchange(f"{name} after the Close", (close_frame(1000) + late,), close=codes(1000)),
            Exchange(f"{name} after the Close, in another read", (close_frame(1000), late), close=codes(1000)),
            Exchange(
                f"a text before, {name} after", (text + close_frame(4000) + late,), ("before",), close=codes(4000)
            ),
        ]
    cases += [
        Exchange("byte by byte", cut(text + close_frame(1000, b"bye"), 1), ("before",), close=codes(1000)),
        Exchange(
            "ten messages and a Close in one read",
            (text * 10 + close_frame(1000),),
            ("before",) * 10,
            close=codes(1000),
        ),
        Exchange(
            "200 messages and a Close in one read",
            (text * 200 + close_frame(1000),),
            ("before",) * 200,
            close=codes(1000),
        ),
    ]
    return cases


def _broken() -> list[Exchange]:
    cases = []
    for code in _BAD_CODES:
        cases.append(Exchange(f"code {code}", (close_frame(code),), close=_BROKEN))
        cases.append(Exchange(f"code {code}, a reason", (close_frame(code, b"reason"),), close=_BROKEN))
    cases += [
        Exchange(f"one byte, {byte:#04x}", (client_frame(CLOSE, bytes((byte,))),), close=_BROKEN)
        for byte in (0, 3, 255)
    ]
    cases += [
        Exchange(f"the reason is not UTF-8: {name}", (close_frame(1000, reason),), close=codes(1007))
        for name, reason in _BAD_REASONS.items()
    ]
    text = client_frame(TEXT, b"before")
    cases.append(Exchange("a wrong code after a message", (text + close_frame(1005),), ("before",), close=_BROKEN))
    return cases


def _by_server() -> list[Exchange]:
    ask = client_frame(TEXT, b"close, please")
    asked = ("close, please",)
    cases = [
        Exchange(
            f"the application closes with {code}",
            (ask,),
            asked,
            close=codes(code),
            reason="as asked",
            path=f"/close/{code}",
            replies=(),
        )
        for code in _GOOD_CODES
    ]
    cases += [
        Exchange(f"{name} after the server's Close", (ask,), asked, close=codes(1000), after=late, path="/close/1000")
        for name, late in _LATE.items()
        if name not in ("another Close", "half a frame")
    ]
    begun = client_frame(TEXT, b"be", fin=False)
    cases += [
        Exchange(
            "the rest of a message after the server's Close",
            (ask + begun,),
            asked,
            close=codes(1000),
            after=client_frame(CONTINUATION, b"gun"),
            path="/close/1000",
        ),
        Exchange("both close at once", (ask + close_frame(1001),), asked, close=codes(1000, 1001), path="/close/1000"),
        Exchange("the handler returns", (), close=codes(1000), path="/return"),
        Exchange("the handler fails", (), close=codes(1011), reason="", path="/raise"),
    ]
    return cases


SECTIONS = [
    Section("6455 5.5.1, 7.1", "the client closes", _by_client()),
    Section("6455 7.4", "close codes and reasons that must not be", _broken()),
    Section("6455 7.1, 7.4", "the server closes", _by_server()),
]
