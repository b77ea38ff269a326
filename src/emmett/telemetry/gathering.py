"""The sum of the measurements of all processes of a server.

Each series has a place in one list of numbers. Built-in functions reorder and add the numbers of a process, so a scrape
needs no Python code for each series of each process. The order is computed once, and again when a process has new
series, starts or ends. All work is done in slices, so that it does not block the event loop.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from operator import add, itemgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from .reading import EndedReader, MeasurementReader, OwnReader, Series, StoreReader
from .store import MeasurementStore, size_of

# The counts of processes that have ended, and the lock for reading and changing them.
ENDED = "ended.jsonl"
LOCK = "lock"
# The most numbers to add in one slice.
NUMBERS = 2_000

Numbers = list[float]
_Result = TypeVar("_Result")
# A generator of work that yields after each slice.
Slices = Generator[None, None, _Result]


class Layout:
    """The places of all series in one list of numbers, sorted by instrument and labels.

    Attributes:
        places: each series, with the start and the end of its numbers.
        size: the number of numbers.
    """

    def __init__(self, series: set[Series]) -> None:
        self.places: list[tuple[Series, int, int]] = []
        self.size = 0
        for each in sorted(series):
            end = self.size + size_of(each[0])
            self.places.append((each, self.size, end))
            self.size = end


class Gathered(NamedTuple):
    """Measurements.

    Fields:
        layout: the places of the series; the same object for as long as it does not change.
        numbers: the numbers.
    """

    layout: Layout
    numbers: Sequence[float]


class Gatherer:
    """Adds up the measurements of all processes.

    Arguments:
        store: the measurements of this process.
        folder: the folder that processes share; None if there is only this process.
    """

    def __init__(self, store: MeasurementStore, folder: Path | None) -> None:
        self._own = OwnReader(store)
        self._folder = folder
        self._ended = None if folder is None else EndedReader(folder / ENDED)
        self._files: dict[str, StoreReader] = {}
        self._layout = Layout(set())
        # The series that the layout was made for, and the order of each process in it.
        self._made_for: list[tuple[MeasurementReader, int]] = []
        self._orders: list[Callable[[Any], Sequence[float]]] = []

    def prepare(self) -> Slices[Layout]:
        """Read new series ahead of the next scrape, and return the places of all series."""
        readers = self._open()
        try:
            yield from self._arrange(readers)
        finally:
            self.close()
        return self._layout

    def gather(self) -> Slices[Gathered]:
        """Add up the numbers of each series."""
        readers = self._open()
        try:
            yield from self._arrange(readers)
            found: list[Sequence[float]] = []
            for reader, order in zip(readers, self._orders, strict=True):
                found.append(order(reader.numbers()))
                yield
            totals: Numbers = []
            for start in range(0, self._layout.size, NUMBERS):
                totals.extend(map(sum, zip(*[each[start : start + NUMBERS] for each in found], strict=True)))
                yield
        finally:
            self.close()
        return Gathered(self._layout, totals)

    def close(self) -> None:
        """Close the files that are read."""
        for reader in self._files.values():
            reader.close()

    def _open(self) -> list[MeasurementReader]:
        if self._folder is None or self._ended is None:
            self._own.open()
            return [self._own]
        # Under the lock, so that a process that ends is neither missed nor counted twice when its numbers are moved.
        with locked(self._folder, fcntl.LOCK_SH):
            paths = sorted(self._folder.glob("*.series"))
            self._files = {path.name: self._files.get(path.name) or StoreReader(path) for path in paths}
            readers: list[MeasurementReader] = [*self._files.values(), self._ended]
            for reader in readers:
                reader.open()
        return readers

    def _arrange(self, readers: list[MeasurementReader]) -> Slices[None]:
        for reader in readers:
            yield from reader.parse()
        made_for = [(reader, reader.changes) for reader in readers]
        if made_for == self._made_for:
            return
        counted: list[dict[Series, int]] = []
        for reader in readers:
            counted.append(_counted(reader))
            yield
        layout = Layout(set().union(*counted))
        yield
        orders = []
        for found in counted:
            orders.append(_order(layout, found))
            yield
        self._layout, self._orders, self._made_for = layout, orders, made_for


def run(slices: Slices[_Result]) -> _Result:
    """Do all slices of work at once, and return the result."""
    while True:
        try:
            next(slices)
        except StopIteration as stop:
            result: _Result = stop.value
            return result


def join(folder: Path, name: str = "") -> MeasurementStore:
    """Return a store for this process in a folder that processes share.

    The counts of processes that have ended are merged into one file, and their own files are removed.

    Arguments:
        folder: the folder; it is created if necessary.
        name: the name of the files; derived from the process ID by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Under one lock, because a file that is not yet locked looks like that of a process that has ended.
    with locked(folder, fcntl.LOCK_EX):
        _retire(folder)
        return MeasurementStore(folder, name)


@contextlib.contextmanager
def locked(folder: Path, kind: int) -> Iterator[None]:
    """Hold the lock of a folder."""
    with open(folder / LOCK, "wb") as file:
        fcntl.flock(file, kind)
        yield


def _retire(folder: Path) -> None:
    readers = {path: StoreReader(path) for path in sorted(folder.glob("*.series"))}
    for reader in readers.values():
        reader.open()
        if reader.is_alive:
            reader.close()
    ended = {path: reader for path, reader in readers.items() if not reader.is_alive}
    if not ended:
        return
    before = EndedReader(folder / ENDED)
    before.open()
    totals: dict[Series, Numbers] = {}
    counted: list[MeasurementReader] = [before, *ended.values()]
    for each in counted:
        for _ in each.parse():
            pass
        numbers, start = each.numbers(), 0
        for series in each.series:
            end = start + size_of(series[0])
            if series[0].kind != "gauge":
                totals[series] = list(map(add, totals.get(series) or [0.0] * (end - start), numbers[start:end]))
            start = end
    temporary = folder / f"{ENDED}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.writelines(
            json.dumps([instrument.name, *labels, numbers]) + "\n" for (instrument, labels), numbers in totals.items()
        )
    temporary.rename(folder / ENDED)
    for path in ended:
        path.with_suffix(".values").unlink(missing_ok=True)
        path.unlink()


def _counted(reader: MeasurementReader) -> dict[Series, int]:
    """Return the series of a process that are counted, and where the numbers of each start."""
    found: dict[Series, int] = {}
    start = 0
    for series in reader.series:
        if reader.is_alive or series[0].kind != "gauge":
            found[series] = start
        start += size_of(series[0])
    return found


def _order(layout: Layout, found: dict[Series, int]) -> Callable[[Any], Sequence[float]]:
    """Return a function that brings the numbers of a process into the order of the layout."""
    # The last number is zero, for series that the process does not have.
    indices: list[int] = []
    for series, start, end in layout.places:
        index = found.get(series)
        indices.extend([-1] * (end - start) if index is None else range(index, index + end - start))
    if len(indices) < 2:
        # `itemgetter` returns a tuple only for two or more.
        return lambda numbers: [numbers[index] for index in indices]
    return itemgetter(*indices)
