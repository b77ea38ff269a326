"""The contract is complete: it has all of its parts, and each of its tests detects a faulty broker."""

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
# It is tested by separate functions in `test_lifecycle`, since it takes more arguments than other faulty brokers.
FOUND_OTHERWISE = {"test_what_strangers_send_is_no_harm"}


def test_no_name_is_used_twice() -> None:
    """A test name used by two parts would run only once."""
    names = [name for part in BrokerContract.__bases__ for name in vars(part) if name.startswith("test_")]
    assert sorted(names) == TESTS


@pytest.mark.parametrize("test", TESTS)
def test_each_test_detects_a_faulty_broker(test: str) -> None:
    found = {name for part in PARTS for _, names in part.CASES for name in names}
    assert test in found | FOUND_OTHERWISE, f"add a broker that {test} detects to the CASES of its part"


@pytest.mark.parametrize("test", sorted(set(TESTS) - FOUND_OTHERWISE))
def test_a_distant_broker_passes(test: str) -> None:
    """The contract requires no more than the port promises: answers and reports may come later, in order."""
    contract = Right()
    contract.kind = DistantBroker
    getattr(contract, test)()
