from __future__ import annotations

import pytest

from emmett.telemetry.instruments import BYTES, CLOSES, HELD, INSTRUMENTS, REQUESTS, Instrument


def test_names_are_unique_in_both_systems() -> None:
    assert len({each.name for each in INSTRUMENTS}) == len({each.family for each in INSTRUMENTS}) == len(INSTRUMENTS)


@pytest.mark.parametrize(
    ("instrument", "family"),
    [
        (REQUESTS, "http_server_request_duration_seconds"),
        (BYTES, "emmett_websocket_io_bytes_total"),
        (CLOSES, "emmett_websocket_closes_total"),
        (HELD, "emmett_held_bytes"),
    ],
)
def test_a_name_is_adapted_for_prometheus(instrument: Instrument, family: str) -> None:
    assert instrument.family == family


def test_only_histograms_have_buckets_in_ascending_order() -> None:
    for each in INSTRUMENTS:
        assert bool(each.buckets) is (each.kind == "histogram")
        assert list(each.buckets) == sorted(set(each.buckets))
