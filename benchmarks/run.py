"""The benchmarks: `make bench`, or `python -m benchmarks.run --help`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import click

from benchmarks.capacity import measure as capacity_model
from benchmarks.capacity import slow as capacity_slow
from benchmarks.capacity.model import PUBLISHED, Bounds, Workload, describe, predict, read_coefficients
from benchmarks.channels.brokers import BROKERS
from benchmarks.channels.layouts import LAYOUTS
from benchmarks.channels.measure import Case, Sample, cases, measure, refused
from benchmarks.channels.report import text as channels_text
from benchmarks.contestants import CONTESTANTS
from benchmarks.environments import BENCH_FOLDER, make_folder
from benchmarks.guard import counting, faults
from benchmarks.machine import circumstances, current_placement
from benchmarks.machine import describe as describe_circumstances
from benchmarks.markdown import results_markdown
from benchmarks.plan import LoadFailed
from benchmarks.publish import DOCS, MarkersMissing, publish, put, write_charts
from benchmarks.results import Results
from benchmarks.scenarios import SCENARIOS
from benchmarks.sdks import measure as sdk_measure
from benchmarks.server_process import ServerFailed
from benchmarks.stage import Timing
from benchmarks.tournament import Tournament

# Servers ping after 20 s; below that no ping comes among the replies, which are compared byte for byte.
LONGEST_MEASUREMENT = 15.0
LONGEST_WARM_UP = 3.0
QUICK = Timing(0.2, 0.5)
PARTS = {"model": capacity_model.measure, "slow": capacity_slow.measure}

T = TypeVar("T")
Function = TypeVar("Function", bound=Callable[..., Any])


class Names(click.ParamType[list[str]]):
    """Names with commas between them, each from a known set."""

    name = "names"

    def __init__(self, known: Iterable[str]) -> None:
        self.known = list(known)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Return the names, in the order of all."""
        if isinstance(value, list):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        unknown = [name for name in names if name not in self.known]
        if unknown or not names:
            self.fail(f"{', '.join(map(repr, unknown)) or 'nothing'} is not among {', '.join(self.known)}", param, ctx)
        return [name for name in self.known if name in names]


def measuring(*, rounds: int, seconds: float, shortest: float, name: str) -> Callable[[Function], Function]:
    """Give a command the options that all measurements have.

    Arguments:
        rounds, seconds: their defaults.
        shortest: the least for seconds.
        name: folder of the results under `.bench/`.
    """

    def decorate(command: Function) -> Function:
        period = click.FloatRange(shortest, LONGEST_MEASUREMENT)
        folder = click.Path(file_okay=False, path_type=Path)
        for option in (
            click.option("--publish", "published", is_flag=True, help="Put the figures into docs/."),
            click.option(
                "--results",
                "folder",
                default=BENCH_FOLDER / name,
                show_default=f".bench/{name}",
                type=folder,
                help="Folder for figures as JSON and Markdown.",
            ),
            click.option("--quick", is_flag=True, help="One short round, for a first look."),
            click.option("--seconds", default=seconds, show_default=True, type=period, help="Of one measurement."),
            click.option("--rounds", default=rounds, show_default=True, type=click.IntRange(1), help="Of everything."),
        ):
            command = option(command)
        return command

    return decorate


def names(option: str, known: Iterable[str]) -> Callable[[Function], Function]:
    """Give a command an option that takes some of several names."""
    known = list(known)
    return click.option(
        option, default=known, type=Names(known), show_default="all", help="Only these, with commas between them."
    )


def say(text: str) -> None:
    """Print what is being done, so that it does not get into the figures."""
    click.echo(text, err=True)


def write(folder: Path, name: str, data: object, text: str) -> None:
    """Print figures, and write them to a folder as JSON and Markdown."""
    click.echo(text)
    make_folder(BENCH_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(data, indent=2) + "\n", "utf-8")
    (folder / f"{name}.md").write_text(text + "\n", "utf-8")


@click.group()
def main() -> None:
    """Measure what a message costs. benchmarks/README.md explains how to read the figures."""


