"""The measurements of all processes of a server, added up."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from array import array
from collections.abc import Iterable, Iterator
from operator import add
from pathlib import Path
from typing import Any

from .instruments import INSTRUMENTS, Instrument
from .sink import Labels
from .store import NUMBER_SIZE, MeasurementStore, size_of

BY_NAME = {instrument.name: instrument for instrument in INSTRUMENTS}
# What processes that have ended have counted, and the lock for reading and changing it.
ENDED = "ended.json"
LOCK = "lock"

Numbers = list[float]
Totals = dict[tuple[Instrument, Labels], Numbers]


class StoreFiles:
    """Reads the files of a store, and remembers the series that it has read.

    Arguments:
        path: the path of the file with the series.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._series: list[tuple[tuple[Instrument, Labels], int, int]] = []
        self._read = 0
        self._inode = 0
        self._used = 0

    def add_to(self, totals: Totals, is_alive: bool) -> None:
        """Add the numbers to the totals; of a process that has ended, only what never falls."""
        self._read_series()
        values = array("d")
        with contextlib.suppress(FileNotFoundError), open(self.path.with_suffix(".values"), "rb") as file:
            values.frombytes(file.read(self._used * NUMBER_SIZE))
        if len(values) < self._used:
            return
        numbers = values.tolist()
        for key, start, end in self._series:
            if is_alive or key[0].kind != "gauge":
                before = totals.get(key)
                if before is None:
                    totals[key] = numbers[start:end]
                elif end == start + 1:
                    before[0] += numbers[start]
                else:
                    before[:] = map(add, before, numbers[start:end])

    def _read_series(self) -> None:
        with open(self.path, "rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            size = os.fstat(file.fileno()).st_size
            if inode != self._inode or size < self._read:
                # Another process has the ID of one that has ended.
                self._series, self._read, self._used, self._inode = [], 0, 0, inode
            file.seek(self._read)
            for line in file.read(size - self._read).splitlines(keepends=True):
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                instrument, labels = _parse(json.loads(line))
                end = self._used + size_of(instrument)
                self._series.append(((instrument, labels), self._used, end))
                self._used = end


class Gatherer:
    """Adds up the measurements of all processes.

    Arguments:
        store: the measurements of this process.
        folder: the folder that processes share; None if there is only this process.
    """

    def __init__(self, store: MeasurementStore, folder: Path | None) -> None:
        self._store = store
        self._folder = folder
        self._files: dict[str, StoreFiles] = {}

    def gather(self) -> Totals:
        """Return the numbers of each series."""
        totals: Totals = {}
        if self._folder is None:
            for (instrument, labels), index in self._store.series.items():
                totals[instrument, labels] = list(self._store.values[index : index + size_of(instrument)])
            return totals
        with _locked(self._folder, fcntl.LOCK_SH):
            paths = sorted(self._folder.glob("*.series"))
            self._files = {path.name: self._files.get(path.name) or StoreFiles(path) for path in paths}
            for files in self._files.values():
                files.add_to(totals, _is_alive(files.path))
            for instrument, labels, numbers in _read_ended(self._folder):
                merge(totals, instrument, labels, numbers)
        return totals


def join(folder: Path, name: str = "") -> MeasurementStore:
    """Return a store for this process in a folder that processes share.

    What processes that have ended have counted goes to one file, and their own files are removed.

    Arguments:
        folder: the folder, which need not exist yet.
        name: the name of the files; from the process ID by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Under one lock: a file that is not locked yet looks like that of a process that has ended.
    with _locked(folder, fcntl.LOCK_EX):
        _retire(folder)
        return MeasurementStore(folder, name)


def _retire(folder: Path) -> None:
    ended = [path for path in sorted(folder.glob("*.series")) if not _is_alive(path)]
    if not ended:
        return
    totals: Totals = {}
    for instrument, labels, numbers in _read_ended(folder):
        merge(totals, instrument, labels, numbers)
    for path in ended:
        StoreFiles(path).add_to(totals, is_alive=False)
    rows = [[instrument.name, *labels, numbers] for (instrument, labels), numbers in totals.items()]
    temporary = folder / f"{ENDED}.new"
    temporary.write_text(json.dumps(rows), "utf-8")
    temporary.rename(folder / ENDED)
    for path in ended:
        path.with_suffix(".values").unlink(missing_ok=True)
        path.unlink()


def merge(totals: Totals, instrument: Instrument, labels: Labels, numbers: Numbers) -> None:
    """Add the numbers of a series to the totals."""
    key = instrument, labels
    before = totals.get(key)
    if before is None:
        totals[key] = numbers
    elif len(numbers) == 1:
        before[0] += numbers[0]
    else:
        totals[key] = [a + b for a, b in zip(before, numbers, strict=True)]


def _parse(row: list[Any]) -> tuple[Instrument, Labels]:
    return BY_NAME[row[0]], tuple(row[1:])


def _read_ended(folder: Path) -> Iterable[tuple[Instrument, Labels, Numbers]]:
    with contextlib.suppress(FileNotFoundError):
        for row in json.loads((folder / ENDED).read_text("utf-8")):
            yield *_parse(row[:-1]), row[-1]


def _is_alive(path: Path) -> bool:
    """Return whether the process that writes a file lives: it holds the lock."""
    with open(path, "rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    with open(folder / LOCK, "wb") as file:
        fcntl.flock(file, kind)
        yield
