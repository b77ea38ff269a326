from __future__ import annotations

from typing import Any

import pytest

from emmett.errors import ConfigurationError
from emmett.sessions.keys import derive_keys


def test_keys_are_derived() -> None:
    (key,) = derive_keys("x" * 16)
    assert len(key) == 32
    assert b"x" not in key
    assert derive_keys(b"x" * 16) == [key] == derive_keys(["x" * 16])


def test_keys_keep_the_order_of_their_secrets() -> None:
    first, second = derive_keys(("one" * 6, b"two" * 6))
    assert [first, second] == [*derive_keys("one" * 6), *derive_keys("two" * 6)]
    assert first != second


def test_any_long_text_is_a_secret() -> None:
    assert len({bytes(derive_keys(text)[0]) for text in ("é" * 16, "\udc80" * 16, "e" * 16)}) == 3


@pytest.mark.parametrize("bad", ["", "x" * 15, b"x" * 15, ["x" * 16, "short"], [], [None], [b"x" * 16, 5]])
def test_invalid_secrets_are_refused(bad: Any) -> None:
    with pytest.raises(ConfigurationError, match="session key"):
        derive_keys(bad)


def test_a_secret_is_never_shown() -> None:
    with pytest.raises(ConfigurationError) as raised:
        derive_keys("hunter2")
    assert "hunter2" not in str(raised.value)
    assert "secrets.token_urlsafe" in str(raised.value)
