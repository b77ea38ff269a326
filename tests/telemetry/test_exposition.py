"""The text format, read back with Prometheus' own parser."""

from __future__ import annotations

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families as parse

from emmett.telemetry.exposition import Exposition
from emmett.telemetry.gathering import Gathered, Gatherer, Layout, run
from emmett.telemetry.instruments import INSTRUMENTS, MESSAGES, REQUESTS
from emmett.telemetry.store import MeasurementStore

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana.json"


def write_text(gathered: Gathered) -> str:
    return run(Exposition().write(gathered))


def everything(labels: str = "x") -> Gathered:
    store = MeasurementStore()
    for instrument in INSTRUMENTS:
        values = tuple(labels for _ in instrument.labels)
        if instrument.kind == "histogram":
            store.record(instrument, values, 0.05)
            store.record(instrument, values, 1e9)
        else:
            store.add(instrument, values, 3)
    gathered = run(Gatherer(store, None).gather())
    store.close()
    return gathered


def test_all_instruments_are_read_back() -> None:
    families = {family.name: family for family in parse(write_text(everything()))}
    assert len(families) == len(INSTRUMENTS)
    requests = families["http_server_request_duration_seconds"]
    assert (requests.type, requests.documentation) == ("histogram", REQUESTS.text)
    samples = {
        (sample.name.removeprefix(requests.name), sample.labels.get("le")): sample.value for sample in requests.samples
    }
    assert samples["_bucket", "0.025"] == 0
    assert samples["_bucket", "0.05"] == 1
    assert samples["_bucket", "10.0"] == 1
    assert samples["_bucket", "+Inf"] == samples["_count", None] == 2
    assert samples["_sum", None] == 1e9 + 0.05
    assert requests.samples[0].labels["http_route"] == "x"
    (sample,) = families["emmett_websocket_messages"].samples
    assert (sample.name, sample.value) == ("emmett_websocket_messages_total", 3)
    assert families["emmett_held_bytes"].type == "gauge"


def test_labels_may_contain_any_text() -> None:
    text = 'a "b" %s %% \\ \n {} é'
    families = {family.name: family for family in parse(write_text(everything(text)))}
    assert families["emmett_websocket_messages"].samples[0].labels == {"http_route": text, "direction": text}


def test_without_measurements_the_text_is_empty() -> None:
    assert write_text(Gathered(Layout(set()), [])) == ""


def test_families_and_series_are_sorted() -> None:
    store = MeasurementStore()
    for route in ("/b", "/a"):
        store.add(MESSAGES, (route, "sent"), 1)
    lines = write_text(run(Gatherer(store, None).gather())).splitlines()
    assert [line.split('"')[1] for line in lines if not line.startswith("#")] == ["/a", "/b"]
    store.close()


def test_the_dashboard_uses_existing_metrics() -> None:
    names = {sample.name for family in parse(write_text(everything())) for sample in family.samples}
    labels = {name.replace(".", "_") for instrument in INSTRUMENTS for name in instrument.labels} | {"le"}
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(expressions) >= 12
    asked = {
        name for expression in expressions for name in re.findall(r"\b(?:emmett|http)_\w+(?=[\[{)\s]|$)", expression)
    }
    grouped = {
        name.strip()
        for expression in expressions
        for group in re.findall(r"by \(([^)]*)\)", expression)
        for name in group.split(",")
    }
    assert asked - labels <= names
    assert grouped <= labels
