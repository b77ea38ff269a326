"""Parse the position at which a subscriber begins, which may come from a visitor."""

from __future__ import annotations

from collections.abc import Sequence

from .publication import Position

# A position, its text, or the list that a repeated query field gives, which is not a position. None and an empty text
# mean no position.
Since = Position | str | Sequence[str] | None

# Replaces anything that is not a position: no history knows it.
UNKNOWN = Position("unknown", 0)


def parse_since(since: Since) -> Position | None:
    """Return the position to begin after; None for none.

    It never raises, because a visitor's input must not cause a server error. Anything that is not a position becomes a
    position that no history knows, so that `recovered` is False.
    """
    if isinstance(since, Position):
        return since
    # A form field or a query field without a value gives an empty text.
    if since is None or since == "":
        return None
    try:
        return Position.parse(since) if isinstance(since, str) else UNKNOWN
    except ValueError:
        return UNKNOWN
