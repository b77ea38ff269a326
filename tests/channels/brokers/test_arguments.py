from __future__ import annotations

import math

import pytest

from emmett.channels.brokers.arguments import check_arguments
from emmett.errors import ConfigurationError


@pytest.mark.parametrize("prefix", ["emmett", "a", "a" * 100, "shop.eu:1_x-y"])
def test_valid_prefixes_are_accepted(prefix: str) -> None:
    check_arguments(prefix, 0.1)


@pytest.mark.parametrize("prefix", ["", "a" * 101, "with space", "line\n", "*", "é"])
def test_prefixes_that_a_server_may_misread_are_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^prefix=.*: expected 1 to 100 letters"):
        check_arguments(prefix, 5.0)


@pytest.mark.parametrize("timeout", [0, -1.0, math.inf, math.nan])
def test_timeouts_that_never_or_always_expire_are_refused(timeout: float) -> None:
    with pytest.raises(ConfigurationError, match=r"^timeout=.*: expected seconds above 0$"):
        check_arguments("emmett", timeout)