@main.command()
@measuring(rounds=5, seconds=2.0, shortest=0.2, name="results")
@click.option("--warm-up", default=0.5, show_default=True, type=click.FloatRange(0, LONGEST_WARM_UP), help="Seconds.")
@click.option("--scenarios", type=Names(SCENARIOS), help="Only these, with commas between them.")
@names("--contestants", CONTESTANTS)
@click.option("--seed", default=1, show_default=True, help="Of the order of the contestants.")
@click.option("--list", "listed", is_flag=True, help="Name all scenarios and contestants, and end.")
def servers(
    rounds: int,
    seconds: float,
    warm_up: float,
    quick: bool,
    scenarios: list[str] | None,
    contestants: list[str],
    seed: int,
    folder: Path,
    published: bool,
    listed: bool,
) -> None:
    """Compare servers: emmett, others, and a bare TCP socket."""
    if listed:
        for name, scenario in SCENARIOS.items():
            click.echo(f"{name:24}{scenario.title}{'' if scenario.default else ' (only when named)'}")
        for name, contestant in CONTESTANTS.items():
            click.echo(f"{name:24}{contestant.title}")
        return
    chosen = scenarios or [name for name, scenario in SCENARIOS.items() if scenario.default]
    tournament = Tournament(
        [CONTESTANTS[name] for name in contestants],
        [SCENARIOS[name] for name in chosen],
        1 if quick else rounds,
        QUICK if quick else Timing(warm_up, seconds),
        current_placement(),
        seed,
    )
    tournament.prepare(say)
    try:
        tournament.measure(say)
    finally:
        # A run that is stopped writes what it has. What is printed and drawn is what can be read from its JSON.
        data = json.loads(json.dumps(tournament.as_json()))
        results = Results.of(data)
        write(folder, "results", data, results_markdown(results))
        write_charts(results, folder)
    if published:
        publish(results)
    if tournament.failures:
        raise SystemExit(1)


@main.command()
@measuring(rounds=3, seconds=1.5, shortest=0.2, name="channels")
@names("--brokers", BROKERS)
@names("--layouts", LAYOUTS)
@click.option(
    "--subscribers", default=64, show_default=True, type=click.IntRange(4, 5000), help="In all; a quarter publish."
)
def channels(
    rounds: int,
    seconds: float,
    quick: bool,
    brokers: list[str],
    layouts: list[str],
    subscribers: int,
    folder: Path,
    published: bool,
) -> None:
    """Measure channels from a publication to its deliveries, with every broker."""
    wanted, left_out = cases(brokers, layouts), refused(brokers, layouts)
    if not wanted:
        raise click.UsageError(f"{left_out[0]} Add --layouts process, or a broker that processes share.")
    placement, timing, rounds = current_placement(), QUICK if quick else Timing(0.5, seconds), 1 if quick else rounds
    found = circumstances(placement, rounds, timing.seconds)
    samples: dict[Case, list[Sample]] = {case: [] for case in wanted}
    failures: list[str] = []
    for number in range(rounds):
        for case in wanted:
            say(f"round {number + 1} of {rounds}: {case.name}")
            try:
                samples[case].append(measure(case, timing, subscribers, placement))
            except (LoadFailed, ServerFailed) as error:
                failures.append(f"{case.name}: {error}")
    text = channels_text(samples, subscribers, [*describe_circumstances(found), *left_out])
    taken = [{**asdict(case), "rounds": [asdict(sample) for sample in samples[case]]} for case in wanted]
    write(folder, "results", {**found, "subscribers": subscribers, "samples": taken, "failures": failures}, text)
    if failures:
        raise click.ClickException("\n".join(failures))
    if published:
        put(text, "bench-channels", DOCS / "channels.md")


@main.command()
@measuring(rounds=3, seconds=4.0, shortest=0.1, name="capacity")
@click.option(
    "--subscribers",
    default=10_000,
    show_default=True,
    type=click.IntRange(16, 60_000),
    help="Beside the one that reads nothing; and the largest size for which the model is checked.",
)
@names("--parts", PARTS)
def capacity(
    rounds: int, seconds: float, quick: bool, subscribers: int, parts: list[str], folder: Path, published: bool
) -> None:
    """Measure what subscribers need, check the model of docs/scaling.md, and put a slow reader beside them."""
    if quick:
        rounds, seconds, subscribers = 1, 1.0, min(subscribers, 1000)
    placement = current_placement()
    found = circumstances(placement, rounds, seconds)
    notes = "\n".join(f"- {line}" for line in describe_circumstances(found))
    for part in parts:
        text, data = PARTS[part](rounds, subscribers, Timing(min(0.5, seconds), seconds), placement, say)
        text = f"{notes}\n\n{text}"
        write(folder, part, {**found, **data}, text)
        if published:
            put(text, f"bench-capacity-{part}", DOCS / "scaling.md")
            if part == "model":
                PUBLISHED.write_text(json.dumps({"coefficients": data["coefficients"]}, indent=2) + "\n", "utf-8")


