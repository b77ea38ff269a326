from __future__ import annotations

import pytest

from benchmarks.markdown import format_share, format_spread, results_markdown, table
from benchmarks.results import Failure, Spread, format_ratio
from tests.benchmarks.results_data import results, sample


def test_a_page_contains_everything_about_the_run() -> None:
    text = results_markdown(
        results(
            sample("ours", 100_000),
            sample("starlette", 20_000, generator=1.9),
            sample("ours", 5900, scenario="memory-5000", count=5000),
            failures=(Failure("ws", "echo-64", "it\nbroke\nThe server wrote: /root"),),
        ),
        "images",
    )
    lines = text.splitlines()
    assert "- Made: 2026-11-23T08:00:00+00:00, in 10 minutes; commit `abc`" in lines
    assert "- Machine: CPU, 2 cores, Linux, CPython 3.11" in lines
    assert "![Echo of 64 B: 64 connections, one message in flight each](images/benchmark-echo-64.svg)" in lines
    assert "| **emmett** | 100,000 | +0% +0% | 10.00 | 100% | 50% |  |" in lines
    assert "| Starlette | 20,000 | +0% +0% | 50.00 | 100% | 95% (!) | 5.00 (5.00 - 5.00) |" in lines
    assert "| **emmett** | 5.9 | +0% +0% |" in lines
    assert "| memory-5000 |  | 5.0 kB/connection | 5.9 | **missed** |" in lines
    assert "- Failed: ws, echo-64: it broke" in lines
    assert "| Starlette | python 3.11, starlette 1.0 |" in lines
    assert "0.1 before, 1.1 at the end" in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    text = results_markdown(
        results(sample("ours", 2), sample("raw", 3), sample("ours", 4, scenario="startup")), "images"
    )
    for part in (part for part in text.split("\n\n") if part.startswith("|")):
        assert len({line.count("|") for line in part.splitlines()}) == 1


@pytest.mark.parametrize(
    ("figures", "text"), [((200, 190, 260), "-5% +30%"), ((200, 200, 200), "+0% +0%"), ((0, 0, 0), "?")]
)
def test_the_spread_is_a_percentage_of_the_median(figures: tuple[float, float, float], text: str) -> None:
    assert format_spread(Spread(*figures)) == text


def test_ratios_and_shares_are_formatted() -> None:
    assert format_ratio(Spread(1.234, 1.0, 2.0)) == "1.23 (1.00 - 2.00)"
    assert format_ratio(None) == "?"
    assert (format_share(0.987), format_share(None)) == ("99%", "")


def test_a_start_has_cpu_time_and_unknown_values_are_question_marks() -> None:
    text = results_markdown(
        results(
            sample("ours", 0.5, scenario="startup", server=0.25, generator=None, count=1),
            sample("starlette", 1.0, scenario="startup", server=None, generator=None, count=1),
        )
    )
    assert "| **emmett** | 500 | +0% +0% | 250 |  |" in text
    assert "| Starlette | 1,000 | +0% +0% | ? | 2.00 (2.00 - 2.00) |" in text
    assert "![" not in text


def test_the_text_of_a_cell_is_escaped() -> None:
    assert table(("a|b", "n"), [("x", "1")], left=1) == "| a/b | n |\n| --- | ---: |\n| x | 1 |"
