"""What a scrape by Prometheus costs: the CPU time of one, and of the longest piece that holds the event loop.

Eight workers with fifty routes, and new numbers in every series before each scrape. The collector of garbage runs as
usual.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TypeVar

import click

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from emmett.telemetry.exposition import Exposition  # noqa: E402 - the path comes first
from emmett.telemetry.gathering import Gatherer, Slices, join  # noqa: E402 - the path comes first
from emmett.telemetry.instruments import INSTRUMENTS  # noqa: E402 - the path comes first
from emmett.telemetry.store import MeasurementStore  # noqa: E402 - the path comes first

Result = TypeVar("Result")

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
    """Add to every series of fifty routes; return how many these are."""
    count = 0
    for instrument in INSTRUMENTS:
        for labels in itertools.product(*(VALUES[label] for label in instrument.labels)):
            (store.record if instrument.kind == "histogram" else store.add)(instrument, labels, 1)
            count += 1
    return count


def timed(slices: Slices[Result], times: list[float]) -> Result:
    """Do work, and append the CPU milliseconds of each of its slices."""
    while True:
        began = time.thread_time()
        try:
            next(slices)
        except StopIteration as stop:
            result: Result = stop.value
            return result
        finally:
            times.append((time.thread_time() - began) * 1000)


@click.command()
@click.option("--scrapes", default=200, show_default=True)
def main(scrapes: int) -> None:
    """Measure the preparation, the first scrape and those after it."""
    with tempfile.TemporaryDirectory() as folder:
        stores = [join(Path(folder), f"worker {number}") for number in range(WORKERS)]
        (series,) = {fill(store) for store in stores}
        gatherer, text = Gatherer(stores[0], Path(folder)), Exposition()
        prepared: list[float] = []
        timed(text.prepare(timed(gatherer.prepare(), prepared)), prepared)
        costs: list[float] = []
        longest: list[float] = []
        for _ in range(scrapes):
            for store in stores:
                fill(store)
            times: list[float] = []
            timed(text.write(timed(gatherer.gather(), times)), times)
            costs.append(sum(times))
            longest.append(max(times))
        for store in stores:
            store.close()
    click.echo(f"{WORKERS} workers, {series} series each; milliseconds of CPU")
    click.echo(f"preparation {sum(prepared):.1f}, longest slice {max(prepared):.1f}")
    above = sum(cost > 20 for cost in costs)
    click.echo(
        f"first scrape {costs[0]:.1f}, median {statistics.median(costs):.1f}, most {max(costs):.1f}; {above} over 20"
    )
    click.echo(f"longest slice: median {statistics.median(longest):.1f}, most {max(longest):.1f}")


if __name__ == "__main__":
    main()