@main.command()
@measuring(rounds=6, seconds=2.5, shortest=0.1, name="sdks")
@click.option("--connections", default=5000, show_default=True, type=click.IntRange(1, 30_000), help="Of each kind.")
def sdks(rounds: int, seconds: float, quick: bool, connections: int, folder: Path, published: bool) -> None:
    """Compare SDKs with plain subscribers of channels, in one process, and let all SDKs come back at once."""
    if quick:
        rounds, seconds, connections = 1, 0.5, min(connections, 500)
    placement = current_placement()
    found = circumstances(placement, rounds, seconds)
    text, data = sdk_measure.measure(rounds, connections, seconds, placement, say)
    text = "\n".join(f"- {line}" for line in describe_circumstances(found)) + f"\n\n{text}"
    write(folder, "results", {**found, **data}, text)
    if published:
        put(text, "bench-sdks", DOCS / "sdks.md")


@main.command(name="predict")
@click.option("--connections", required=True, type=click.IntRange(1), help="Open at once, each with a subscription.")
@click.option("--publications", required=True, type=click.FloatRange(0), help="A second, in all channels together.")
@click.option("--subscribers", required=True, type=click.FloatRange(0), help="That a publication reaches, on average.")
@click.option("--max-connections", default=10_000, show_default=True, type=click.IntRange(1), help="Of a process.")
@click.option("--memory", default=1000.0, show_default=True, type=click.FloatRange(1), help="Of a process, in MB.")
@click.option("--share", default=0.5, show_default=True, type=click.FloatRange(0, 1, min_open=True), help="Of a core.")
@click.option(
    "--results",
    default=BENCH_FOLDER / "capacity" / "model.json",
    show_default=".bench/capacity/model.json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What `capacity` has written; the published coefficients count where it does not exist.",
)
def predict_capacity(
    connections: int,
    publications: float,
    subscribers: float,
    max_connections: int,
    memory: float,
    share: float,
    results: Path,
) -> None:
    """Say how many processes, how much memory and what of a broker a workload needs, by the model."""
    figures, source = read_coefficients(results)
    workload, bounds = Workload(connections, publications, subscribers), Bounds(max_connections, memory * 1e6, share)
    click.echo("\n".join((*describe(predict(figures, workload, bounds)), f"coefficients   {source}")))


@main.command()
@click.option("--record", is_flag=True, help="Make what is measured the new record.")
@click.option("--steps", is_flag=True, help="Show what each step of a lone message takes; compare nothing.")
def guard(record: bool, steps: bool) -> None:
    """Count the instructions of a message, a GET request and a connection with valgrind; fail if they have grown.

    And the page faults of a large message, of which there must be none.
    """
    if steps:
        click.echo(counting.steps_table())
        return
    figures = {kind: counting.measure(kind) for kind in counting.KINDS}
    if record:
        counting.save(figures)
    recorded = counting.load().get(counting.interpreter())
    if recorded is None:
        for kind, value in figures.items():
            click.echo(f"{kind:8} {value:10,.0f} instructions each")
        raise click.ClickException(f"nothing is recorded for {counting.interpreter()}: use --record before a change")
    verdicts = [counting.judge(kind, value, recorded[kind]) for kind, value in figures.items()]
    for kind, observed in counting.WITH_TELEMETRY.items():
        verdicts.append(counting.judge_telemetry(kind, counting.measure(observed), figures[kind]))
    verdicts.append(faults.judge(faults.measure()))
    click.echo("\n".join(line for _, line in verdicts))
    if not all(good for good, _ in verdicts):
        raise SystemExit(1)


@main.command(name="publish")
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def publish_results(results: Path) -> None:
    """Put the figures of a run of `servers` into docs/performance.md and docs/images/."""
    for file in publish(Results.read(results)):
        click.echo(file)


def run() -> None:
    """Run the command line; report what cannot be measured without a traceback."""
    try:
        main()
    except (LoadFailed, ServerFailed, MarkersMissing, RuntimeError, ValueError) as error:
        sys.exit(f"Error: {error}")


if __name__ == "__main__":
    run()
