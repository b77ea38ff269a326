"""What many connections need, and one that reads nothing: `make bench-capacity`, or this file with `--help`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

# Started as a script, Python looks for modules beside it and not where the package `benchmarks` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import click

from benchmarks.capacity import measure, slow
from benchmarks.capacity.model import Bounds
from benchmarks.capacity.predict import PUBLISHED
from benchmarks.capacity.report import checks_text, coefficients_text, examples_text
from benchmarks.channels.circumstances import circumstances, describe
from benchmarks.channels.measure import Timing
from benchmarks.channels.pages import DOCS, put
from benchmarks.channels.plan import ChannelResult
from benchmarks.channels.report import markdown
from benchmarks.environments import BENCH_FOLDER, make_folder
from benchmarks.placement import Placement, current_placement
from benchmarks.plan import LoadFailed
from benchmarks.publish import MarkersMissing
from benchmarks.run import LONGEST_MEASUREMENT, Names
from benchmarks.server_process import ServerFailed

PARTS = ("model", "slow")
SIZES = (1000, 5000, 10_000)
RESULTS_FOLDER = BENCH_FOLDER / "capacity"
COMMAND = "benchmarks/capacity/run.py"

Say = Callable[[str], None]


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Times that all is measured.")
@click.option(
    "--seconds",
    default=4.0,
    show_default=True,
    type=click.FloatRange(0.5, LONGEST_MEASUREMENT),
    help="Length of one measurement.",
)
@click.option(
    "--subscribers",
    default=10_000,
    show_default=True,
    type=click.IntRange(16, 60_000),
    help="Beside the one that reads nothing; and the largest size for which the model is checked.",
)
@click.option("--quick", is_flag=True, help="One round of 1 s each; at most 1,000 beside the slow reader.")
@click.option("--parts", type=Names(PARTS), help="Only these: model, slow.")
@click.option(
    "--results",
    "folder",
    default=RESULTS_FOLDER,
    show_default=".bench/capacity",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for model.json, slow.json, and the tables.",
)
@click.option("--publish", "published", is_flag=True, help="Put the figures into docs/scaling.md.")
def main(
    rounds: int, seconds: float, subscribers: int, quick: bool, parts: list[str] | None, folder: Path, published: bool
) -> None:
    """Measure what subscribers cost, hold the model of docs/scaling.md to it, and put a slow reader beside them."""
    placement = current_placement()
    if quick:
        rounds, seconds, subscribers = 1, 1.0, min(subscribers, 1000)
    timing = Timing(0.5, seconds)
    found = circumstances(placement, rounds, seconds)
    notes = "\n".join(f"- {line}" for line in describe(found))
    make_folder(BENCH_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)

    def say(text: str) -> None:
        click.echo(text, err=True)

    try:
        for part in parts or PARTS:
            text, data = (measure_model if part == "model" else measure_slow)(
                rounds, subscribers, timing, placement, say
            )
            text = f"{notes}\n\n{text}"
            click.echo(f"{text}\n")
            (folder / f"{part}.txt").write_text(text + "\n", "utf-8")
            (folder / f"{part}.json").write_text(json.dumps({**found, **data}, indent=2) + "\n", "utf-8")
            if published:
                put(text, f"bench-capacity-{part}", COMMAND, DOCS / "scaling.md")
                if part == "model":
                    figures = {"coefficients": data["coefficients"]}
                    PUBLISHED.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    except (LoadFailed, ServerFailed, ValueError, MarkersMissing) as error:
        raise click.ClickException(str(error)) from error


def measure_model(
    rounds: int, subscribers: int, timing: Timing, placement: Placement, say: Say
) -> tuple[str, dict[str, Any]]:
    """Measure the coefficients and the sizes for which they must hold.

    Returns:
        The tables, and all that was measured.
    """
    sizes = [size for size in SIZES if size <= subscribers] or [subscribers]
    loads = {measure.FEW: measure.FEW_PACE, **{size: measure.DELIVERIES / size for size in (measure.MANY, *sizes)}}
    results: dict[int, list[ChannelResult]] = {size: [] for size in loads}
    for number in range(rounds):
        for size, pace in loads.items():
            say(f"round {number + 1} of {rounds}: {size} subscribers")
            results[size].append(measure.run(size, pace, timing, placement))
    coefficients = measure.coefficients(results[measure.FEW], results[measure.MANY])
    checks = [measure.check(coefficients, size, loads[size], results[size]) for size in sizes]
    text = "\n\n".join(
        (
            f"Coefficients, from {measure.FEW} and {measure.MANY:,} subscribers:",
            coefficients_text(coefficients),
            "What the model says of other sizes, on one channel in one process, and what was measured:",
            checks_text(checks),
            "What a million connections need, by the model:",
            examples_text(coefficients, Bounds()),
        )
    )
    samples = {str(size): [asdict(result) for result in taken] for size, taken in results.items()}
    return text, {"coefficients": asdict(coefficients), "samples": samples}


def measure_slow(
    rounds: int, subscribers: int, timing: Timing, placement: Placement, say: Say
) -> tuple[str, dict[str, Any]]:
    """Measure each policy without and with a subscriber that reads nothing.

    Returns:
        The table, and all that was measured.
    """
    pairs: dict[str, list[slow.Pair]] = {policy: [] for policy in slow.POLICIES}
    for number in range(rounds):
        for policy in slow.POLICIES:
            say(f"round {number + 1} of {rounds}: a slow reader, {policy}")
            pairs[policy].append(slow.measure(policy, subscribers, timing, placement))
    text = (
        f"{subscribers:,} subscribers on one channel get {slow.DELIVERIES / subscribers:g} publications a second; one "
        "more reads nothing:\n\n"
    )
    text += markdown(slow.HEADINGS, [slow.row(policy, taken) for policy, taken in pairs.items()], left=1)
    return text, {"samples": {policy: [asdict(pair) for pair in taken] for policy, taken in pairs.items()}}


if __name__ == "__main__":
    main()
