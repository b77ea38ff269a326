"""The contract is whole: all of its parts are in it, and each of its tests finds a broker that is wrong."""

from __future__ import annotations

import pytest

from emmett.testing.brokers import BrokerContract
from tests.testing.brokers import (
    test_history,
    test_lifecycle,
    test_outage,
    test_patterns,
    test_presence,
    test_publishing,
)
from tests.testing.brokers.broken import Right

TESTS = sorted(name for name in dir(BrokerContract) if name.startswith("test_"))
PARTS = (test_publishing, test_patterns, test_history, test_presence, test_lifecycle, test_outage)
# It has functions of its own below `test_lifecycle`, since it takes more than another broker.
FOUND_OTHERWISE = {"test_what_strangers_send_is_no_harm"}


def test_no_name_is_used_twice() -> None:
    """A test that two parts have would be run once."""
    names = [name for part in BrokerContract.__bases__ for name in vars(part) if name.startswith("test_")]
    assert sorted(names) == TESTS


@pytest.mark.parametrize("test", TESTS)
def test_each_test_finds_something(test: str) -> None:
    found = {name for part in PARTS for _, names in part.CASES for name in names}
    assert test in found | FOUND_OTHERWISE, f"write a broker that {test} finds out, into the CASES of its part"


def test_the_reference_passes() -> None:
    """The right broker of these tests, of which the wrong ones differ in one thing each."""
    for test in set(TESTS) - FOUND_OTHERWISE:
        getattr(Right(), test)()
