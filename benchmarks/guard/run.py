"""`make bench-guard`: fails when a message has become dearer than it was recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from benchmarks.guard.counting import measure  # noqa: E402 - the path comes first
from benchmarks.guard.record import interpreter, judge, load, save  # noqa: E402

KINDS = ("single", "batch")


@click.command()
@click.option("--record", is_flag=True, help="Make what is measured the new record.")
def main(record: bool) -> None:
    """Count the instructions of a message, and compare them with the record."""
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


if __name__ == "__main__":
    main()
