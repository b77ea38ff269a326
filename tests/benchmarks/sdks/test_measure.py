"""A small run with a real server, and the table of figures that are known."""

from __future__ import annotations

import pytest

from benchmarks.machine import current_placement
from benchmarks.sdks.measure import SDKFigures, SDKReturn, measure, report

pytest.importorskip("uvloop")


def test_a_small_run_is_measured() -> None:
    said: list[str] = []
    text, data = measure(1, 20, 0.02, current_placement(), said.append)
    assert said == ["connections: plain", "connections: sdk", "round 1 of 1", "all SDKs come back"]
    back = data["return"]
    assert (back["ended"], back["recovered"], back["complete"]) == (0, 20, 20)
    assert all(len(figures["cpu"]) == 1 for figures in data["figures"].values())
    assert "20 recovered, 20 with each publication once and in order, 0 ended" in text


def test_the_table_lists_known_figures() -> None:
    figures = {
        "plain": SDKFigures(5000, [8e-6, 10e-6, 12e-6], [0.01] * 3, [0.1] * 3),
        "sdk": SDKFigures(7500, [8e-6, 11e-6, 12e-6], [0.01] * 3, [0.2, 0.1, 0.1]),
    }
    text = report(figures, SDKReturn(2.0, 1, 4999, 4998), 5000)
    assert "| bytes of a connection | 5,000 | 7,500 | 1.50 |" in text
    assert "| CPU µs of a delivery | 10.00 | 11.00 | 1.00 (1.00 to 1.10) |" in text
    assert "| p99 ms until a delivery | 100.00 | 100.00 | 1.00 (1.00 to 2.00) |" in text
    assert "2.0 s until the last one has everything; 4,999 recovered, 4,998 with each publication once" in text
