"""The numbers of one process, in memory and in files; `test_gathering.py` reads them back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emmett.telemetry.instruments import INSTRUMENTS, MESSAGES, REQUESTS
from emmett.telemetry.store import MeasurementStore, size_of


def test_a_process_has_files(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path, "1")
    store.record(REQUESTS, ("GET", "/", "200"), 0.5)
    store.add(MESSAGES, ("/echo", "sent"), 4)
    store.add(MESSAGES, ("/echo", "sent"), 4)
    lines = (tmp_path / "1.series").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [
        [REQUESTS.name, "GET", "/", "200"],
        [MESSAGES.name, "/echo", "sent"],
    ]
    assert store.series == {(REQUESTS, ("GET", "/", "200")): 0, (MESSAGES, ("/echo", "sent")): size_of(REQUESTS)}
    assert store.values[size_of(REQUESTS)] == 8
    store.close()


def test_a_process_may_have_several_stores(tmp_path: Path) -> None:
    stores = [MeasurementStore(tmp_path), MeasurementStore(tmp_path)]
    assert len(list(tmp_path.glob("*.series"))) == 2
    for store in stores:
        store.close()


def test_a_name_in_use_by_a_living_process_is_refused(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path, "1")
    with pytest.raises(BlockingIOError):
        MeasurementStore(tmp_path, "1")
    store.close()


def test_a_histogram_has_a_sum_and_one_more_bucket_than_bounds() -> None:
    for instrument in INSTRUMENTS:
        expected = len(instrument.buckets) + 2 if instrument.kind == "histogram" else 1
        assert size_of(instrument) == expected
