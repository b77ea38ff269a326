"""The benchmark: `make bench`, or `python benchmarks/run.py --help`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

# Started as a script, Python looks for modules beside it and not where the package `benchmarks` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
from rich.console import Console

from benchmarks.contestants import CONTESTANTS
from benchmarks.environments import BENCH_FOLDER, make_folder
from benchmarks.goals import judge
from benchmarks.notes import chapter_notes, describe_failures, describe_gaps
from benchmarks.placement import current_placement
from benchmarks.publish import MarkersMissing, publish, write_charts
from benchmarks.results import Results
from benchmarks.scenarios.registry import SCENARIOS
from benchmarks.stage import Timing
from benchmarks.tables import chapter_table, goals_table
from benchmarks.tournament import Tournament

# Servers ping after 20 s; below that no ping comes among the replies, which are compared byte for byte.
LONGEST_MEASUREMENT = 15.0
LONGEST_WARM_UP = 3.0
# Of a report that goes to a file or a pipe, in characters.
PLAIN_WIDTH = 140
RESULTS_FOLDER = BENCH_FOLDER / "results"

T = TypeVar("T")


class Names(click.ParamType[list[str]]):
    """Names with commas between them; each stands for one of several things."""

    name = "names"

    def __init__(self, known: Iterable[str]) -> None:
        self.known = list(known)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        if isinstance(value, list):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        unknown = [name for name in names if name not in self.known]
        if unknown or not names:
            self.fail(f"{', '.join(map(repr, unknown)) or 'nothing'} is not among {', '.join(self.known)}", param, ctx)
        return names


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
@click.option("--quick", is_flag=True, help="One round of 0.5 s each, for a first look.")
@click.option("--scenarios", type=Names(SCENARIOS), help="Only these, with commas between them.")
@click.option("--contestants", type=Names(CONTESTANTS), help="Only these, with commas between them.")
@click.option("--seed", default=1, show_default=True, type=int, help="Of the order in which contestants come.")
@click.option(
    "--results",
    "folder",
    default=RESULTS_FOLDER,
    show_default=".bench/results",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for results.json, results.txt and the charts.",
)
@click.option("--publish", "published", is_flag=True, help="Put the figures into docs/performance.md and docs/images/.")
@click.option("--list", "listed", is_flag=True, help="Name all scenarios and contestants, and end.")
def main(
    rounds: int,
    seconds: float,
    warm_up: float,
    quick: bool,
    scenarios: list[str] | None,
    contestants: list[str] | None,
    seed: int,
    folder: Path,
    published: bool,
    listed: bool,
) -> None:
    """Measure what a message costs, here and on other servers. benchmarks/README.md says how to read the tables."""
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=PLAIN_WIDTH)
    if listed:
        print_names(console)
        return
    tournament = Tournament(
        chosen(CONTESTANTS, contestants),
        chosen(SCENARIOS, scenarios or [name for name, scenario in SCENARIOS.items() if scenario.default]),
        1 if quick else rounds,
        Timing(0.2, 0.5) if quick else Timing(warm_up, seconds),
        current_placement(),
        seed,
    )
    results = run(tournament, folder, console)
    if published:
        try:
            publish(results)
        except MarkersMissing as error:
            raise click.ClickException(str(error)) from error
    if tournament.failures:
        raise SystemExit(1)


def chosen(all_of_them: dict[str, T], names: list[str] | None) -> list[T]:
    """Return those with the given names, in the order of all; all of them without names."""
    return [thing for name, thing in all_of_them.items() if names is None or name in names]


def run(tournament: Tournament, folder: Path, console: Console) -> Results:
    """Measure, print, and write the results to a folder. What was measured so far is there even when it is stopped."""
    make_folder(BENCH_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "results.json"

    with console.status("starting") as status:

        def announce(text: str) -> None:
            status.update(text)
            if not console.is_terminal:
                print(text, file=sys.stderr, flush=True)

        tournament.prepare(announce)
        try:
            tournament.measure(announce)
        finally:
            file.write_text(json.dumps(tournament.as_json(), indent=2) + "\n", "utf-8")
    # What is printed, charted and published is what can be read from the file.
    results = Results.read(file)
    print_report(results, console)
    with (folder / "results.txt").open("w", encoding="utf-8") as text:
        print_report(results, Console(file=text, highlight=False, width=PLAIN_WIDTH))
    write_charts(results, folder)
    console.print(f"Every sample: {file}")
    return results


def print_report(results: Results, console: Console) -> None:
    """Print a table a scenario, each with what must be said about it, and what is missing."""
    for chapter in results.chapters:
        console.print(chapter_table(results, chapter))
        for note in chapter_notes(results, chapter):
            console.print(f"- {note}", markup=False)
        console.print()
    verdicts = judge(results)
    if verdicts:
        console.print(goals_table(verdicts))
    console.print(results.data["placement"]["note"])
    for line in describe_gaps(results):
        console.print(line, markup=False)
    for line in describe_failures(results.failures):
        console.print(line, style="red", markup=False)


def print_names(console: Console) -> None:
    """Print what `--scenarios` and `--contestants` take."""
    for name, scenario in SCENARIOS.items():
        console.print(f"{name:24}{scenario.title}{'' if scenario.default else ' (only when named)'}", markup=False)
    console.print()
    for name, contestant in CONTESTANTS.items():
        console.print(f"{name:24}{contestant.title}", markup=False)


if __name__ == "__main__":
    main()
