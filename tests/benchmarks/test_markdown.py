from __future__ import annotations

from benchmarks.markdown import results_markdown
from benchmarks.report import Failure
from tests.benchmarks.results_data import results, sample


def test_a_page_has_all_that_the_run_says() -> None:
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
    assert "| echo-64 | Starlette | 2.30 | 5.00 | reached |" in lines
    assert "- Failed: ws, echo-64: it broke" in lines
    assert "| Starlette | python 3.11, starlette 1.0 |" in lines
    assert "0.1 before, 1.1 at the end" in text


def test_every_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    text = results_markdown(
        results(sample("ours", 2), sample("raw", 3), sample("ours", 4, scenario="startup")), "images"
    )
    for table in (part for part in text.split("\n\n") if part.startswith("|")):
        assert len({line.count("|") for line in table.splitlines()}) == 1
