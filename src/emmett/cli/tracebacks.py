"""Readable tracebacks: only the frames of the user's code, not those of emmett, Python and installed libraries."""

from __future__ import annotations

import logging
import os
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text
from rich.traceback import Frame, Trace, Traceback

from .printing import errors_to

# "full" in this environment variable keeps every frame.
VARIABLE = "EMMETT_TRACEBACK"
INSTALLED = frozenset({"site-packages", "dist-packages"})


def print_traceback(error: BaseException) -> None:
    """Print the traceback of an error to stderr."""
    errors_to().print(render_traceback(error))


def format_traceback(error: BaseException) -> str:
    """Return the traceback of an error as text, coloured when stderr is a terminal."""
    console = errors_to()
    with console.capture() as captured:
        console.print(render_traceback(error))
    return captured.get().rstrip("\n")


def render_traceback(error: BaseException) -> RenderableType:
    """Return the traceback of an error, its causes and its group for a rich console.

    Frames outside of the user's code are left out, with a note, unless there are no others.
    """
    trace = Traceback.extract(type(error), error, error.__traceback__)
    left_out = 0
    if os.environ.get(VARIABLE) != "full" and _has_own_frames(trace):
        left_out = _keep_own_frames(trace)
    # Lines of code are cut at the width, and messages wrap: without a terminal, leave enough room for both.
    rendered = Traceback(trace, width=None, code_width=100, extra_lines=2)
    if not left_out:
        return rendered
    frames = "1 frame" if left_out == 1 else f"{left_out} frames"
    return Group(
        rendered, Text(f"{frames} outside of your code left out; set {VARIABLE}=full to show them.", style="dim")
    )


def make_log_records_readable() -> None:
    """Give every log record of this process that has an error a readable traceback.

    A record factory affects all handlers, however and whenever they are configured.
    """
    make = logging.getLogRecordFactory()

    def make_readable(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            record.exc_text = format_traceback(error)
        return record

    logging.setLogRecordFactory(make_readable)


def is_own(filename: str) -> bool:
    """Return whether a file is the user's: not of emmett, Python or an installed package."""
    if filename.startswith("<frozen "):
        return False
    if INSTALLED.intersection(Path(filename).parts):
        return False
    return not any(Path(filename).is_relative_to(folder) for folder in _foreign_folders())


@cache
def _foreign_folders() -> tuple[Path, ...]:
    emmett = Path(__file__).parents[1]
    python = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return (emmett, emmett.resolve(), *(Path(folder) for folder in python))


def _is_own_frame(frame: Frame) -> bool:
    return is_own(frame.filename)


def _has_own_frames(trace: Trace) -> bool:
    for stack in trace.stacks:
        # A syntax error is shown with its own file and line.
        if stack.syntax_error is not None or any(map(_is_own_frame, stack.frames)):
            return True
        if any(map(_has_own_frames, stack.exceptions)):
            return True
    return False


def _keep_own_frames(trace: Trace) -> int:
    """Remove the other frames from a trace, and return how many were removed."""
    left_out = 0
    for stack in trace.stacks:
        own = [frame for frame in stack.frames if _is_own_frame(frame)]
        left_out += len(stack.frames) - len(own) + sum(map(_keep_own_frames, stack.exceptions))
        stack.frames[:] = own
    return left_out
