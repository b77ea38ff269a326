from __future__ import annotations

import pytest
from rich.console import Console
from rich.table import Table

from benchmarks.goals import judge
from benchmarks.report import Spread
from benchmarks.results import Results
from benchmarks.tables import chapter_table, format_ratio, format_share, format_spread, goals_table
from tests.benchmarks.results_data import results, sample


def printed(table: Table) -> list[str]:
    console = Console(width=150)
    with console.capture() as output:
        console.print(table)
    return output.get().splitlines()


def rows(found: Results, chapter: int = 0) -> list[str]:
    lines = printed(chapter_table(found, found.chapters[chapter]))
    figures = lines[next(number for number, line in enumerate(lines) if "──" in line) + 1 :]
    return [" ".join(line.split()) for line in figures if line.strip()]


def test_the_fastest_stands_first_with_its_figures() -> None:
    found = results(
        sample("starlette", 20_000),
        sample("ours", 100_000),
        sample("raw", 125_000, generator=1.94),
    )
    assert rows(found) == [
        "raw TCP 125,000 +0% +0% 8.00 100% 97%! 0.80 (0.80 - 0.80) 0.80 (0.80 - 0.80)",
        "emmett 100,000 +0% +0% 10.00 100% 50%",
        "Starlette 20,000 +0% +0% 50.00 100% 50% 5.00 (5.00 - 5.00) 5.00 (5.00 - 5.00)",
    ]
    assert printed(chapter_table(found, found.chapters[0]))[0].startswith("Echo of 64 B")


def test_memory_has_no_cpu_time_and_nobody_is_busy() -> None:
    found = results(
        sample("ours", 5900, scenario="memory-5000", count=5000),
        sample("raw", 1180, scenario="memory-5000", count=5000),
    )
    assert rows(found) == ["raw TCP 1.2 +0% +0% 0.20 (0.20 - 0.20)", "emmett 5.9 +0% +0%"]


def test_a_start_has_cpu_time_but_no_generator() -> None:
    found = results(
        sample("ours", 0.5, scenario="startup", server=0.25, generator=None, count=1),
        sample("starlette", 1.0, scenario="startup", server=0.5, generator=None, count=1),
    )
    assert rows(found) == [
        "emmett 500 +0% +0% 250",
        "Starlette 1,000 +0% +0% 500 2.00 (2.00 - 2.00) 2.00 (2.00 - 2.00)",
    ]


def test_what_is_unknown_is_a_question_mark() -> None:
    found = results(sample("ours", 10), sample("starlette", 5, server=None))
    assert rows(found)[1] == "Starlette 5 +0% +0% ? 50% 2.00 (2.00 - 2.00) ?"


def test_goals_are_printed_with_what_came_of_them() -> None:
    lines = printed(goals_table(judge(results(sample("ours", 300), sample("raw", 400), sample("starlette", 200)))))
    found = [" ".join(line.split()) for line in lines if line.strip().startswith("echo-64")]
    assert found == ["echo-64 raw TCP 0.70 0.75 reached", "echo-64 Starlette 2.30 1.50 missed"]


@pytest.mark.parametrize(
    ("figures", "text"), [((200, 190, 260), "-5% +30%"), ((200, 200, 200), "+0% +0%"), ((0, 0, 0), "?")]
)
def test_spread_is_told_in_per_cent_of_the_median(figures: tuple[float, float, float], text: str) -> None:
    assert format_spread(Spread(*figures)) == text


def test_formats() -> None:
    assert format_ratio(Spread(1.234, 1.0, 2.0)) == "1.23 (1.00 - 2.00)"
    assert format_ratio(None) == "?"
    assert (format_share(0.987), format_share(None)) == ("99%", "")
