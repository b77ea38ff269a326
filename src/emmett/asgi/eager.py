"""Begin an awaitable at once: most servers take a message without waiting, which then needs no turn and no deadline."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any


def begin(awaitable: Awaitable[object]) -> Rest | None:
    """Run an awaitable until it waits for something.

    It must be called from a task, and what it returns awaited in the same step of that task.

    Returns:
        The rest of it; None if it is complete.

    Raises:
        Exception: what the awaitable raises.
    """
    steps = awaitable.__await__()
    try:
        return Rest(next(steps), steps)
    except StopIteration:
        return None


class Rest:
    """An awaitable that has begun, and waits for something.

    Arguments:
        waiting: what it has yielded to the event loop.
        steps: its iterator.
    """

    __slots__ = ("_steps", "_waiting")

    def __init__(self, waiting: Any, steps: Generator[Any, Any, object]) -> None:
        self._waiting = waiting
        self._steps = steps

    def __await__(self) -> Generator[Any, Any, None]:
        """Yield what it waits for, then go on."""
        steps, waiting = self._steps, self._waiting
        # An iterator that is no generator, as servers in other languages have, cannot learn that it is cancelled.
        throw: Callable[[BaseException], Any] | None = getattr(steps, "throw", None)
        while True:
            cancelled: BaseException | None = None
            try:
                yield waiting
            except BaseException as error:
                if throw is None:
                    raise
                cancelled = error
            try:
                waiting = next(steps) if cancelled is None or throw is None else throw(cancelled)
            except StopIteration:
                return
