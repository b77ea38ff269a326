"""`SignalInbox`: collects signals for a supervisor, instead of handlers that interrupt it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from types import FrameType, TracebackType
from typing import Any, Self

# The signals that stop a server. A signal that is ignored, as SIGHUP under nohup, stays ignored.
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGBREAK") if hasattr(signal, name))
HANG_UP = getattr(signal, "SIGHUP", None)


class SignalInbox:
    """Collects signals in its block. Its file descriptor becomes readable when a signal arrives.

    Arguments:
        numbers: the signals to collect.
    """

    def __init__(self, numbers: Sequence[int | None]) -> None:
        self._numbers = [number for number in numbers if number is not None]
        self._came: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        # Python handles a signal between two instructions; a byte in a pipe ends a waiting system call.
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)
        for number in self._numbers:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._reader)
        os.close(self._writer)

    def fileno(self) -> int:
        """Return the file descriptor to wait for."""
        return self._reader

    def take(self) -> list[int]:
        """Return the signals that arrived since the last call."""
        try:
            while os.read(self._reader, 512):
                pass
        except BlockingIOError:
            pass
        came, self._came = self._came, []
        return came

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came.append(number)
