"""The benchmark of channels: `make bench-channels`, or `python benchmarks/channels/run.py --help`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

# Started as a script, Python looks for modules beside it and not where the package `benchmarks` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import click

from benchmarks.channels.brokers import BROKERS
from benchmarks.channels.circumstances import circumstances, describe
from benchmarks.channels.layouts import LAYOUTS
from benchmarks.channels.measure import PACE, Case, Sample, Timing, cases, measure, refused
from benchmarks.channels.pages import DOCS, put
from benchmarks.channels.report import DELAY_HEADINGS, HEADINGS, delay_rows, markdown, rows
from benchmarks.environments import BENCH_FOLDER, make_folder
from benchmarks.placement import current_placement
from benchmarks.plan import LoadFailed
from benchmarks.publish import MarkersMissing
from benchmarks.run import LONGEST_MEASUREMENT, Names
from benchmarks.server_process import ServerFailed

RESULTS_FOLDER = BENCH_FOLDER / "channels"
COMMAND = "benchmarks/channels/run.py"


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Times that all is measured.")
@click.option(
    "--seconds",
    default=1.5,
    show_default=True,
    type=click.FloatRange(0.2, LONGEST_MEASUREMENT),
    help="Length of one measurement.",
)
@click.option("--quick", is_flag=True, help="One round of 0.5 s each, for a first look.")
@click.option("--brokers", type=Names(BROKERS), help="Only these, with commas between them.")
@click.option("--layouts", type=Names(LAYOUTS), help="Only these, with commas between them.")
@click.option(
    "--subscribers", default=64, show_default=True, type=click.IntRange(4, 5000), help="In all; a quarter publish."
)
@click.option(
    "--results",
    "folder",
    default=RESULTS_FOLDER,
    show_default=".bench/channels",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for results.json and results.txt.",
)
@click.option("--publish", "published", is_flag=True, help="Put the figures into docs/channels.md.")
def main(
    rounds: int,
    seconds: float,
    quick: bool,
    brokers: list[str] | None,
    layouts: list[str] | None,
    subscribers: int,
    folder: Path,
    published: bool,
) -> None:
    """Measure the way from a publication to its deliveries, with every broker. benchmarks/README.md says more."""
    brokers, layouts = brokers or list(BROKERS), layouts or list(LAYOUTS)
    wanted, left_out = cases(brokers, layouts), refused(brokers, layouts)
    if not wanted:
        raise click.UsageError(f"{left_out[0]} Add --layouts process, or a broker that processes share.")
    placement = current_placement()
    timing = Timing(0.2, 0.5) if quick else Timing(0.5, seconds)
    rounds = 1 if quick else rounds
    found = circumstances(placement, rounds, timing.seconds)
    samples: dict[Case, list[Sample]] = {case: [] for case in wanted}
    failures: list[str] = []
    for number in range(rounds):
        for case in wanted:
            click.echo(f"round {number + 1} of {rounds}: {case.name}", err=True)
            try:
                samples[case].append(measure(case, timing, subscribers, placement))
            except (LoadFailed, ServerFailed) as error:
                failures.append(f"{case.name}: {error}")
    text = _text(samples, subscribers, [*describe(found), *left_out])
    click.echo(text)
    make_folder(BENCH_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    data = {
        **found,
        "subscribers": subscribers,
        "samples": [{**asdict(case), "rounds": [asdict(sample) for sample in samples[case]]} for case in wanted],
        "failures": failures,
    }
    (folder / "results.json").write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    (folder / "results.txt").write_text(text + "\n", "utf-8")
    for failure in failures:
        click.echo(f"FAILED: {failure}", err=True)
    if published and not failures:
        try:
            put(text, "bench-channels", COMMAND, DOCS / "channels.md")
        except MarkersMissing as error:
            raise click.ClickException(str(error)) from error
    if failures:
        raise SystemExit(1)


def _text(samples: dict[Case, list[Sample]], subscribers: int, notes: list[str]) -> str:
    notes = [
        *notes,
        f"{subscribers} subscribers on one channel, a quarter of them publish, 64 bytes each.",
        "Publications, deliveries and CPU time: with 16 publications in flight for each publisher, who writes the next "
        "when it has its own back.",
        f"p50, p99 and max: from writing it to having it, at {PACE:g} publications a second; all deliveries, those in "
        "the process of the publisher, and those in another one.",
    ]
    return "\n\n".join(
        (
            "\n".join(f"- {note}" for note in notes),
            markdown(HEADINGS, rows(samples, subscribers), left=3),
            markdown(DELAY_HEADINGS, delay_rows(samples), left=3),
        )
    )


if __name__ == "__main__":
    main()
