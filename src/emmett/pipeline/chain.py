"""One link of a flow: the `pipe`, success and failure hooks of a pipe, wrapped around the inner part of the flow."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any, TypeAlias

from ..errors import UsageError
from .hooks import Hook, invoke, is_awaitable
from .outcome import invoke_during, is_success

Call: TypeAlias = Callable[..., Awaitable[Any]]


class RunState(Enum):
    """The state of one run of the flow inside a pipe."""

    NOT_CALLED = auto()
    RUNNING = auto()
    SUCCEEDED = auto()
    FAILED = auto()


class Next:
    """The `next_pipe` of one run. It continues the flow once and records the outcome.

    Arguments:
        inner: the part of the flow inside the pipe.
        name: the `Class.hook` that receives this object, for messages.
    """

    # Only the outcome is kept: a kept error would form a cycle with its traceback, and keep the connection alive.
    __slots__ = ("_inner", "_name", "state")

    def __init__(self, inner: Call, name: str) -> None:
        self._inner = inner
        self._name = name
        self.state = RunState.NOT_CALLED

    def __call__(self, /, **kwargs: Any) -> Awaitable[Any]:
        """Continue the flow. Raises `UsageError` on a second call."""
        if self.state is not RunState.NOT_CALLED:
            raise UsageError(f"{self._name} called next_pipe a second time: a pipe may call it once")
        self.state = RunState.RUNNING
        return self._run(kwargs)

    async def _run(self, kwargs: dict[str, Any]) -> Any:
        try:
            result = await self._inner(**kwargs)
        except BaseException as error:
            self.state = RunState.SUCCEEDED if is_success(error) else RunState.FAILED
            raise
        self.state = RunState.SUCCEEDED
        return result

    def check_finished(self, result: object) -> None:
        """Raise `UsageError` if the pipe returned `result` before the inner part of the flow ended."""
        if self.state is not RunState.RUNNING:
            return
        if inspect.iscoroutine(result) and inspect.getcoroutinestate(result) == inspect.CORO_CREATED:
            result.close()  # avoids a warning that would repeat the error below
        raise UsageError(
            f"{self._name} ended before its next_pipe did: await the call, as in `return await next_pipe(**kwargs)`"
        )


def around(inner: Call, hook: Hook, success: Hook | None, failure: Hook | None) -> Call:
    """Return a call that runs a pipe's `pipe` hook and, if the hook continued the flow, its success or failure hook."""

    def after(state: RunState) -> Hook | None:
        if state is RunState.NOT_CALLED:
            return None
        return success if state is RunState.SUCCEEDED else failure

    async def call(**kwargs: Any) -> Any:
        following = Next(inner, hook.name)
        try:
            result = hook.call(following, **kwargs)
            if hook.is_async or is_awaitable(result):
                result = await result
            following.check_finished(result)
        except BaseException as error:
            if (then := after(following.state)) is not None:
                await invoke_during(then, error)
            raise
        if (then := after(following.state)) is not None:
            await invoke(then)
        return result

    return call


def observed(inner: Call, success: Hook | None, failure: Hook | None) -> Call:
    """Return a call that runs the success or failure hook of a pipe that has no `pipe` hook."""

    async def call(**kwargs: Any) -> Any:
        try:
            result = await inner(**kwargs)
        except BaseException as error:
            if (then := success if is_success(error) else failure) is not None:
                await invoke_during(then, error)
            raise
        if success is not None:
            await invoke(success)
        return result

    return call
