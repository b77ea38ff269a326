"""Context variables of start-up functions."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import TypeVar

from emmett.dispatch.startup import apply_changes, find_changes

Result = TypeVar("Result")

old: ContextVar[str] = ContextVar("old")
new: ContextVar[str] = ContextVar("new")
kept: ContextVar[str] = ContextVar("kept")


def in_context(call: Callable[[], Result], **values: str) -> Result:
    def run() -> Result:
        for variable in (old, new, kept):
            if variable.name in values:
                variable.set(values[variable.name])
        return call()

    return Context().run(run)


def values() -> tuple[str | None, str | None, str | None]:
    return old.get(None), new.get(None), kept.get(None)


def test_variables_set_at_startup_are_set_for_handlers() -> None:
    before = in_context(copy_context, old="1", kept="k")
    after = in_context(copy_context, old="2", new="n", kept="k")
    changes = find_changes(before, after)
    assert {change.variable.name for change in changes} == {"old", "new"}

    def run() -> tuple[str | None, str | None, str | None]:
        apply_changes(changes)
        return values()

    assert in_context(run, old="1", kept="k") == ("2", "n", "k")
    # Variables set in the meantime, such as by middleware around the application, keep their values.
    assert in_context(run, old="of the request", new="too") == ("of the request", "too", None)


def test_without_changes_nothing_is_set() -> None:
    context = in_context(copy_context, old="1")
    assert find_changes(context, context) == []
