"""The command that asks the model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.capacity.predict import PUBLISHED, main, read_coefficients

FIGURES = {
    "process_bytes": 40e6,
    "subscriber_bytes": 6e3,
    "kernel_bytes": 4e3,
    "delivery_seconds": 5e-6,
    "publication_seconds": 100e-6,
    "broker_seconds": 20e-6,
}
ASKED = ["--connections", "250000", "--publications", "500", "--subscribers", "200"]


def test_it_answers_with_the_figures_of_this_machine(tmp_path: Path) -> None:
    results = tmp_path / "model.json"
    results.write_text(json.dumps({"coefficients": FIGURES}))
    done = CliRunner().invoke(main, [*ASKED, "--results", str(results)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines() == [
        "processes      25, a core each; what asks for so many: connections",
        "busy           7.0% of its core, each",
        "memory         140 MB each, 3.5 GB in all",
        "deliveries     100,000 a second",
        "broker         500.0 in, 12,500 out a second",
        f"coefficients   {results}",
    ]


def test_without_them_the_published_ones_count(tmp_path: Path) -> None:
    coefficients, source = read_coefficients(tmp_path / "none.json")
    assert source == PUBLISHED
    assert coefficients.delivery_seconds > 0


@pytest.mark.parametrize("text", ["{}", "nonsense", '{"coefficients": {"process_bytes": 1}}'])
def test_a_file_without_coefficients_says_what_to_do(tmp_path: Path, text: str) -> None:
    results = tmp_path / "model.json"
    results.write_text(text)
    done = CliRunner().invoke(main, [*ASKED, "--results", str(results)])
    assert done.exit_code == 1
    assert "run `make bench-capacity`" in done.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--connections", "0"], "--connections"),
        (["--share", "0"], "--share"),
        (["--subscribers", "300000"], "subscribers is 300000"),
    ],
)
def test_impossible_workloads_are_named(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    results = tmp_path / "model.json"
    results.write_text(json.dumps({"coefficients": FIGURES}))
    done = CliRunner().invoke(main, [*ASKED, *arguments, "--results", str(results)])
    assert done.exit_code != 0
    assert complaint in done.output
