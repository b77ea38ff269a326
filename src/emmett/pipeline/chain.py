"""One link of a flow: a pipe's `pipe`, success and failure hooks around what lies behind them."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, TypeAlias

from ..errors import UsageError
from .hooks import Hook, invoke, is_awaitable
from .outcome import invoke_beside, is_success

Call: TypeAlias = Callable[..., Awaitable[Any]]


class Passage(Enum):
    """How far one run of the flow has come behind a pipe."""

    NOT_CALLED = auto()
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()


class Next:
    """The `next_pipe` of one run: goes on once, and remembers how that ended.

    Arguments:
        behind: what lies behind the pipe.
        name: the `Class.hook` that gets this object, for messages.
    """

    # The outcome, not the error: a kept error would tie its traceback into a cycle and the connection with it.
    __slots__ = ("_behind", "_name", "passage")

    def __init__(self, behind: Call, name: str) -> None:
        self._behind = behind
        self._name = name
        self.passage = Passage.NOT_CALLED

    def __call__(self, /, **kwargs: Any) -> Awaitable[Any]:
        """Go on with the flow. Raises `UsageError` on a second call."""
        if self.passage is not Passage.NOT_CALLED:
            raise UsageError(f"{self._name} called next_pipe a second time: a pipe may call it once")
        self.passage = Passage.RUNNING
        return self._run(kwargs)

    async def _run(self, kwargs: dict[str, Any]) -> Any:
        try:
            result = await self._behind(**kwargs)
        except BaseException as error:
            self.passage = Passage.SUCCEEDED if is_success(error) else Passage.FAILED
            raise
        self.passage = Passage.SUCCEEDED
        return result

    def check_finished(self, result: object) -> None:
        """Raise `UsageError` when the pipe gave `result` before what lies behind it had ended."""
        if self.passage is not Passage.RUNNING:
            return
        if inspect.iscoroutine(result) and inspect.getcoroutinestate(result) == inspect.CORO_CREATED:
            result.close()  # says the same as the error below, as a warning
        raise UsageError(
            f"{self._name} ended before its next_pipe did: await the call, as in `return await next_pipe(**kwargs)`"
        )


def around(behind: Call, hook: Hook, success: Hook | None, failure: Hook | None) -> Call:
    """Return a call that runs a pipe's `pipe` hook and then, if that went on, its success or failure hook."""

    def after(passage: Passage) -> Hook | None:
        if passage is Passage.NOT_CALLED:
            return None
        return success if passage is Passage.SUCCEEDED else failure

    async def call(**kwargs: Any) -> Any:
        following = Next(behind, hook.name)
        try:
            result = hook.call(following, **kwargs)
            if hook.is_async or is_awaitable(result):
                result = await result
            following.check_finished(result)
        except BaseException as error:
            if (then := after(following.passage)) is not None:
                await invoke_beside(then, error)
            raise
        if (then := after(following.passage)) is not None:
            await invoke(then)
        return result

    return call


def observed(behind: Call, success: Hook | None, failure: Hook | None) -> Call:
    """Return a call that runs the success or failure hook of a pipe that has no `pipe` hook."""

    async def call(**kwargs: Any) -> Any:
        try:
            result = await behind(**kwargs)
        except BaseException as error:
            if (then := success if is_success(error) else failure) is not None:
                await invoke_beside(then, error)
            raise
        if success is not None:
            await invoke(success)
        return result

    return call
