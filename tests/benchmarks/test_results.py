from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.results import Failure, Results, Spread
from tests.benchmarks.results_data import results, sample

RUN = results(
    sample("ours", 200),
    sample("raw", 300),
    sample("starlette", 100),
    sample("ours", 0.5, scenario="startup", generator=None, count=1),
    sample("starlette", 0.3, scenario="startup", generator=None, count=1),
    failures=(Failure("ws", "echo-64", "broke"),),
)


def test_results_survive_a_file(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(RUN.data), "utf-8")
    read = Results.read(file)
    assert read == RUN
    assert [asdict(one) for one in read.samples] == RUN.data["samples"]
    assert read.failures == (Failure("ws", "echo-64", "broke"),)


def test_the_best_comes_first_whether_more_or_less_is_better() -> None:
    echo, startup = RUN.chapters
    assert [summary.contestant for summary in echo.summaries] == ["raw", "ours", "starlette"]
    assert [summary.contestant for summary in startup.summaries] == ["starlette", "ours"]
    assert (echo.unit.name, startup.unit.name) == ("messages/s", "ms")
    assert (echo.connections, startup.connections) == (64, 0)


def test_figures_are_found_by_their_names() -> None:
    chapter = RUN.chapter("echo-64")
    assert chapter is not None
    starlette = chapter.summary("starlette")
    assert starlette is not None
    assert starlette.ratio == Spread(2.0, 2.0, 2.0)
    assert starlette.value == Spread(100, 100, 100)
    assert chapter.summary("ws") is None
    assert RUN.chapter("json") is None


def test_contestants_have_titles() -> None:
    assert RUN.base == "ours"
    assert RUN.raw == {"raw"}
    assert (RUN.title("starlette"), RUN.title("stranger")) == ("Starlette", "stranger")
