"""Where a subscriber begins: a position as an application passes it on, which may have come from a visitor."""

from __future__ import annotations

from collections.abc import Sequence

from .publication import Position

# A position, or its text; or what a repeated field of a query gives, which is no position. None and an empty text are
# for none.
Since = Position | str | Sequence[str] | None

# Stands for what is no position: no history knows it.
UNKNOWN = Position("unknown", 0)


def parse_since(since: Since) -> Position | None:
    """Return the position to begin after; None for none.

    It never raises, since what a visitor sends must not end in an error of the server: what is no position becomes one
    that no history knows, so that `recovered` is False.
    """
    if isinstance(since, Position):
        return since
    # An empty text is what a form field or a query without a value gives.
    if since is None or since == "":
        return None
    try:
        return Position.parse(since) if isinstance(since, str) else UNKNOWN
    except ValueError:
        return UNKNOWN
