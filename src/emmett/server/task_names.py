"""A description of a task and the line where it waits, for the log."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

OURS = Path(__file__).parents[1]


def describe_task(task: asyncio.Task[Any]) -> str:
    """Return the function of the application that a task runs, and the line at which it waits.

    Arguments:
        task: a suspended task. A task that runs only emmett's own code is described by that code.
    """
    frames = _frames(task.get_coro())
    if not frames:
        return repr(task)
    own = [frame for frame in frames if not Path(frame.f_code.co_filename).is_relative_to(OURS)]
    chosen = own[0] if own else frames[0]
    return f"{_name(chosen)} ({chosen.f_code.co_filename}:{chosen.f_lineno})"


def _frames(awaited: Any) -> list[FrameType]:
    """Return the frames of a coroutine and of those that it awaits, outermost first."""
    frames: list[FrameType] = []
    while awaited is not None:
        frame = (
            getattr(awaited, "cr_frame", None)
            or getattr(awaited, "gi_frame", None)
            or getattr(awaited, "ag_frame", None)
        )
        if frame is None:
            break
        frames.append(frame)
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return frames


def _name(frame: FrameType) -> str:
    code: CodeType = frame.f_code
    return f"{frame.f_globals.get('__name__', '?')}.{code.co_qualname}"
