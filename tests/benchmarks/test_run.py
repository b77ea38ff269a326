from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.run import main

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "run.py"

pytest.importorskip("uvloop")


def test_the_script_measures_prints_a_table_and_writes_json(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    options = ["--rounds", "1", "--seconds", "0.2", "--warm-up", "0", "--contestant", "raw", "--json", str(result)]
    command = [sys.executable, str(SCRIPT), "--scenario", "echo-64", *options]
    # From a folder that is not the project's: the script finds its package by itself.
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Echo of 64 bytes: 64 connections" in done.stdout
    assert "raw TCP (limit)" in done.stdout
    written = json.loads(result.read_text("utf-8"))
    assert [sample["contestant"] for sample in written["samples"]] == ["raw"]
    assert written["samples"][0]["messages"] > 0
    assert written["failures"] == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--contestant", "nobody"], "'nobody' is not one of 'raw', 'ours', 'starlette'"),
        (["--scenario", "nothing"], "'nothing' is not one of 'echo-64', 'echo-64-batch'"),
        (["--seconds", "30"], "30.0 is not in the range 0.2<=x<=15.0"),
        (["--rounds", "0"], "0 is not in the range x>=1"),
    ],
)
def test_wrong_options_are_told(arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert complaint in result.output
