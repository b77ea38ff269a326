"""RFC 6455, 4.1 and 4.2: the opening handshake."""

from __future__ import annotations

from collections.abc import Mapping

from tests.wire.frame_maker import BINARY, TEXT, client_frame

from ..case import KEY, Handshake, Section, codes, cut, request

_SWITCH = codes(101)
_BAD = codes(400)
_UPGRADE_WANTED = {"sec-websocket-version": "13", "upgrade": "websocket"}

Changes = Mapping[bytes, bytes | None]

# Requests that must be accepted: 4.2.1 and RFC 9110, 5 and 7.6.1.
_GOOD: dict[str, Changes] = {
    "the request of the RFC": {},
    "Upgrade in capitals": {b"Upgrade": b"WEBSOCKET"},
    "Upgrade in mixed case": {b"Upgrade": b"WebSocket"},
    "Upgrade lists more": {b"Upgrade": b"h2c, websocket"},
    "Connection in lower case": {b"Connection": b"upgrade"},
    "Connection in capitals": {b"Connection": b"UPGRADE"},
    "Connection lists keep-alive before": {b"Connection": b"keep-alive, Upgrade"},
    "Connection lists keep-alive after": {b"Connection": b"Upgrade, keep-alive"},
    "Connection lists without a space": {b"Connection": b"keep-alive,upgrade"},
    "Connection with empty members": {b"Connection": b", ,Upgrade, ,"},
    "Connection with tabs": {b"Connection": b"keep-alive,\tUpgrade\t"},
    "blanks around the key": {b"Sec-WebSocket-Key": b"  " + KEY + b" \t"},
    "blanks around the version": {b"Sec-WebSocket-Version": b"\t13 "},
    "Host with a port": {b"Host": b"localhost:8000"},
    "Host is an IPv4 address": {b"Host": b"127.0.0.1"},
    "Host is an IPv6 address": {b"Host": b"[::1]:8000"},
    "no Origin": {b"Origin": None},
    "the Origin of the same host": {b"Origin": b"http://localhost"},
    "an extension that nobody knows": {b"Sec-WebSocket-Extensions": b"x-nobody-knows; a=1"},
    "a subprotocol that is not spoken": {b"Sec-WebSocket-Protocol": b"nobody.v1"},
    "a User-Agent and cookies": {b"User-Agent": b"case/1", b"Cookie": b"a=1; b=2"},
    "a Content-Length of 0": {b"Content-Length": b"0"},
}

# Requests that must be refused with 400.
_WRONG: dict[str, Changes] = {
    "no Host": {b"Host": None},
    "an empty Host": {b"Host": b""},
    "a Host with a path": {b"Host": b"localhost/?x="},
    "a Host with a user": {b"Host": b"me@localhost"},
    "a Host with a blank": {b"Host": b"local host"},
    "a Host with a port too high": {b"Host": b"localhost:65536"},
    "no Upgrade": {b"Upgrade": None},
    "Upgrade to something else": {b"Upgrade": b"websockets"},
    "no Connection": {b"Connection": None},
    "Connection does not list upgrade": {b"Connection": b"keep-alive"},
    "Connection lists a look-alike": {b"Connection": b"notupgrade"},
    "no key": {b"Sec-WebSocket-Key": None},
    "an empty key": {b"Sec-WebSocket-Key": b""},
    "a key of 15 bytes": {b"Sec-WebSocket-Key": b"AAAAAAAAAAAAAAAAAAAA"},
    "a key of 17 bytes": {b"Sec-WebSocket-Key": b"AAAAAAAAAAAAAAAAAAAAAAA="},
    "a key without padding": {b"Sec-WebSocket-Key": KEY.rstrip(b"=")},
    "a key with too much padding": {b"Sec-WebSocket-Key": KEY + b"="},
    "a key with a foreign letter": {b"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25jZ!=="},
    "a key in base64url": {b"Sec-WebSocket-Key": b"dGhlIHNhbXBsZSBub25j_-=="},
    "a key with a blank inside": {b"Sec-WebSocket-Key": b"dGhlIHNhbXBs ZSBub25jZQ=="},
    "a body is announced": {b"Content-Length": b"5"},
    "a chunked body": {b"Transfer-Encoding": b"chunked"},
    "Origin is not ASCII": {b"Origin": b"http://caf\xe9"},
    "a subprotocol that is no token": {b"Sec-WebSocket-Protocol": b"chat v2"},
    "a subprotocol twice": {b"Sec-WebSocket-Protocol": b"chat.v2, chat.v2"},
    "an empty list of subprotocols": {b"Sec-WebSocket-Protocol": b","},
}

_VERSIONS = [None, b"", b"0", b"7", b"8", b"12", b"14", b"25", b"013", b"13.0", b"+13", b"13, 8", b"thirteen"]

# Lines that make a head invalid (RFC 9112, 2.2, 5 and 5.1; RFC 9110, 5.5).
_BROKEN_LINES = {
    "a doubled Host": b"Host: localhost",
    "a doubled key": b"Sec-WebSocket-Key: " + KEY,
    "a doubled version": b"Sec-WebSocket-Version: 13",
    "a doubled Origin": b"Origin: http://localhost\r\nOrigin: http://localhost",
    "NUL in a value": b"X-Field: a\x00b",
    "vertical tab in a value": b"X-Field: a\x0bb",
    "form feed in a value": b"X-Field: a\x0cb",
    "a separator of 0x1c in a value": b"X-Field: a\x1cb",
    "DEL in a value": b"X-Field: a\x7fb",
    "NEL in a value": b"X-Field: a\x85b",
    "a bare CR in a value": b"X-Field: a\rb",
    "a blank before the colon": b"X-Field : a",
    "a folded line": b"X-Field: a\r\n b",
    "no name": b": a",
    "no colon": b"X-Field",
    "a name with a blank": b"X Field: a",
    "a name that is not ASCII": b"X-F\xefeld: a",
}

