"""Groups of exceptions, as task groups raise them: what one means for the answer."""

from __future__ import annotations

from collections.abc import Iterator


def leaves(error: Exception) -> Iterator[Exception]:
    """Give the exceptions of a group and of the groups in it; an exception that is no group is its only leaf."""
    if isinstance(error, ExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def find_answer(error: Exception, answers: tuple[type[Exception], ...]) -> Exception | None:
    """Return the exception that says how to answer: the first one of a group that holds nothing worse.

    Arguments:
        error: what was raised.
        answers: the exceptions that say how to answer.

    Returns:
        One of `answers`; None when something else was raised, alone or beside them.
    """
    found = list(leaves(error))
    return found[0] if found and all(isinstance(leaf, answers) for leaf in found) else None
