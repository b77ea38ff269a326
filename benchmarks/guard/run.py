"""`make bench-guard`: fails when a message has become dearer than it was recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from benchmarks.guard.counting import STEPS, measure  # noqa: E402 - the path comes first
from benchmarks.guard.record import interpreter, judge, load, save  # noqa: E402
from benchmarks.guard.steps import explain, step_names  # noqa: E402

KINDS = ("single", "batch")


@click.command()
@click.option("--record", is_flag=True, help="Make what is measured the new record.")
@click.option("--steps", is_flag=True, help="Tell what each step of a lone message takes; compare nothing.")
def main(record: bool, steps: bool) -> None:
    """Count the instructions of a message, and compare them with the record."""
    if steps:
        tell_steps()
        return
    try:
        figures = {kind: measure(kind) for kind in KINDS}
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    recorded = load().get(interpreter())
    if record:
        save(figures)
    elif recorded is None:
        for kind, value in figures.items():
            click.echo(f"{kind:8} {value:10,.0f} instructions a message")
        raise click.ClickException(f"nothing is recorded for {interpreter()}: record the state before with --record")
    verdicts = [judge(kind, value, (recorded or figures)[kind]) for kind, value in figures.items()]
    for _, line in verdicts:
        click.echo(line)
    if not record and not all(good for good, _ in verdicts):
        sys.exit(1)


def tell_steps() -> None:
    """Print what each step takes, as a table for docs/performance.md."""
    try:
        parts = explain({name: measure(name, STEPS) for name in step_names()})
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    click.echo("| step | instructions | share |\n| --- | --- | --- |")
    for name, value in parts.items():
        click.echo(f"| {name} | {value:,.0f} | {value / parts['all']:.0%} |")


if __name__ == "__main__":
    main()
