"""The sum of the measurements of several processes, including those that have ended."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emmett.telemetry.gathering import ENDED, Gatherer, join, run
from emmett.telemetry.instruments import BYTES, CONNECTIONS, MESSAGES, PUBLISHING, REQUESTS
from emmett.telemetry.reading import Series
from emmett.telemetry.store import NUMBER_SIZE, MeasurementStore, size_of

SENT = ("/echo", "sent")
OPEN = ("/echo", "open")


def gather(gatherer: Gatherer) -> dict[Series, list[float]]:
    """Return the numbers of each series."""
    layout, numbers = run(gatherer.gather())
    return {series: list(numbers[start:end]) for series, start, end in layout.places}


def test_a_single_process_is_gathered() -> None:
    store = MeasurementStore()
    store.add(MESSAGES, SENT, 2)
    store.record(PUBLISHING, (), 0.002)
    store.record(PUBLISHING, (), 0.0005)
    store.record(PUBLISHING, (), 100.0)
    totals = gather(Gatherer(store, None))
    assert totals[MESSAGES, SENT] == [2]
    numbers = totals[PUBLISHING, ()]
    assert numbers[0] == pytest.approx(100.0025)
    # A value that equals a bound belongs to the bucket of that bound.
    assert numbers[1:] == [1, 0, 1, *[0] * 9, 1]
    store.close()


def test_several_processes_and_ended_ones_are_added_up(tmp_path: Path) -> None:
    first, second = MeasurementStore(tmp_path, "1"), MeasurementStore(tmp_path, "2")
    gatherer = Gatherer(first, tmp_path)
    for store in (first, second):
        store.add(MESSAGES, SENT, 10)
        store.add(CONNECTIONS, OPEN, 1)
        store.record(PUBLISHING, (), 0.002)
    assert gather(gatherer)[MESSAGES, SENT] == [20]
    second.add(BYTES, SENT, 7)
    totals = gather(gatherer)
    assert (totals[CONNECTIONS, OPEN], totals[BYTES, SENT], totals[PUBLISHING, ()][3]) == ([2], [7], 2)

    second.close()
    totals = gather(gatherer)
    assert (totals[CONNECTIONS, OPEN], totals[MESSAGES, SENT]) == ([1], [20])
    assert run(gatherer.gather()).layout is run(gatherer.gather()).layout

    third = join(tmp_path, "3")
    assert sorted(path.name for path in tmp_path.glob("*.series")) == ["1.series", "3.series"]
    assert (tmp_path / ENDED).exists()
    totals = gather(gatherer)
    assert (totals[CONNECTIONS, OPEN], totals[MESSAGES, SENT], totals[BYTES, SENT]) == ([1], [20], [7])

    third.add(MESSAGES, SENT, 5)
    assert gather(gatherer)[MESSAGES, SENT] == [25]
    third.close()
    fourth = join(tmp_path, "3")
    assert gather(gatherer)[MESSAGES, SENT] == [25]
    fourth.close()
    first.close()


def test_a_process_may_reuse_the_name_of_another(tmp_path: Path) -> None:
    own, first = MeasurementStore(tmp_path, "own"), MeasurementStore(tmp_path, "1")
    gatherer = Gatherer(own, tmp_path)
    first.add(MESSAGES, SENT, 3)
    first.add(BYTES, SENT, 3)
    gather(gatherer)
    first.close()
    second = MeasurementStore(tmp_path, "1")
    second.add(CONNECTIONS, OPEN, 1)
    assert gather(gatherer) == {(CONNECTIONS, OPEN): [1]}
    second.close()
    own.close()


def test_a_full_store_counts_existing_series_only(caplog: pytest.LogCaptureFixture) -> None:
    store = MeasurementStore(size=NUMBER_SIZE * (size_of(REQUESTS) + 1))
    store.record(REQUESTS, ("GET", "/", "200"), 0.1)
    store.add(MESSAGES, SENT, 1)
    store.add(BYTES, SENT, 1)
    store.record(PUBLISHING, (), 1.0)
    store.add(MESSAGES, SENT, 1)
    assert set(gather(Gatherer(store, None))) == {(REQUESTS, ("GET", "/", "200")), (MESSAGES, SENT)}
    assert len(caplog.records) == 1
    store.close()


def test_a_process_that_ends_during_a_scrape_is_counted_once(tmp_path: Path) -> None:
    own, second = join(tmp_path, "own"), join(tmp_path, "2")
    second.add(MESSAGES, SENT, 5)
    gatherer = Gatherer(own, tmp_path)
    slices = gatherer.gather()
    next(slices)
    second.close()
    third = join(tmp_path, "3")
    assert not (tmp_path / "2.values").exists()
    assert list(run(slices).numbers) == [5]
    assert gather(gatherer) == {(MESSAGES, SENT): [5]}
    for store in (own, third):
        store.close()


def test_a_cancelled_scrape_leaves_no_file_open(tmp_path: Path) -> None:
    stores = [join(tmp_path, str(number)) for number in range(3)]
    for store in stores:
        store.add(MESSAGES, SENT, 5)
    gatherer = Gatherer(stores[0], tmp_path)
    run(gatherer.gather())
    before = os.listdir("/proc/self/fd")
    slices = gatherer.gather()
    next(slices)
    assert len(os.listdir("/proc/self/fd")) > len(before)
    slices.close()
    assert len(os.listdir("/proc/self/fd")) == len(before)
    for store in stores:
        store.close()
