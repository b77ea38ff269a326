from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.markdown import results_markdown
from benchmarks.merge import RunsDiffer, main, merged
from benchmarks.report import Failure, Spread
from benchmarks.results import Results
from tests.benchmarks.results_data import results, sample

EARLIER = results(
    sample("ours", 300),
    sample("starlette", 100),
    sample("ours", 400, 1),
    sample("starlette", 100, 1),
    sample("ours", 5000, scenario="broadcast"),
    failures=(Failure("ws", "echo-64", "no answer"),),
).data
LATER = results(
    sample("ours", 900),
    sample("starlette", 100),
    sample("ours", 70, scenario="connects"),
    failures=(Failure("ws", "connects", "gone"),),
).data


def test_rounds_come_behind_each_other() -> None:
    both = Results.of(merged(EARLIER, LATER))
    echo = both.chapter("echo-64")
    assert echo is not None
    starlette = echo.summary("starlette")
    assert starlette is not None
    assert starlette.rounds == 3
    assert starlette.ratio == Spread(4, 3, 9)
    assert both.data["rounds"] == 3
    assert [chapter.name for chapter in both.chapters] == ["echo-64", "broadcast", "connects"]
    assert [failure.reason for failure in both.failures] == ["no answer", "gone"]
    assert both.data["took"] == 1200


def test_the_page_says_that_some_have_more_rounds() -> None:
    assert "- Rounds: 1 to 3\n" in results_markdown(Results.of(merged(EARLIER, LATER)), "images")
    assert "- Rounds: 1\n" in results_markdown(results(sample("ours", 1)), "images")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"machine": {"commit": "def"}}, "machine: .*'abc'.* is not .*'def'"),
        ({"timing": {"warm_up": 0.5, "seconds": 1.0}}, "timing: .* is not .*1.0"),
        ({"base": "raw"}, "base: ours is not raw"),
        ({"contestants": [{"name": "ours", "versions": {"python": "3.14"}}]}, "contestants: .* is not .*3.14"),
    ],
)
def test_runs_that_differ_are_not_put_together(changes: dict[str, object], complaint: str) -> None:
    with pytest.raises(RunsDiffer, match=complaint):
        merged(EARLIER, LATER | changes)


def test_the_script_writes_a_file(tmp_path: Path) -> None:
    names = ("earlier", "later", "folder/both")
    earlier, later, both = (tmp_path / f"{name}.json" for name in names)
    earlier.write_text(json.dumps(EARLIER), "utf-8")
    later.write_text(json.dumps(LATER), "utf-8")
    done = CliRunner().invoke(main, [str(earlier), str(later), str(both)])
    assert done.exit_code == 0, done.output
    assert json.loads(both.read_text("utf-8")) == json.loads(json.dumps(merged(EARLIER, LATER)))
    later.write_text(json.dumps(LATER | {"base": "raw"}), "utf-8")
    done = CliRunner().invoke(main, [str(earlier), str(later), str(both)])
    assert done.exit_code == 1
    assert "Error: base: ours is not raw" in done.output
