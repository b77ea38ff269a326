"""Faults of a connection in memory."""

from __future__ import annotations

from typing import Any

import pytest

from emmett.errors import ConfigurationError
from emmett.testing import Faults


def sizes(faults: Faults, total: int) -> list[int]:
    cut = faults.cutter()
    found = []
    while total:
        found.append(cut(total))
        total -= found[-1]
    return found


def test_without_faults_everything_arrives_at_once() -> None:
    assert sizes(Faults(), 100_000) == [100_000]


def test_data_may_arrive_in_pieces() -> None:
    assert sizes(Faults(piece=4), 10) == [4, 4, 2]


def test_random_pieces_depend_only_on_the_seed() -> None:
    first = sizes(Faults(piece=7, seed=1), 1000)
    assert set(first) == set(range(1, 8))
    assert sizes(Faults(piece=7, seed=1), 1000) == first
    assert sizes(Faults(piece=7, seed=2), 1000) != first


@pytest.mark.parametrize(
    "values", [{"piece": 0}, {"piece": 1.5}, {"piece": True}, {"window": 0}, {"break_after": -1}, {"seed": 1}]
)
def test_invalid_faults_are_refused(values: dict[str, Any]) -> None:
    (name,) = values
    with pytest.raises(ConfigurationError, match=rf"Faults\({name}="):
        Faults(**values)
