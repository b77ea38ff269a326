"""Exception groups, as task groups raise them, and the answer that follows from them."""

from __future__ import annotations

from collections.abc import Iterator


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions of a group and of its nested groups. Any other exception is its own only leaf."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def find_answer(error: BaseException, answers: tuple[type[Exception], ...]) -> Exception | None:
    """Return the exception that determines the answer: the first one of a group without more serious exceptions.

    Arguments:
        error: the exception that was raised.
        answers: the types of exceptions that determine an answer.

    Returns:
        An instance of one of `answers`; `None` if any other exception was raised, alone or in the group.
    """
    found: Exception | None = None
    for leaf in leaves(error):
        if not isinstance(leaf, answers):
            return None
        found = found or leaf
    return found


def is_failure(error: BaseException) -> bool:
    """Return whether an exception is a failure of the handler, rather than the end of its task or of the process.

    `SystemExit` counts as a failure: `sys.exit()` in a handler, or in a library that it calls, must not end the service
    for all other clients. `CancelledError` and `KeyboardInterrupt` do not count.

    Arguments:
        error: the exception that was raised, alone or as a group.
    """
    return all(isinstance(leaf, (Exception, SystemExit)) for leaf in leaves(error))
