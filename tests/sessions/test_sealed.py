"""Sessions in cookies: only what this application sealed opens, and only while it lives (reliability.md, line 75)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emmett.sessions import sealed
from emmett.sessions.encoding import encode
from emmett.sessions.sealed import SealedKeeper, Sealer
from tests.sessions.visiting import EXPIRE, KEY, NAME, Clock

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SEALER = Sealer(KEY, NAME)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=20,
)


def to_bytes(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def to_token(sealed: bytes) -> str:
    return urlsafe_b64encode(sealed).rstrip(b"=").decode()


def keeper(clock: Clock, key: str | list[str] = KEY) -> SealedKeeper:
    return SealedKeeper(Sealer(key, NAME), EXPIRE, clock)


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens(content: bytes) -> None:
    assert SEALER.open(SEALER.seal(content)) == (content, 0)


def test_no_two_seals_are_alike_and_nothing_shows() -> None:
    tokens = {SEALER.seal(b"the same content") for _ in range(100)}
    assert len(tokens) == len({to_bytes(token)[1:13] for token in tokens}) == 100
    assert not any(b"content" in to_bytes(token) for token in tokens)


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_every_byte_counts(mask: int) -> None:
    good = to_bytes(SEALER.seal(b"user=ann"))
    assert SEALER.open(to_token(good)) is not None
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= mask
        assert SEALER.open(to_token(bytes(changed))) is None, f"byte {place}"


def test_every_letter_counts() -> None:
    # All lengths, so that the last letter has two, four and no bits that mean nothing.
    for content in (b"user=ann", b"user=anna", b"user=annas"):
        token = SEALER.seal(content)
        for place, letter in enumerate(token):
            for other in (ALPHABET[ALPHABET.index(letter) ^ 1], ALPHABET[ALPHABET.index(letter) ^ 32], "+", "=", " "):
                assert SEALER.open(token[:place] + other + token[place + 1 :]) is None, f"letter {place}"


def test_cut_and_extended() -> None:
    good = SEALER.seal(b"user=ann")
    for length in range(len(good)):
        assert SEALER.open(good[:length]) is None
    for more in ("A", "AA", "AAAA", "=", "==", "\n", good):
        assert SEALER.open(good + more) is None
        assert SEALER.open(more + good) is None


def test_parts_of_two_seals_do_not_go_together() -> None:
    one, other = (to_bytes(SEALER.seal(content)) for content in (b"user=ann", b"user=bob"))
    for cut in (7, 13, len(one) - 16):
        assert SEALER.open(to_token(one[:cut] + other[cut:])) is None


@pytest.mark.parametrize(
    "token", ["", "A", "é" * 60, "\x00" * 60, "A" * 60, "=" * 60, "A" * 5000, "🍪" * 30, "a b" * 20]
)
def test_what_was_never_sealed(token: str) -> None:
    assert SEALER.open(token) is None


@given(st.text(max_size=100) | st.binary(max_size=100).map(to_token))
def test_nothing_that_a_peer_sends_raises(token: str) -> None:
    assert SEALER.open(token) is None


def test_what_is_too_long_to_be_ours_is_not_looked_at() -> None:
    assert SEALER.open(SEALER.seal(b"x" * 2900)) is not None
    assert SEALER.open(SEALER.seal(b"x" * 3100)) is None


def test_a_foreign_key_and_another_cookie() -> None:
    token = SEALER.seal(b"user=ann")
    assert Sealer(KEY + "!", NAME).open(token) is None
    assert Sealer(KEY, "other").open(token) is None
    assert Sealer(KEY, NAME).open(token) == (b"user=ann", 0)


def test_another_version_of_the_format(monkeypatch: pytest.MonkeyPatch) -> None:
    token = SEALER.seal(b"user=ann")
    monkeypatch.setattr(sealed, "VERSION", b"\x02")
    later = Sealer(KEY, NAME)
    assert later.open(token) is None
    # The version is authenticated: to change the byte that shows it is not enough.
    assert later.open(to_token(b"\x02" + to_bytes(token)[1:])) is None
    assert later.open(later.seal(b"user=ann")) == (b"user=ann", 0)


def test_keys_rotate() -> None:
    old, both, new = Sealer("old" * 6, NAME), Sealer(["new" * 6, "old" * 6], NAME), Sealer("new" * 6, NAME)
    token = old.seal(b"x")
    assert both.open(token) == (b"x", 1)
    assert new.open(token) is None
    token = both.seal(b"x")
    assert new.open(token) == both.open(token) == (b"x", 0)
    assert old.open(token) is None


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_values_come_back(values: dict[str, Any]) -> None:
    kept = keeper(Clock())
    record = kept._seal("an id", encode(values))
    assume(len(record.token) <= 4096)
    claim = kept.identify(record.token)
    assert claim is not None
    assert claim.record is not None
    assert (claim.id, claim.record.values, claim.record.data) == ("an id", values, encode(values))


async def test_a_session_ends_with_its_time() -> None:
    clock = Clock()
    kept = keeper(clock)
    record = await kept.create(b'{"user":"ann"}')
    assert record.expires == clock.now + EXPIRE
    clock.now += EXPIRE - 1
    assert (claim := kept.identify(record.token)) is not None
    assert (await kept.load(claim)) == claim.record
    clock.now += 1
    assert kept.identify(record.token) is None


async def test_new_values_keep_the_id_and_the_time_begins_anew() -> None:
    clock = Clock()
    kept = keeper(clock)
    record = await kept.create(b'{"user":"ann"}')
    clock.now += 60
    later = await kept.replace(record, b'{"user":"bob"}')
    assert later is not None
    assert (later.id, later.expires) == (record.id, clock.now + EXPIRE)
    assert (await kept.create(b"{}")).id != record.id


async def test_what_an_old_key_sealed_is_to_be_sealed_anew() -> None:
    record = await keeper(Clock(), "old" * 6).create(b'{"user":"ann"}')
    claim = keeper(Clock(), ["new" * 6, "old" * 6]).identify(record.token)
    assert claim is not None
    assert claim.record is not None
    assert claim.record.stale


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b'["id",1e9,{}]', b'["id",9999999999,[]]', b"\xff", b"[" * 9999]
)
def test_what_another_program_sealed_with_our_key(content: bytes) -> None:
    assert keeper(Clock()).identify(SEALER.seal(content)) is None
