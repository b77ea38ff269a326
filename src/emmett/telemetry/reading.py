"""Reads the measurements that processes keep: the series of each, and their numbers."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from .instruments import INSTRUMENTS, Instrument
from .sink import Labels
from .store import NUMBER_SIZE, MeasurementStore, size_of

BY_NAME = {instrument.name: instrument for instrument in INSTRUMENTS}
# Lines of series that are parsed in one slice.
LINES = 200
ZERO = bytes(NUMBER_SIZE)

Series = tuple[Instrument, Labels]


class MeasurementReader(Protocol):
    """Reads what one process has measured.

    Attributes:
        series: its series, in the order of their numbers.
        is_alive: whether it runs; of a process that has ended, gauges do not count.
        changes: how often the series or `is_alive` have changed.
    """

    series: list[Series]
    is_alive: bool
    changes: int

    def open(self) -> None:
        """Note what there is to read, while nothing can be removed."""

    def parse(self) -> Iterator[None]:
        """Read series that are new, in slices."""

    def numbers(self) -> Sequence[float]:
        """Return the numbers of `series` and a zero after them, and release what `open` has opened."""


class OwnReader:
    """Reads a store of this process. See `MeasurementReader`."""

    def __init__(self, store: MeasurementStore) -> None:
        self.series: list[Series] = []
        self.is_alive = True
        self.changes = 0
        self._store = store
        self._used = 0

    def open(self) -> None:
        series = self._store.series
        if len(series) != len(self.series):
            self.series = list(series)
            self._used = sum(size_of(instrument) for instrument, _ in self.series)
            self.changes += 1

    def parse(self) -> Iterator[None]:
        yield

    def numbers(self) -> Sequence[float]:
        return [*self._store.values[: self._used].tolist(), 0.0]


class StoreReader:
    """Reads the files of a store, and remembers the series that it has read. See `MeasurementReader`.

    Arguments:
        path: the path of the file with the series.
    """

    def __init__(self, path: Path) -> None:
        self.series: list[Series] = []
        self.is_alive = True
        self.changes = 0
        self._path = path
        self._read = 0
        self._inode = 0
        self._used = 0
        self._text = b""
        self._values: int | None = None

    def open(self) -> None:
        """Note what there is to read. The files may be removed after that."""
        with open(self._path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_ino != self._inode or status.st_size < self._read:
                # Another process has reused the ID of a process that has ended.
                self.series, self._read, self._used, self._inode = [], 0, 0, status.st_ino
                self.changes += 1
            self._text = os.pread(file.fileno(), status.st_size - self._read, self._read)
            is_alive = _is_locked(file.fileno())
        if is_alive != self.is_alive:
            self.is_alive = is_alive
            self.changes += 1
        self.close()
        with contextlib.suppress(FileNotFoundError):
            self._values = os.open(self._path.with_suffix(".values"), os.O_RDONLY)

    def parse(self) -> Iterator[None]:
        # The process may be writing the last line.
        lines = self._text[: self._text.rfind(b"\n") + 1].splitlines(keepends=True)
        self._text = b""
        for start in range(0, len(lines), LINES):
            for line in lines[start : start + LINES]:
                series = _parse(line)
                self.series.append(series)
                self._used += size_of(series[0])
                self._read += len(line)
            self.changes += 1
            yield

    def numbers(self) -> Sequence[float]:
        values = b"" if self._values is None else os.pread(self._values, self._used * NUMBER_SIZE, 0)
        self.close()
        return memoryview(values.ljust(self._used * NUMBER_SIZE, b"\0") + ZERO).cast("d").tolist()

    def close(self) -> None:
        """Close the file of the numbers."""
        if self._values is not None:
            os.close(self._values)
            self._values = None


class EndedReader:
    """Reads what processes that have ended have counted: a line of JSON for each series. See `MeasurementReader`.

    Arguments:
        path: the path of the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.series: list[Series] = []
        self.is_alive = False
        self.changes = 0
        self._path = path
        self._identity = (0, 0, 0)
        self._text: bytes | None = None
        self._numbers = [0.0]

    def open(self) -> None:
        with contextlib.suppress(FileNotFoundError), open(self._path, "rb") as file:
            # Never changed, only replaced.
            status = os.fstat(file.fileno())
            identity = status.st_ino, status.st_mtime_ns, status.st_size
            if identity != self._identity:
                self._identity = identity
                self._text = file.read()

    def parse(self) -> Iterator[None]:
        if self._text is None:
            return
        lines, self._text = self._text.splitlines(), None
        self.series, self._numbers = [], []
        for start in range(0, len(lines), LINES):
            for line in lines[start : start + LINES]:
                name, *labels, numbers = json.loads(line)
                self.series.append((BY_NAME[name], tuple(labels)))
                self._numbers.extend(numbers)
            yield
        self._numbers.append(0.0)
        self.changes += 1

    def numbers(self) -> Sequence[float]:
        return self._numbers


def _is_locked(descriptor: int) -> bool:
    """Return whether another open file has the lock: the process that writes the file lives."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


# Workers have the same series, mostly.
@functools.lru_cache(maxsize=65_536)
def _parse(line: bytes) -> Series:
    name, *labels = json.loads(line)
    return BY_NAME[name], tuple(labels)
