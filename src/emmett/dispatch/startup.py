"""Context variables that start-up functions set: handlers see them, in whatever task a server runs either."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import Context, ContextVar
from typing import Any, NamedTuple

_MISSING = object()


class VariableChange(NamedTuple):
    """A context variable that a start-up function has set.

    Fields:
        variable: the variable.
        before: its value before start-up, or a marker if it had none.
        after: its value after start-up.
    """

    variable: ContextVar[Any]
    before: object
    after: object


def find_changes(before: Context, after: Context) -> list[VariableChange]:
    """Return the context variables that differ between two contexts.

    Arguments:
        before: the context before start-up.
        after: the context after start-up.
    """
    changes = []
    for variable, value in after.items():
        earlier = before.get(variable, _MISSING)
        if earlier is not value:
            changes.append(VariableChange(variable, earlier, value))
    return changes


def apply_changes(changes: Iterable[VariableChange]) -> None:
    """Set these variables in the current context, except those that were changed since start-up."""
    for variable, before, after in changes:
        if variable.get(_MISSING) is before:
            variable.set(after)
