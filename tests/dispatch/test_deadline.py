"""A deadline is a moment and an event that must happen before it."""

from __future__ import annotations

from enum import Enum

from emmett.dispatch.deadline import Deadline


class Meal(Enum):
    """What is waited for."""

    LUNCH = "lunch"


def test_it_carries_its_kind() -> None:
    deadline = Deadline(Meal.LUNCH, 2.5)
    assert (deadline.kind, deadline.at) == (Meal.LUNCH, 2.5)
