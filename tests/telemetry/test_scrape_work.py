"""After the first scrape of many routes and workers, others do little work: they read numbers and prepared text."""

from __future__ import annotations

import builtins
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from emmett.telemetry import exposition, gathering, reading
from emmett.telemetry.exposition import Exposition
from emmett.telemetry.gathering import Gatherer, Slices, join
from emmett.telemetry.instruments import MESSAGES
from emmett.telemetry.store import MeasurementStore
from soak.scrape import ROUTES, VALUES, WORKERS, fill


class Work:
    """Counts the work done between two turns of the loop."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.total: Counter[str] = Counter()
        self.slice: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self._monkeypatch = monkeypatch

    def count(self, where: Any, name: str, kind: str) -> None:
        """Count the calls of a function."""
        function = getattr(where, name)

        def counting(*arguments: Any, **options: Any) -> Any:
            self.total[kind] += 1
            self.slice[kind] += 1
            return function(*arguments, **options)

        self._monkeypatch.setattr(where, name, counting)

    def run(self, slices: Slices[Any]) -> Any:
        """Do work, and record the most that a slice does."""
        try:
            while True:
                self.slice.clear()
                next(slices)
                self.most |= self.slice
        except StopIteration as stop:
            self.most |= self.slice
            return stop.value


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[MeasurementStore]]:
    found = [join(tmp_path, f"worker {number}") for number in range(WORKERS)]
    yield found
    for store in found:
        store.close()


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    reading._parse.cache_clear()
    exposition._series_text.cache_clear()
    found = Work(monkeypatch)
    found.count(json, "loads", "parsed lines")
    found.count(exposition, "_escape", "written labels")
    found.count(exposition, "_fill", "filled series")
    found.count(builtins, "open", "opened files")
    found.count(os, "open", "opened files")
    found.count(os, "pread", "reads")
    found.count(gathering, "_order", "orders")
    return found


def sent(text: str) -> dict[str, float]:
    """Return the number of messages sent, by route."""
    return {
        sample.labels["http_route"]: sample.value
        for family in parse(text)
        for sample in family.samples
        if family.name == "emmett_websocket_messages" and sample.labels["direction"] == "sent"
    }


def test_a_second_scrape_reads_only_numbers(tmp_path: Path, stores: list[MeasurementStore], work: Work) -> None:
    (series,) = {fill(store) for store in stores}
    assert series > 1200
    gatherer, text = Gatherer(stores[0], tmp_path), Exposition()
    work.run(text.write(work.run(gatherer.gather())))
    # A line is parsed once, however many workers have it.
    assert work.total["parsed lines"] == series
    assert work.total["orders"] == WORKERS + 1
    stores[1].add(MESSAGES, (VALUES["http.route"][0], "sent"), 5)

    work.total.clear()
    found = sent(work.run(text.write(work.run(gatherer.gather()))))
    # For each worker its numbers and its series; also the lock of the folder, and the file of ended processes.
    assert work.total["opened files"] <= 2 * WORKERS + 2
    assert work.total["reads"] <= 2 * WORKERS
    assert work.total["parsed lines"] == work.total["written labels"] == work.total["orders"] == 0
    # Each series is visited once, not once for each worker.
    assert work.total["filled series"] == series
    assert len(found) == ROUTES
    assert found.pop(VALUES["http.route"][0]) == WORKERS + 5
    assert set(found.values()) == {WORKERS}


def test_each_slice_does_little(tmp_path: Path, stores: list[MeasurementStore], work: Work) -> None:
    for store in stores:
        fill(store)
    # One worker has ended, and left its series to the file of ended processes.
    stores.pop().close()
    stores.append(join(tmp_path, "another worker"))
    work.slice.clear()
    work.most.clear()
    gatherer, text = Gatherer(stores[0], tmp_path), Exposition()
    for _ in range(2):
        work.run(text.write(work.run(gatherer.gather())))
        assert work.most["parsed lines"] <= reading.LINES
        assert work.most["filled series"] <= exposition.SERIES
        assert work.most["written labels"] <= exposition.SERIES * 3
        assert work.most["orders"] <= 1


def test_a_first_scrape_after_preparation_is_like_any_other(
    tmp_path: Path, stores: list[MeasurementStore], work: Work
) -> None:
    for store in stores:
        fill(store)
    gatherer, text = Gatherer(stores[0], tmp_path), Exposition()
    work.run(text.prepare(work.run(gatherer.prepare())))
    work.total.clear()
    assert set(sent(work.run(text.write(work.run(gatherer.gather())))).values()) == {WORKERS}
    assert work.total["parsed lines"] == work.total["written labels"] == work.total["orders"] == 0
