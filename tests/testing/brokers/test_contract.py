"""The contract is whole: all of its parts are in it, and each of its tests finds a broker that is wrong."""

from __future__ import annotations

import pytest

from emmett.testing.brokers import BrokerContract
from tests.testing.brokers import (
    test_history,
    test_leases,
    test_lifecycle,
    test_once,
    test_outage,
    test_patterns,
    test_presence,
    test_publishing,
    test_rates,
)
from tests.testing.brokers.broken import Right
from tests.testing.brokers.distant import DistantBroker

TESTS = sorted(name for name in dir(BrokerContract) if name.startswith("test_"))
PARTS = (
    test_publishing,
    test_patterns,
    test_history,
    test_presence,
    test_rates,
    test_leases,
    test_lifecycle,
    test_once,
    test_outage,
)
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


@pytest.mark.parametrize("test", sorted(set(TESTS) - FOUND_OTHERWISE))
def test_a_broker_far_away_passes(test: str) -> None:
    """The contract asks for no more than the port promises: answers and reports may come later, in their order."""
    contract = Right()
    contract.kind = DistantBroker
    getattr(contract, test)()
