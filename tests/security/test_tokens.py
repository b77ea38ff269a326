"""Tokens for forms: every mask of a secret is valid, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.security.tokens import is_secret, mask, matches, new_secret

SECRET = new_secret()
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_every_mask_is_different_and_valid() -> None:
    tokens = {mask(SECRET) for _ in range(100)}
    assert len(tokens) == 100
    assert all(matches(token, SECRET) for token in tokens)
    # The masks reveal nothing of the secret.
    assert all(len({token[place] for token in tokens}) > 5 for place in range(85))


def test_secrets_are_random_and_recognised() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert is_secret(SECRET)
    assert not matches(mask(SECRET), new_secret())
    for value in (None, 7, "", "x", SECRET[:-1], SECRET + "A", SECRET.encode(), "é" * 43, "=" * 43):
        assert not is_secret(value)


@given(st.integers(0, 85), st.sampled_from(LETTERS))
def test_a_token_with_a_changed_letter_is_refused(place: int, letter: str) -> None:
    token = mask(SECRET)
    changed = token[:place] + letter + token[place + 1 :]
    assert matches(changed, SECRET) == (changed == token)


@given(st.none() | st.integers() | st.text() | st.binary() | st.lists(st.text()))
def test_nothing_else_is_a_token(value: object) -> None:
    assert not matches(value, SECRET)


@pytest.mark.parametrize("cut", [0, 1, 43, 85])
def test_a_token_of_another_length_is_refused(cut: int) -> None:
    token = mask(SECRET)
    assert not matches(token[:cut], SECRET)
    assert not matches(token + "A" * (cut + 1), SECRET)
    assert not matches(token + "=", SECRET)
