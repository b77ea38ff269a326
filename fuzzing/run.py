"""Run the harnesses one after another: `make fuzz`, or `python fuzzing/run.py --help`."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

# When run as a script, Python searches modules next to the script, not in the folder of the package `fuzzing`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
from rich.console import Console
from rich.table import Table

from fuzzing.seeds import FOLDER, HARNESSES

ROOT = Path(__file__).resolve().parents[1]
# New and harmful inputs, kept between runs.
WORK = ROOT / ".fuzz"
MAX_INPUT = 4096
# Options of libFuzzer for one harness. A program of a few bytes does nothing: begin with long ones, not with short
# ones.
OPTIONS = {"server": ("-len_control=0", "-max_len=400")}
INPUT_TIMEOUT = 10
MEMORY_LIMIT = 1024
# Seconds that a harness may exceed its own limit.
GRACE = 120


@dataclass(frozen=True, slots=True)
class Run:
    """The result of a harness: inputs tried, edges of the code reached, seconds, and its finding."""

    harness: str
    inputs: int
    edges: int
    seconds: float
    finding: str | None


@click.command()
@click.option(
    "--seconds", default=600.0, show_default=True, type=click.FloatRange(1), help="In total, for all harnesses."
)
@click.argument("harnesses", nargs=-1, type=click.Choice(HARNESSES))
def main(seconds: float, harnesses: tuple[str, ...]) -> None:
    """Fuzz for some seconds, divided among the harnesses; the exit status is 1 if a fault was found."""
    chosen = harnesses or HARNESSES
    runs = [fuzz(harness, max(1, round(seconds / len(chosen)))) for harness in chosen]
    table = Table()
    for column in ("harness", "seconds", "inputs", "inputs/s", "edges", "finding"):
        table.add_column(column, justify="left" if column in ("harness", "finding") else "right")
    for run in runs:
        rate = f"{run.inputs / max(run.seconds, 1):,.0f}"
        values = (run.harness, f"{run.seconds:.0f}", f"{run.inputs:,}", rate, str(run.edges), run.finding or "none")
        table.add_row(*values)
    Console(width=None if sys.stdout.isatty() else 120).print(table)
    sys.exit(any(run.finding for run in runs))


def fuzz(harness: str, seconds: int) -> Run:
    """Run one harness."""
    corpus = WORK / harness
    corpus.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable,
        str(ROOT / "fuzzing" / "harness.py"),
        harness,
        str(corpus),
        str(FOLDER / harness),
        f"-max_total_time={seconds}",
        f"-max_len={MAX_INPUT}",
        f"-timeout={INPUT_TIMEOUT}",
        f"-rss_limit_mb={MEMORY_LIMIT}",
        f"-artifact_prefix={WORK}/{harness}-",
        "-print_final_stats=1",
        *OPTIONS.get(harness, ()),
    ]
    click.echo(f"{harness}: {seconds} s; the log is {WORK / harness}.log")
    began = time.monotonic()
    with (WORK / f"{harness}.log").open("wb") as log:
        done = subprocess.run(command, cwd=ROOT, stdout=log, stderr=log, timeout=seconds + GRACE, check=False)
    took = time.monotonic() - began
    text = (WORK / f"{harness}.log").read_text("utf-8", "replace")
    inputs = re.search(r"number_of_executed_units: (\d+)", text)
    edges = re.findall(r"cov: (\d+)", text)
    finding = None
    if done.returncode:
        artifact = re.search(r"Test unit written to (\S+)", text)
        finding = artifact[1] if artifact else f"exit status {done.returncode}"
    return Run(harness, int(inputs[1]) if inputs else 0, int(edges[-1]) if edges else 0, took, finding)


if __name__ == "__main__":
    main()
