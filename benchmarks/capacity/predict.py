"""Asks the capacity model: `python benchmarks/capacity/predict.py --connections 250000 …`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

# Started as a script, Python looks for modules beside it and not where the package `benchmarks` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import click

from benchmarks.capacity.model import Bounds, Coefficients, Workload, predict
from benchmarks.environments import BENCH_FOLDER

# Measured on one machine with two cores, in one run (docs/scaling.md); `make bench-capacity` measures yours.
PUBLISHED = Path(__file__).with_name("coefficients.json")


@click.command()
@click.option("--connections", required=True, type=click.IntRange(1), help="Open at once, each with a subscription.")
@click.option("--publications", required=True, type=click.FloatRange(0), help="A second, in all channels together.")
@click.option("--subscribers", required=True, type=click.FloatRange(0), help="That a publication reaches, on average.")
@click.option("--max-connections", default=10_000, show_default=True, type=click.IntRange(1), help="Of a process.")
@click.option("--memory", default=1000.0, show_default=True, type=click.FloatRange(1), help="Of a process, in MB.")
@click.option(
    "--share",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True),
    help="Of its core that a process may be busy.",
)
@click.option(
    "--results",
    default=BENCH_FOLDER / "capacity" / "model.json",
    show_default=".bench/capacity/model.json",
    type=click.Path(dir_okay=False, path_type=Path),
    help="What `make bench-capacity` has written; without that file the published coefficients count.",
)
def main(
    connections: int,
    publications: float,
    subscribers: float,
    max_connections: int,
    memory: float,
    share: float,
    results: Path,
) -> None:
    """Tell how many processes, how much memory and what of a broker a workload needs."""
    try:
        figures, source = read_coefficients(results)
        needed = predict(
            figures,
            Workload(connections, publications, subscribers),
            Bounds(max_connections, memory * 1e6, share),
        )
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"processes      {needed.processes:,}, a core each; what asks for so many: {needed.limit}")
    click.echo(f"busy           {needed.cpu_share:.1%} of its core, each")
    click.echo(f"memory         {needed.process_bytes / 1e6:,.0f} MB each, {needed.total_bytes / 1e9:,.1f} GB in all")
    click.echo(f"deliveries     {needed.deliveries:,.0f} a second")
    click.echo(f"broker         {needed.broker_in:,.1f} in, {needed.broker_out:,.0f} out a second")
    click.echo(f"coefficients   {source}")


def read_coefficients(results: Path) -> tuple[Coefficients, Path]:
    """Return the coefficients of this machine, else the published ones, and the file that they are from.

    Raises:
        ValueError: the file holds something else.
    """
    file = results if results.exists() else PUBLISHED
    try:
        data = json.loads(file.read_text("utf-8"))
        return Coefficients(**data["coefficients"]), file
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} has no coefficients: run `make bench-capacity` ({error!r})") from error


if __name__ == "__main__":
    main()
