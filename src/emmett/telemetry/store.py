"""The measurements of one process, which other processes can read: numbers in a memory-mapped file.

A process writes numbers without system calls, and its counts outlive it. Each process has two files: `<name>.values`
has the numbers, and `<name>.series` has a line of JSON for each series, in the same order, with the instrument and the
values of its labels. A process keeps the second file locked for as long as it lives.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import logging
import mmap
import os
from bisect import bisect_left
from pathlib import Path
from typing import IO

from .instruments import Instrument
from .sink import Labels

logger = logging.getLogger("emmett.telemetry")

# The most bytes of numbers of one process. The file is sparse: only the used part takes up space.
VALUES_SIZE = 4 * 1024 * 1024
NUMBER_SIZE = 8

# Numbers the applications in one process.
_numbers = itertools.count(1)


class MeasurementStore:
    """Keeps the measurements of this process.

    Arguments:
        folder: the folder that processes share; None to keep them in the memory of this process.
        name: the name of the files, unique in the folder; derived from the process ID by default.
        size: the most bytes of numbers.
    """

    def __init__(self, folder: Path | None = None, name: str = "", size: int = VALUES_SIZE) -> None:
        self._first: dict[tuple[Instrument, Labels], int] = {}
        self._used = 0
        self._is_full = False
        self._series_file: IO[str] | None = None
        if folder is None:
            self._memory = mmap.mmap(-1, size)
        else:
            name = name or f"{os.getpid()}-{next(_numbers)}"
            self._series_file = _open_locked(folder / f"{name}.series")
            with open(folder / f"{name}.values", "w+b") as file:
                file.truncate(size)
                self._memory = mmap.mmap(file.fileno(), size)
        self.values = memoryview(self._memory).cast("d")

    @property
    def series(self) -> dict[tuple[Instrument, Labels], int]:
        """The index of the first number of each series."""
        return self._first

    def add(self, instrument: Instrument, labels: Labels, amount: float) -> None:
        """See `MeasurementSink.add`."""
        index = self._first.get((instrument, labels))
        if index is None:
            index = self._reserve(instrument, labels)
            if index is None:
                return
        self.values[index] += amount

    def record(self, instrument: Instrument, labels: Labels, value: float) -> None:
        """See `MeasurementSink.record`. A histogram consists of its sum and the number of values in each bucket."""
        index = self._first.get((instrument, labels))
        if index is None:
            index = self._reserve(instrument, labels)
            if index is None:
                return
        self.values[index] += value
        self.values[index + 1 + bisect_left(instrument.buckets, value)] += 1

    def close(self) -> None:
        """Release the files. The counts stay in them."""
        self.values.release()
        self._memory.close()
        if self._series_file is not None:
            self._series_file.close()

    def _reserve(self, instrument: Instrument, labels: Labels) -> int | None:
        """Reserve space for a series, and return the index of its first number; None if there is no space."""
        end = self._used + size_of(instrument)
        if end > len(self.values):
            if not self._is_full:
                self._is_full = True
                logger.warning(
                    "no space for more series of measurements: %s %r and others are left out", instrument.name, labels
                )
            return None
        index, self._used = self._used, end
        if self._series_file is not None:
            self._series_file.write(json.dumps([instrument.name, *labels]) + "\n")
            self._series_file.flush()
        self._first[instrument, labels] = index
        return index


def _open_locked(path: Path) -> IO[str]:
    """Return a new file that this process has locked.

    Raises:
        BlockingIOError: another store has locked it.
    """
    file = open(path, "a", encoding="utf-8")  # noqa: SIM115
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise
    # The process may have reused the ID of a process that has ended.
    file.truncate(0)
    return file


def size_of(instrument: Instrument) -> int:
    """Return how many numbers a series takes: for a histogram, its sum and its buckets, including infinity."""
    return len(instrument.buckets) + 2 if instrument.kind == "histogram" else 1
