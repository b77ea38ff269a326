from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.contestants import CONTESTANTS
from benchmarks.run import chosen, main
from benchmarks.scenarios.registry import SCENARIOS

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "run.py"

pytest.importorskip("uvloop")


def test_the_script_measures_prints_a_table_and_writes_its_results(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    options = ["--rounds", "1", "--seconds", "0.2", "--warm-up", "0", "--contestants", "raw", "--results", str(folder)]
    command = [sys.executable, str(SCRIPT), "--scenarios", "echo-64,broadcast", *options]
    # From a folder that is not the project's: the script finds its package by itself.
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Echo of 64 B: 64 connections" in done.stdout
    assert "raw TCP (limit)" in done.stdout
    assert "2 of 2, round 1 of 1: broadcast, raw TCP (limit)" in done.stderr
    written = json.loads((folder / "results.json").read_text("utf-8"))
    assert [sample["scenario"] for sample in written["samples"]] == ["echo-64", "broadcast"]
    assert written["samples"][0]["count"] > 0
    assert written["failures"] == []
    assert "Broadcast to 500" in (folder / "results.txt").read_text("utf-8")
    assert {file.name for file in folder.glob("*.svg")} == {"benchmark-echo-64.svg", "benchmark-broadcast.svg"}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--contestants", "ours,nobody"], "'nobody' is not among raw, ours"),
        (["--scenarios", "nothing"], "'nothing' is not among echo-64, echo-64-batch"),
        (["--scenarios", ","], "nothing is not among echo-64"),
        (["--seconds", "30"], "30.0 is not in the range 0.2<=x<=15.0"),
        (["--rounds", "0"], "0 is not in the range x>=1"),
    ],
)
def test_wrong_options_are_told(arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert complaint in result.output


def test_names_are_listed() -> None:
    result = CliRunner().invoke(main, ["--list"])
    assert result.exit_code == 0
    lines = [line.split()[0] for line in result.output.splitlines() if line.strip()]
    assert lines == [*SCENARIOS, *CONTESTANTS]
    assert "(only when named)" in result.output


def test_those_that_are_named_are_taken_in_the_order_of_all() -> None:
    assert chosen({"a": 1, "b": 2, "c": 3}, ["c", "a"]) == [1, 3]
    assert chosen({"a": 1, "b": 2}, None) == [1, 2]
