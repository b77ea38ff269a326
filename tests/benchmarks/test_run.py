from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import run
from benchmarks.capacity.model import PUBLISHED, read_coefficients
from benchmarks.contestants import CONTESTANTS
from benchmarks.environments import ROOT
from benchmarks.machine import Placement
from benchmarks.scenarios import SCENARIOS
from benchmarks.stage import Timing

pytest.importorskip("uvloop")

FIGURES = {
    "process_bytes": 40e6,
    "subscriber_bytes": 6e3,
    "kernel_bytes": 4e3,
    "delivery_seconds": 5e-6,
    "publication_seconds": 100e-6,
    "broker_seconds": 20e-6,
}
PREDICT = ["predict", "--connections", "250000", "--publications", "500", "--subscribers", "200"]


def test_servers_are_measured_printed_and_written(tmp_path: Path) -> None:
    options = [
        "--rounds",
        "1",
        "--seconds",
        "0.2",
        "--contestants",
        "raw",
        "--results",
        str(tmp_path),
    ]
    command = [sys.executable, "-m", "benchmarks.run", "servers", "--scenarios", "broadcast,echo-64", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "### Echo of 64 B: 64 connections" in done.stdout
    assert "| raw TCP (limit) |" in done.stdout
    assert "2 of 2, round 1 of 1: broadcast, raw TCP (limit)" in done.stderr
    written = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert [sample["scenario"] for sample in written["samples"]] == ["echo-64", "broadcast"]
    assert written["samples"][0]["count"] > 0
    assert written["failures"] == []
    assert "Broadcast to 500" in (tmp_path / "results.md").read_text("utf-8")
    assert {file.name for file in tmp_path.glob("*.svg")} == {"benchmark-echo-64.svg", "benchmark-broadcast.svg"}


def test_a_part_of_the_capacity_is_printed_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(
        rounds: int, subscribers: int, timing: Timing, placement: Placement, say: object
    ) -> tuple[str, dict[str, object]]:
        return f"{rounds} rounds of {timing.seconds:g} s with {subscribers}", {"samples": [1]}

    monkeypatch.setitem(run.PARTS, "slow", measure)
    done = CliRunner().invoke(run.main, ["capacity", "--quick", "--parts", "slow", "--results", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "1 rounds of 1 s with 1000" in done.output
    assert json.loads((tmp_path / "slow.json").read_text("utf-8"))["samples"] == [1]
    assert "1 rounds" in (tmp_path / "slow.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["servers", "--contestants", "ours,nobody"], "'nobody' is not among raw, ours"),
        (["servers", "--scenarios", "nothing"], "'nothing' is not among echo-64, echo-64-batch"),
        (["servers", "--scenarios", ","], "nothing is not among echo-64"),
        (["servers", "--seconds", "30"], "30.0 is not in the range 0.1<=x<=15.0"),
        (["servers", "--rounds", "0"], "0 is not in the range x>=1"),
        (["channels", "--brokers", "kafka"], "'kafka' is not among memory, valkey, nats"),
        (["channels", "--layouts", ""], "nothing is not among process, workers, nodes"),
        (["channels", "--subscribers", "1"], "--subscribers"),
        (["channels", "--seconds", "60"], "--seconds"),
        (["channels", "--brokers", "memory", "--layouts", "workers,nodes"], "is refused by design"),
        (["capacity", "--parts", "fast"], "'fast' is not among model, slow"),
        (["capacity", "--subscribers", "3"], "--subscribers"),
        ([*PREDICT, "--connections", "0"], "--connections"),
        ([*PREDICT, "--share", "0"], "--share"),
        (["publish", "none.json"], "does not exist"),
    ],
)
def test_an_impossible_option_says_what_is_allowed(arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(run.main, arguments)
    assert result.exit_code == 2
    assert complaint in result.output


def test_names_are_listed_and_selected_in_their_fixed_order() -> None:
    result = CliRunner().invoke(run.main, ["servers", "--list"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.output.splitlines()] == [*SCENARIOS, *CONTESTANTS]
    assert "(only when named)" in result.output
    assert run.Names("abc").convert("c,a", None, None) == ["a", "c"]


def test_the_model_uses_the_figures_of_this_machine(tmp_path: Path) -> None:
    results = tmp_path / "model.json"
    results.write_text(json.dumps({"coefficients": FIGURES}))
    done = CliRunner().invoke(run.main, [*PREDICT, "--results", str(results)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "processes      25, a core each; the limit is: connections",
        "busy           7.0% of its core, each",
        "memory         140 MB each, 3.5 GB in all",
        "deliveries     100,000 a second",
        "broker         500.0 in, 12,500 out a second",
        f"coefficients   {results}",
    ]


def test_without_own_figures_the_published_ones_are_used(tmp_path: Path) -> None:
    coefficients, source = read_coefficients(tmp_path / "none.json")
    assert source == PUBLISHED
    assert coefficients.delivery_seconds > 0


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"coefficients": {"process_bytes": 1}}'])
def test_an_error_is_one_line(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tmp_path / "model.json"
    results.write_text(text)
    monkeypatch.setattr(sys, "argv", ["run", *PREDICT, "--results", str(results)])
    with pytest.raises(SystemExit, match="run `make bench-capacity`"):
        run.run()
