"""A scrape of many routes and workers does little work after the first one: it reads numbers, and prepared text."""

from __future__ import annotations

import builtins
import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from emmett.telemetry import exposition
from emmett.telemetry.exposition import write_text
from emmett.telemetry.gathering import Gatherer, join
from emmett.telemetry.instruments import INSTRUMENTS, MESSAGES
from emmett.telemetry.store import MeasurementStore

WORKERS, ROUTES = 8, 50
VALUES = {
    "http.route": [f"/route/{number}/<str:name>" for number in range(ROUTES)],
    "http.request.method": ["GET", "POST"],
    "http.response.status_code": ["200", "404", "500"],
    "phase": ["handshake", "open"],
    "direction": ["received", "sent"],
    "code": ["1000", "1001", "1006", "1012"],
    "kind": ["websocket", "request"],
    "cause": ["send_timeout", "origin"],
    "outcome": ["ok", "failed"],
}


def fill(store: MeasurementStore) -> int:
    """Make every series of fifty routes; returns how many these are."""
    count = 0
    for instrument in INSTRUMENTS:
        for labels in itertools.product(*(VALUES[label] for label in instrument.labels)):
            (store.record if instrument.kind == "histogram" else store.add)(instrument, labels, 1)
            count += 1
    return count


def test_a_second_scrape_reads_numbers_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = [join(tmp_path, f"worker {number}") for number in range(WORKERS)]
    (series,) = {fill(store) for store in stores}
    assert series > 1200
    gatherer = Gatherer(stores[0], tmp_path)
    write_text(gatherer.gather())
    stores[1].add(MESSAGES, (VALUES["http.route"][0], "sent"), 5)

    work: Counter[str] = Counter()

    def counting(name: str, function: Any) -> Any:
        def count(*arguments: Any, **options: Any) -> Any:
            work[name] += 1
            return function(*arguments, **options)

        return count

    monkeypatch.setattr(json, "loads", counting("parsed lines", json.loads))
    monkeypatch.setattr(exposition, "_escape", counting("written labels", exposition._escape))
    monkeypatch.setattr(builtins, "open", counting("opened files", open))
    text = write_text(gatherer.gather())
    monkeypatch.undo()

    # For each worker its numbers, its series and its lock; beyond these the lock of the folder, and what has ended.
    assert work["opened files"] <= 3 * WORKERS + 2
    assert work["parsed lines"] == work["written labels"] == 0
    sent = {
        sample.labels["http_route"]: sample.value
        for family in parse(text)
        for sample in family.samples
        if family.name == "emmett_websocket_messages" and sample.labels["direction"] == "sent"
    }
    assert len(sent) == ROUTES
    assert sent.pop(VALUES["http.route"][0]) == WORKERS + 5
    assert set(sent.values()) == {WORKERS}
    for store in stores:
        store.close()
