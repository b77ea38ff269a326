"""Groups of exceptions, as task groups raise them: what one means for the answer."""

from __future__ import annotations

from collections.abc import Iterator


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group and of the groups in it; an exception that is no group is its only leaf."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def find_answer(error: BaseException, answers: tuple[type[Exception], ...]) -> Exception | None:
    """Return the exception that says how to answer: the first one of a group that holds nothing worse.

    Arguments:
        error: the exception that was raised.
        answers: the types of exceptions that say how to answer.

    Returns:
        An instance of one of `answers`; `None` when any other exception was raised, alone or in the group.
    """
    found: Exception | None = None
    for leaf in leaves(error):
        if not isinstance(leaf, answers):
            return None
        found = found or leaf
    return found


def is_failure(error: BaseException) -> bool:
    """Tell whether an exception is a failure of the handler, and not the end of its task or of the process.

    `SystemExit` counts as a failure: `sys.exit()` in a handler, or in a library that it calls, must not end the service
    of all the other clients. `CancelledError` and `KeyboardInterrupt` do not.

    Arguments:
        error: the exception that was raised, alone or as a group.
    """
    return all(isinstance(leaf, (Exception, SystemExit)) for leaf in leaves(error))
