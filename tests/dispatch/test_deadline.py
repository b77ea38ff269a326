"""A deadline is a moment and an event that must happen before it."""

from __future__ import annotations

from enum import Enum

from emmett.dispatch.deadline import Deadline


class Meal(Enum):
    """Kinds of deadlines."""

    LUNCH = "lunch"


def test_a_deadline_has_a_kind_and_a_moment() -> None:
    deadline = Deadline(Meal.LUNCH, 2.5)
    assert (deadline.kind, deadline.at) == (Meal.LUNCH, 2.5)