# Bytes that are not a request.
_GARBAGE = {
    "one word": b"GET\r\n\r\n",
    "no version": b"GET /plain\r\n\r\n",
    "a version that does not exist": request(line=b"GET /plain HTTP/9.9"),
    "the beginning of TLS": bytes.fromhex("16030100a5010000a10303") + bytes(200),
    "binary": bytes(range(128, 256)) * 4,
    "a frame": client_frame(TEXT, b"hello") * 8,
    "a target that is no path": request(line=b"GET plain HTTP/1.1"),
    "a target with a fragment": request(line=b"GET /plain#top HTTP/1.1"),
    "a target with a blank": request(line=b"GET /pl ain HTTP/1.1"),
}

_METHODS = [b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH"]


def _requests() -> list[Handshake]:
    good = [Handshake(name, (request(changes),), _SWITCH) for name, changes in _GOOD.items()]
    wrong = [Handshake(name, (request(changes),), _BAD) for name, changes in _WRONG.items()]
    broken = [Handshake(name, (request({}, line),), _BAD) for name, line in _BROKEN_LINES.items()]
    garbage = [Handshake(name, (data,), codes(400, 505)) for name, data in _GARBAGE.items()]
    methods = [
        Handshake(f"the method {method.decode()}", (request(line=method + b" /plain HTTP/1.1"),), codes(405))
        for method in _METHODS
        # The answer to HEAD has no body, which the reader of the other answers does not expect.
        if method != b"HEAD"
    ]
    versions = [
        Handshake(f"version {version!r}", (request({b"Sec-WebSocket-Version": version}),), codes(426), _UPGRADE_WANTED)
        for version in _VERSIONS
    ]
    old = [Handshake("HTTP/1.0", (request(line=b"GET /plain HTTP/1.0"),), codes(400, 505))]
    return [*good, *wrong, *broken, *garbage, *methods, *versions, *old]


def _answers() -> list[Handshake]:
    """Return cases on the choices and refusals of the server (section 4.2.2)."""
    chat = b"GET /chat HTTP/1.1"
    offers = {b"chat.v2": "chat.v2", b"chat.v1, chat.v2": "chat.v2", b"chat.v1,chat.v2 ,x": "chat.v2", b"chat.v1": None}
    subprotocols = [
        Handshake(
            f"subprotocols {offer.decode()!r}",
            (request({b"Sec-WebSocket-Protocol": offer}, line=chat),),
            _SWITCH,
            {"sec-websocket-protocol": chosen},
        )
        for offer, chosen in offers.items()
    ]
    two_lines = request({b"Sec-WebSocket-Protocol": b"chat.v1"}, b"Sec-WebSocket-Protocol: chat.v2", line=chat)
    refused = [
        Handshake(f"the application refuses with {status}", (request(line=line),), codes(status))
        for status in (401, 403, 404, 410, 429, 503)
        for line in (f"GET /refuse/{status} HTTP/1.1".encode(),)
    ]
    origins = [
        Handshake(f"a page of {origin!r}", (request({b"Origin": origin.encode()}),), codes(403))
        for origin in ("http://example.com", "http://localhost.example.com", "https://localhost", "null", "localhost")
    ]
    return [
        *subprotocols,
        Handshake("subprotocols on two lines", (two_lines,), _SWITCH, {"sec-websocket-protocol": "chat.v2"}),
        *refused,
        *origins,
        Handshake("no such path", (request(line=b"GET /nowhere HTTP/1.1"),), codes(404)),
        Handshake("the target names the host", (request(line=b"GET http://localhost/plain HTTP/1.1"),), _SWITCH),
        Handshake("the target names another host", (request(line=b"GET http://other/plain HTTP/1.1"),), _BAD),
    ]


def _reading() -> list[Handshake]:
    """Return cases with the request in pieces, which must not matter."""
    head = request()
    frames = client_frame(TEXT, b"early") + client_frame(BINARY, b"\x00\xff")
    following = ("early", b"\x00\xff")
    whole = head + frames
    sizes = [Handshake(f"the request in pieces of {size}", cut(head, size), _SWITCH) for size in (1, 2, 3, 7, 64)]
    early = [
        Handshake("frames in the same read", (whole,), _SWITCH, following=following),
        Handshake("frames in the same read, byte by byte", cut(whole, 1), _SWITCH, following=following),
        Handshake("frames in a read of their own, before the answer", (head, frames), _SWITCH, following=following),
    ]
    spots = [
        Handshake(f"cut at byte {spot}", (whole[:spot], whole[spot:]), _SWITCH, following=following)
        for spot in range(len(head) - 6, len(whole))
    ]
    return [*sizes, *early, *spots]


SECTIONS = [
    Section("6455 4.1, 4.2.1", "reading the opening handshake", _requests()),
    Section("6455 4.2.2", "answering the opening handshake", _answers()),
    Section("6455 4.2.1, chopping", "the opening handshake in pieces, frames right after it", _reading()),
]
