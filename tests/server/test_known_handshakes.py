"""A handshake that equals a valid one is not checked again; any other one is."""

from __future__ import annotations

import pytest

from emmett.server.known_handshakes import MAX_HANDSHAKES, MAX_SIZE, KnownHandshakes
from emmett.wire.handshake import check_upgrade

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


def remember(fields: Fields) -> KnownHandshakes:
    known = KnownHandshakes()
    known.add(fields, check_upgrade(b"GET", "1.1", fields))
    return known


def test_a_known_handshake_has_the_results_of_the_checks_and_its_own_key() -> None:
    known = remember(handshake())
    for key in (KEY, OTHER_KEY):
        assert known.find(handshake(key)) == check_upgrade(b"GET", "1.1", handshake(key))


@pytest.mark.parametrize(
    "fields",
    [
        handshake(host=b"other.example"),
        handshake(KEY, (b"accept", b"*/*")),
        handshake()[1:],
        handshake()[::-1],
        handshake(b"too short"),
        handshake(b" " + KEY),
        [field for field in handshake() if field[0] != b"sec-websocket-key"],
        [*handshake(), (b"sec-websocket-key", KEY)],
        handshake(KEY, (b"content-length", b"5")),
    ],
)
def test_any_other_handshake_is_checked(fields: Fields) -> None:
    assert remember(handshake()).find(fields) is None


@pytest.mark.parametrize("name", [b"cookie", b"authorization", b"x-forwarded-for", b"x-token"])
def test_values_of_a_single_visitor_are_not_kept(name: bytes) -> None:
    fields = handshake(KEY, (name, b"secret"))
    assert remember(fields).find(fields) is None


@pytest.mark.parametrize(("size", "kept"), [(MAX_SIZE // 2, True), (MAX_SIZE, False)])
def test_a_large_handshake_is_not_kept(size: int, kept: bool) -> None:
    fields = handshake(KEY, (b"user-agent", b"x" * size))
    assert (remember(fields).find(fields) is not None) is kept


def test_the_oldest_of_many_is_forgotten() -> None:
    known = KnownHandshakes()
    hosts = [f"{number}.example".encode() for number in range(MAX_HANDSHAKES + 1)]
    for host in hosts:
        fields = handshake(host=host)
        known.add(fields, check_upgrade(b"GET", "1.1", fields))
    assert known.find(handshake(host=hosts[0])) is None
    assert all(known.find(handshake(host=host)) is not None for host in hosts[1:])
