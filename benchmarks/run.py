"""The benchmarks: `make bench`, or `python -m benchmarks.run --help`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from functools import wraps
from pathlib import Path
from typing import Any

import click

from benchmarks.capacity import measure as capacity_model
from benchmarks.capacity import slow as capacity_slow
from benchmarks.capacity.model import PUBLISHED, Bounds, Workload, predict, read_coefficients
from benchmarks.channels.layouts import BROKERS, LAYOUTS
from benchmarks.channels.measure import Case, ChannelSample, cases, measure, refused
from benchmarks.channels.report import text as channels_text
from benchmarks.contestants import CONTESTANTS
from benchmarks.environments import BENCH_FOLDER, make_folder
from benchmarks.guard import counting, faults
from benchmarks.machine import Placement, circumstances, current_placement, describe
from benchmarks.markdown import bullets, results_markdown
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
PARTS = {"model": capacity_model.measure, "slow": capacity_slow.measure}


@dataclass(frozen=True, slots=True)
class Session:
    """What every measurement is asked for, and where its figures go."""

    rounds: int
    timing: Timing
    quick: bool
    folder: Path
    published: bool
    placement: Placement
    circumstances: dict[str, Any]  # before the measurement, which is a load itself

    def report(self, name: str, data: dict[str, Any], text: str, marker: str, page: str) -> None:
        """Print figures, write them as JSON and Markdown, and put them into a page if they are to be published."""
        text = f"{bullets(describe(self.circumstances))}\n{'' if text.startswith('- ') else chr(10)}{text}"
        write(self.folder, name, {**self.circumstances, **data}, text)
        if self.published:
            put(text, marker, DOCS / page)


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


def names(option: str, known: Iterable[str], default: Iterable[str] | None = None) -> Callable[[Any], Any]:
    """Give a command an option that takes some of several names; by default, all."""
    known = list(known)
    chosen = known if default is None else list(default)
    return click.option(
        option, default=chosen, type=Names(known), show_default=False, help="Only these, with commas between them."
    )


def measuring(
    *, rounds: int, seconds: float, quick_seconds: float, name: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options that all measurements have; it gets them as a `Session`.

    Arguments:
        rounds, seconds, quick_seconds: their defaults, and the seconds of `--quick`.
        name: folder of the results under `.bench/`.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @click.option("--rounds", default=rounds, show_default=True, type=click.IntRange(1), help="Of everything.")
        @click.option(
            "--seconds",
            default=seconds,
            show_default=True,
            type=click.FloatRange(0.1, LONGEST_MEASUREMENT),
            help="Of one measurement.",
        )
        @click.option("--quick", is_flag=True, help="One short round, for a first look.")
        @click.option(
            "--results",
            "folder",
            default=BENCH_FOLDER / name,
            show_default=f".bench/{name}",
            type=click.Path(file_okay=False, path_type=Path),
            help="Folder for figures as JSON and Markdown.",
        )
        @click.option("--publish", "published", is_flag=True, help="Put the figures into docs/.")
        @wraps(command)
        def run(rounds: int, seconds: float, quick: bool, folder: Path, published: bool, **others: Any) -> None:
            timing = Timing(0.2, quick_seconds) if quick else Timing(min(0.5, seconds), seconds)
            placement, rounds = current_placement(), 1 if quick else rounds
            found = circumstances(placement, rounds, timing.seconds)
            command(Session(rounds, timing, quick, folder, published, placement, found), **others)

        return run

    return decorate


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
@measuring(rounds=5, seconds=2.0, quick_seconds=0.5, name="results")
@names("--scenarios", SCENARIOS, (name for name, scenario in SCENARIOS.items() if scenario.default))
@names("--contestants", CONTESTANTS)
@click.option("--list", "listed", is_flag=True, help="Name all scenarios and contestants, and end.")
def servers(session: Session, scenarios: list[str], contestants: list[str], listed: bool) -> None:
    """Compare servers: emmett, others, and a bare TCP socket."""
    if listed:
        for name, scenario in SCENARIOS.items():
            click.echo(f"{name:24}{scenario.title}{'' if scenario.default else ' (only when named)'}")
        for name, contestant in CONTESTANTS.items():
            click.echo(f"{name:24}{contestant.title}")
        return
    tournament = Tournament(
        [CONTESTANTS[name] for name in contestants],
        [SCENARIOS[name] for name in scenarios],
        session.rounds,
        session.timing,
        session.placement,
    )
    tournament.prepare(say)
    try:
        tournament.measure(say)
    finally:
        # A run that is stopped writes what it has. What is printed and drawn is what can be read from its JSON.
        data = json.loads(json.dumps(tournament.as_json()))
        results = Results.of(data)
        write(session.folder, "results", data, results_markdown(results))
        write_charts(results, session.folder)
    if session.published:
        publish(results)
    if tournament.failures:
        raise SystemExit(1)


@main.command()
@measuring(rounds=3, seconds=1.5, quick_seconds=0.5, name="channels")
@names("--brokers", BROKERS)
@names("--layouts", LAYOUTS)
@click.option(
    "--subscribers", default=64, show_default=True, type=click.IntRange(4, 5000), help="In all; a quarter publish."
)
def channels(session: Session, brokers: list[str], layouts: list[str], subscribers: int) -> None:
    """Measure channels from a publication to its deliveries, with every broker."""
    wanted, left_out = cases(brokers, layouts), refused(brokers, layouts)
    if not wanted:
        raise click.UsageError(f"{left_out[0]} Add --layouts process, or a broker that processes share.")
    samples: dict[Case, list[ChannelSample]] = {case: [] for case in wanted}
    failures: list[str] = []
    for number in range(session.rounds):
        for case in wanted:
            say(f"round {number + 1} of {session.rounds}: {case.name}")
            try:
                samples[case].append(measure(case, session.timing, subscribers, session.placement))
            except (LoadFailed, ServerFailed) as error:
                failures.append(f"{case.name}: {error}")
    if failures:
        session = replace(session, published=False)
    taken = [{**asdict(case), "rounds": [asdict(sample) for sample in samples[case]]} for case in wanted]
    data = {"subscribers": subscribers, "samples": taken, "failures": failures}
    session.report("results", data, channels_text(samples, subscribers, left_out), "bench-channels", "channels.md")
    if failures:
        raise click.ClickException("\n".join(failures))


@main.command()
@measuring(rounds=3, seconds=4.0, quick_seconds=1.0, name="capacity")
@click.option(
    "--subscribers",
    default=10_000,
    show_default=True,
    type=click.IntRange(16, 60_000),
    help="Beside the one that reads nothing; and the largest size for which the model is checked.",
)
@names("--parts", PARTS)
def capacity(session: Session, subscribers: int, parts: list[str]) -> None:
    """Measure what subscribers need, check the model of docs/scaling.md, and put a slow reader beside them."""
    subscribers = min(subscribers, 1000) if session.quick else subscribers
    for part in parts:
        text, data = PARTS[part](session.rounds, subscribers, session.timing, session.placement, say)
        session.report(part, data, text, f"bench-capacity-{part}", "scaling.md")
        if session.published and part == "model":
            PUBLISHED.write_text(json.dumps({"coefficients": data["coefficients"]}, indent=2) + "\n", "utf-8")


@main.command()
@measuring(rounds=6, seconds=2.5, quick_seconds=0.5, name="sdks")
@click.option("--connections", default=5000, show_default=True, type=click.IntRange(1, 30_000), help="Of each kind.")
def sdks(session: Session, connections: int) -> None:
    """Compare SDKs with plain subscribers of channels, in one process, and let all SDKs come back at once."""
    connections = min(connections, 500) if session.quick else connections
    text, data = sdk_measure.measure(session.rounds, connections, session.timing.seconds, session.placement, say)
    session.report("results", data, text, "bench-sdks", "sdks.md")


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
    needed = predict(figures, workload, bounds)
    click.echo(f"""\
processes      {needed.processes:,}, a core each; the limit is: {needed.limit}
busy           {needed.cpu_share:.1%} of its core, each
memory         {needed.process_bytes / 1e6:,.0f} MB each, {needed.total_bytes / 1e9:,.1f} GB in all
deliveries     {needed.deliveries:,.0f} a second
broker         {needed.broker_in:,.1f} in, {needed.broker_out:,.0f} out a second
coefficients   {source}""")


@main.command()
@click.option("--record", is_flag=True, help="Make what is measured the new record.")
def guard(record: bool) -> None:
    """Count the instructions of a message, a GET request and a connection with valgrind; fail if they have grown.

    And the page faults of a large message, of which there must be none.
    """
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
