"""The benchmark: `make bench`, or `python benchmarks/run.py --help`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Started as a script, Python looks for modules beside it and not where the package `benchmarks` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
from rich.console import Console

from benchmarks.contestants import CONTESTANTS, LIMIT
from benchmarks.environments import BENCH_FOLDER, make_folder
from benchmarks.measure import Timing
from benchmarks.placement import current_placement
from benchmarks.scenarios import SCENARIOS
from benchmarks.tables import describe_failures, disturbance_notes, generator_notes, scenario_table
from benchmarks.tournament import Tournament

# Servers ping after 20 s; below that no ping comes among the replies, which are compared byte for byte.
LONGEST_MEASUREMENT = 15.0
LONGEST_WARM_UP = 3.0
# Of a report that goes to a file or a pipe, in characters.
PLAIN_WIDTH = 130


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1), help="Times that all is measured.")
@click.option(
    "--seconds",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0.2, LONGEST_MEASUREMENT),
    help="Length of one measurement.",
)
@click.option(
    "--warm-up",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, LONGEST_WARM_UP),
    help="Seconds of load before each measurement.",
)
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(list(SCENARIOS)), help="Only this; repeatable."
)
@click.option(
    "--contestant", "contestants", multiple=True, type=click.Choice(list(CONTESTANTS)), help="Only this; repeatable."
)
@click.option(
    "--json",
    "json_file",
    default=BENCH_FOLDER / "results.json",
    show_default=".bench/results.json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where samples and figures go.",
)
def main(
    rounds: int,
    seconds: float,
    warm_up: float,
    scenarios: tuple[str, ...],
    contestants: tuple[str, ...],
    json_file: Path,
) -> None:
    """Measure what a message costs, here and on other servers. benchmarks/README.md says how to read the tables."""
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PLAIN_WIDTH)
    tournament = Tournament(
        [contestant for name, contestant in CONTESTANTS.items() if not contestants or name in contestants],
        [scenario for name, scenario in SCENARIOS.items() if not scenarios or name in scenarios],
        rounds,
        Timing(warm_up, seconds),
        current_placement(),
    )
    with console.status("starting") as status:
        tournament.prepare(status.update)
        tournament.measure(status.update)
    if tournament.samples:
        print_report(tournament, console)
        make_folder(BENCH_FOLDER)
        json_file.write_text(json.dumps(tournament.as_json(), indent=2) + "\n", "utf-8")
        console.print(f"Every sample: {json_file}")
    for line in describe_failures(tournament.failures):
        console.print(line, style="red", markup=False)
    if tournament.failures:
        raise SystemExit(1)


def print_report(tournament: Tournament, console: Console) -> None:
    """Print a table a scenario, each with what must be said about it."""
    titles = {contestant.name: contestant.title for contestant in tournament.contestants}
    for scenario in tournament.scenarios:
        summaries = tournament.summaries(scenario)
        if summaries:
            console.print(scenario_table(scenario.title, summaries, titles, tournament.base))
            for note in (*generator_notes(summaries, titles, LIMIT), *disturbance_notes(summaries, titles)):
                console.print(f"- {note}")
            console.print()
    console.print(tournament.placement.note)


if __name__ == "__main__":
    main()
