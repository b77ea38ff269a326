"""A handshake that equals a valid one is not checked again; any other one is."""

from __future__ import annotations

import pytest

from emmett.server.known_handshakes import MAX_HANDSHAKES, MAX_SIZE, KnownHandshakes
from emmett.wire.handshake import Upgrade, check_upgrade

Fields = list[tuple[bytes, bytes]]

KEY, OTHER_KEY = b"dGhlIHNhbXBsZSBub25jZQ==", b"AAAAAAAAAAAAAAAAAAAAAA=="


def handshake(key: bytes = KEY, *more: tuple[bytes, bytes], host: bytes = b"chat.example") -> Fields:
    return [
        (b"host", host),
        (b"upgrade", b"websocket"),
        (b"connection", b"Upgrade"),
        (b"sec-websocket-key", key),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-protocol", b"chat, log"),
        (b"origin", b"https://chat.example"),
        *more,
    ]


def spelled(fields: Fields, line: bytes = b"GET /chat HTTP/1.1") -> bytes:
    """Return a head as clients spell it."""
    return b"".join([line, b"\r\n", *(b"%b: %b\r\n" % (name.title(), value) for name, value in fields), b"\r\n"])


def remember(fields: Fields, data: bytes = b"") -> KnownHandshakes:
    known = KnownHandshakes()
    known.add(data or spelled(fields), fields, check_upgrade(b"GET", "1.1", fields))
    return known


@pytest.mark.parametrize("key", [KEY, OTHER_KEY])
def test_a_known_handshake_has_the_results_of_the_checks_its_own_key_and_its_own_target(key: bytes) -> None:
    found = remember(handshake()).find(spelled(handshake(key), b"GET /other?x=1 HTTP/1.1"))
    assert found is not None
    known, target, found_key = found
    assert (target, found_key, known.headers(key)) == (b"/other?x=1", key, handshake(key))
    assert Upgrade(key, *known.upgrade[1:]) == check_upgrade(b"GET", "1.1", handshake(key))


def test_a_name_in_lower_case_is_known_too() -> None:
    data = spelled(handshake()).lower().replace(b"get /chat http", b"GET /chat HTTP").replace(KEY.lower(), KEY)
    assert remember(handshake(), data).find(data) is not None
    assert remember(handshake(), data).find(spelled(handshake())) is None


@pytest.mark.parametrize(
    "fields",
    [
        handshake(host=b"other.example"),
        handshake(KEY, (b"accept", b"*/*")),
        handshake()[1:],
        handshake()[::-1],
        handshake(b"too short"),
        handshake(b" " + KEY),
        handshake(KEY[:-1] + b"\n"),
        [field for field in handshake() if field[0] != b"sec-websocket-key"],
        [*handshake(), (b"sec-websocket-key", KEY)],
        handshake(KEY, (b"content-length", b"5")),
    ],
)
def test_any_other_handshake_is_checked(fields: Fields) -> None:
    assert remember(handshake()).find(spelled(fields)) is None


@pytest.mark.parametrize(
    "line",
    [
        *(b"POST /chat HTTP/1.1", b"GET /chat HTTP/1.0", b"GET  /chat HTTP/1.1", b"GET http://x/ HTTP/1.1"),
        *(b"GET /chat#x HTTP/1.1", b"GET /\x80 HTTP/1.1", b" GET /chat HTTP/1.1", b"\r\nGET /chat HTTP/1.1"),
        *(b"GET / HTTP/1.1\r\n\r\nGET /chat HTTP/1.1", b"GET /\r\nX: y HTTP/1.1"),
    ],
)
def test_an_unusual_request_line_is_left_to_the_parser(line: bytes) -> None:
    assert remember(handshake()).find(spelled(handshake(), line)) is None


def test_more_or_less_than_one_head_is_left_to_the_parser() -> None:
    known, data = remember(handshake()), spelled(handshake())
    assert known.find(data) is not None
    assert all(known.find(data[:size]) is None for size in range(len(data)))
    assert known.find(data + b"\x81") is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n" + spelled(handshake()),
        spelled(handshake()) + b"\x81\x80",
        spelled(handshake())[5:],
        spelled(handshake()).replace(b"Host: ", b"Host:"),
        spelled(handshake()).replace(b"Host: ", b"Host:  "),
        spelled(handshake(host=b"hey: chat.example")),
    ],
)
def test_a_head_that_is_not_spelled_as_usual_is_not_kept(data: bytes) -> None:
    assert remember(handshake(), data).find(data) is None


@pytest.mark.parametrize("name", [b"cookie", b"authorization", b"x-forwarded-for", b"x-token"])
def test_values_of_a_single_visitor_are_not_kept(name: bytes) -> None:
    fields = handshake(KEY, (name, b"secret"))
    assert remember(fields).find(spelled(fields)) is None


@pytest.mark.parametrize(("size", "kept"), [(MAX_SIZE // 2, True), (MAX_SIZE, False)])
def test_a_large_handshake_is_not_kept(size: int, kept: bool) -> None:
    fields = handshake(KEY, (b"user-agent", b"x" * size))
    assert (remember(fields).find(spelled(fields)) is not None) is kept


def test_the_oldest_of_many_is_forgotten() -> None:
    known = KnownHandshakes()
    hosts = [f"{number}.example".encode() for number in range(MAX_HANDSHAKES + 1)]
    for host in hosts:
        fields = handshake(host=host)
        known.add(spelled(fields), fields, check_upgrade(b"GET", "1.1", fields))
    assert known.find(spelled(handshake(host=hosts[0]))) is None
    assert all(known.find(spelled(handshake(host=host))) is not None for host in hosts[1:])
