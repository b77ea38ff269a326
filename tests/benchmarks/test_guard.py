"""The guard on the cost of a message: its workload, record and verdicts; `make bench-guard` does the counting."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.guard import counting, faults
from benchmarks.guard.workload import RESPONSE_SIZE, VISIT_SIZE, carry, connect, get
from benchmarks.run import main


@pytest.mark.parametrize("kind", ["single", "batch", *counting.WITH_TELEMETRY.values()])
async def test_the_workload_echoes_every_message(kind: str) -> None:
    assert await carry(kind, 64) == 64 * 66


async def test_the_workload_answers_every_request() -> None:
    assert await get(3) == 3 * RESPONSE_SIZE


async def test_the_workload_completes_every_connection() -> None:
    assert await connect(3) == 3 * VISIT_SIZE


def test_the_cost_of_a_message_is_measured_as_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "count_instructions", lambda kind, messages: 123_456_789 + messages * 500)
    assert counting.measure("single") == counting.measure("connect") == 500


def fake_valgrind(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "valgrind"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_count_is_read_from_the_output_of_valgrind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_valgrind(tmp_path, monkeypatch, "echo '==7== I   refs:      1,234,567' >&2")
    assert counting.count_instructions("batch", 32) == 1_234_567


@pytest.mark.parametrize("script", ["exit 3", "echo nothing >&2", "echo 'I refs: 5' >&2; exit 1"])
def test_a_failed_run_has_no_count(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_valgrind(tmp_path, monkeypatch, script)
    with pytest.raises(RuntimeError, match="valgrind ended with"):
        counting.count_instructions("batch", 32)


def test_a_missing_valgrind_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="apt install valgrind"):
        counting.count_instructions("batch", 32)


@pytest.mark.parametrize(
    ("measured", "good", "words"),
    [
        (1000, True, "(+0.0%)"),
        (1019, True, "(+1.9%)"),
        (1021, False, "dearer than the 2% allowed"),
        (970, True, "--record"),
    ],
)
def test_a_verdict_compares_a_count_with_its_record(measured: float, good: bool, words: str) -> None:
    verdict = counting.judge("batch", measured, 1000)
    assert verdict[0] is good
    assert words in verdict[1]


@pytest.mark.parametrize(("measured", "good", "words"), [(1150, True, "1.150 times"), (1151, False, "over 1.15")])
def test_verdicts_on_telemetry(measured: float, good: bool, words: str) -> None:
    verdict = counting.judge_telemetry("single", measured, 1000)
    assert verdict[0] is good
    assert words in verdict[1]


def test_records_of_other_interpreters_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"other": {"single": 1}}))
    counting.save({"single": 10.4}, path)
    assert counting.load(path) == {"other": {"single": 1}, counting.interpreter(): {"single": 10}}
    assert counting.load(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("recorded", "options", "status", "words"),
    [
        (None, [], 1, "nothing is recorded"),
        (None, ["--record"], 0, "(+0.0%)"),
        (900.0, [], 1, "dearer"),
        (1000.0, [], 0, "(+0.0%)"),
    ],
)
def test_the_command_prints_verdicts(
    recorded: float | None, options: list[str], status: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = {} if recorded is None else {counting.interpreter(): dict.fromkeys(counting.KINDS, recorded)}
    monkeypatch.setattr(counting, "measure", lambda kind: 1000.0)
    monkeypatch.setattr(faults, "measure", lambda: 0.1)
    monkeypatch.setattr(counting, "load", lambda: records)
    monkeypatch.setattr(counting, "save", lambda figures: records.update({counting.interpreter(): figures}))
    result = CliRunner().invoke(main, ["guard", *options])
    assert result.exit_code == status, result.output
    assert words in result.output


async def test_a_large_message_is_echoed_whole() -> None:
    assert await faults.count_faults(2) >= 0


def test_page_faults_are_counted_in_a_process_of_its_own() -> None:
    assert faults.judge(faults.measure())[0]


@pytest.mark.parametrize(("count", "good"), [(0.0, True), (2.0, True), (2.1, False), (860.5, False)])
def test_verdicts_on_page_faults(count: float, good: bool) -> None:
    verdict = faults.judge(count)
    assert verdict[0] is good
    assert f"{count:,.1f} page faults" in verdict[1]


def test_a_failed_count_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "__file__", "/nonexistent.py")
    with pytest.raises(RuntimeError, match="page faults cannot be counted"):
        faults.measure()
