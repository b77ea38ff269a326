"""Sessions in cookies: only cookies that this application sealed are opened, until they expire (reliability.md, 75)."""

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
def test_a_sealed_session_can_be_opened(content: bytes) -> None:
    assert SEALER.open(SEALER.seal(content)) == (content, 0)


def test_seals_differ_each_time_and_reveal_nothing() -> None:
    tokens = {SEALER.seal(b"the same content") for _ in range(100)}
    assert len(tokens) == len({to_bytes(token)[1:13] for token in tokens}) == 100
    assert not any(b"content" in to_bytes(token) for token in tokens)


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_a_change_of_any_byte_is_detected(mask: int) -> None:
    good = to_bytes(SEALER.seal(b"user=ann"))
    assert SEALER.open(to_token(good)) is not None
    for place in range(len(good)):
        changed = bytearray(good)
        changed[place] ^= mask
        assert SEALER.open(to_token(bytes(changed))) is None, f"byte {place}"


def test_a_change_of_any_letter_is_detected() -> None:
    # All lengths, so that the last letter has two, four and no unused bits.
    for content in (b"user=ann", b"user=anna", b"user=annas"):
        token = SEALER.seal(content)
        for place, letter in enumerate(token):
            for other in (ALPHABET[ALPHABET.index(letter) ^ 1], ALPHABET[ALPHABET.index(letter) ^ 32], "+", "=", " "):
                assert SEALER.open(token[:place] + other + token[place + 1 :]) is None, f"letter {place}"


def test_a_seal_of_another_length_is_refused() -> None:
    good = SEALER.seal(b"user=ann")
    for length in range(len(good)):
        assert SEALER.open(good[:length]) is None
    for more in ("A", "AA", "AAAA", "=", "==", "\n", good):
        assert SEALER.open(good + more) is None
        assert SEALER.open(more + good) is None


def test_parts_of_two_seals_cannot_be_combined() -> None:
    one, other = (to_bytes(SEALER.seal(content)) for content in (b"user=ann", b"user=bob"))
    for cut in (7, 13, len(one) - 16):
        assert SEALER.open(to_token(one[:cut] + other[cut:])) is None


@pytest.mark.parametrize(
    "token", ["", "A", "é" * 60, "\x00" * 60, "A" * 60, "=" * 60, "A" * 5000, "🍪" * 30, "a b" * 20]
)
def test_other_texts_are_refused(token: str) -> None:
    assert SEALER.open(token) is None


@given(st.text(max_size=100) | st.binary(max_size=100).map(to_token))
def test_nothing_that_a_peer_sends_raises(token: str) -> None:
    assert SEALER.open(token) is None


def test_a_seal_that_is_too_long_is_not_opened() -> None:
    assert SEALER.open(SEALER.seal(b"x" * 2900)) is not None
    assert SEALER.open(SEALER.seal(b"x" * 3100)) is None


def test_another_key_or_cookie_name_is_refused() -> None:
    token = SEALER.seal(b"user=ann")
    assert Sealer(KEY + "!", NAME).open(token) is None
    assert Sealer(KEY, "other").open(token) is None
    assert Sealer(KEY, NAME).open(token) == (b"user=ann", 0)


def test_another_version_of_the_format_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    token = SEALER.seal(b"user=ann")
    monkeypatch.setattr(sealed, "VERSION", b"\x02")
    later = Sealer(KEY, NAME)
    assert later.open(token) is None
    # The version is authenticated, so changing the byte that shows it is not enough.
    assert later.open(to_token(b"\x02" + to_bytes(token)[1:])) is None
    assert later.open(later.seal(b"user=ann")) == (b"user=ann", 0)


def test_old_keys_still_open_seals() -> None:
    old, both, new = Sealer("old" * 6, NAME), Sealer(["new" * 6, "old" * 6], NAME), Sealer("new" * 6, NAME)
    token = old.seal(b"x")
    assert both.open(token) == (b"x", 1)
    assert new.open(token) is None
    token = both.seal(b"x")
    assert new.open(token) == both.open(token) == (b"x", 0)
    assert old.open(token) is None


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_values_survive_sealing(values: dict[str, Any]) -> None:
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


async def test_new_values_keep_the_id_and_restart_the_lifetime() -> None:
    clock = Clock()
    kept = keeper(clock)
    record = await kept.create(b'{"user":"ann"}')
    clock.now += 60
    later = await kept.replace(record, b'{"user":"bob"}')
    assert later is not None
    assert (later.id, later.expires) == (record.id, clock.now + EXPIRE)
    assert (await kept.create(b"{}")).id != record.id


async def test_a_session_sealed_with_an_old_key_must_be_sealed_again() -> None:
    record = await keeper(Clock(), "old" * 6).create(b'{"user":"ann"}')
    claim = keeper(Clock(), ["new" * 6, "old" * 6]).identify(record.token)
    assert claim is not None
    assert claim.record is not None
    assert claim.record.stale


@pytest.mark.parametrize(
    "content", [b"", b"null", b"[]", b'["id",1e9,{}]', b'["id",9999999999,[]]', b"\xff", b"[" * 9999]
)
def test_foreign_data_sealed_with_our_key_is_refused(content: bytes) -> None:
    assert keeper(Clock()).identify(SEALER.seal(content)) is None
