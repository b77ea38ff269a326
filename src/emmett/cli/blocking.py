"""`emmett develop` warns of code that blocks the event loop, since no other client is served meanwhile."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from traceback import FrameSummary

from .tracebacks import is_own

logger = logging.getLogger("emmett.blocking")

# Seconds for which a handler may block the event loop without a warning, and between two checks.
MAX_HELD = 0.25
LOOK_INTERVAL = 0.1


class LoopWatch:
    """Checks from its own thread that the event loop responds, and logs the code that blocks it if it does not.

    Each place in the code is logged only once.

    Arguments:
        loop: the event loop, running in the calling thread.
        max_held: seconds for which it may be blocked.
        report: takes the stack of the loop's thread, innermost frame last.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        max_held: float = MAX_HELD,
        report: Callable[[list[FrameSummary]], None] | None = None,
    ) -> None:
        self._loop = loop
        self._thread = threading.get_ident()
        self._max_held = max_held
        self._report = report or self._log
        self._known: set[tuple[str, int | None]] = set()
        self._stopped = threading.Event()

    def start(self) -> None:
        """Watch until `stop`, or until the loop is closed."""
        threading.Thread(target=self._watch, daemon=True, name="event loop watch").start()

    def stop(self) -> None:
        """Stop watching."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_INTERVAL):
            sign = threading.Event()
            try:
                self._loop.call_soon_threadsafe(sign.set)
            except RuntimeError:
                return
            if not sign.wait(self._max_held):
                frame = sys._current_frames().get(self._thread)
                if frame is not None and not sign.is_set():
                    self._report(list(traceback.extract_stack(frame)))
                while not (sign.wait(LOOK_INTERVAL) or self._stopped.is_set()):
                    pass

    def _log(self, stack: list[FrameSummary]) -> None:
        own = [frame for frame in stack if is_own(frame.filename)]
        if not own:
            # Between two handlers: a library, or the start of the server.
            return
        place = own[-1]
        if (place.filename, place.lineno) in self._known:
            return
        self._known.add((place.filename, place.lineno))
        logger.warning(
            "%s blocked the event loop for over %g ms, and no other client was served; run blocking code in a thread: "
            "await asyncio.to_thread(...)\n%s",
            place.name,
            self._max_held * 1000,
            "".join(traceback.format_list(own)).rstrip(),
        )


def watch_running_loop() -> LoopWatch:
    """Watch the event loop that runs in this thread."""
    watch = LoopWatch(asyncio.get_running_loop())
    watch.start()
    return watch
