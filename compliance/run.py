"""Plays all cases against the default server: `make compliance`, or `python compliance/run.py --help`."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

# When run as a script, Python searches modules next to the script, not in the folder of the package `compliance`.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click
import uvloop
from rich.console import Console

from compliance.case import Section
from compliance.catalogue import SECTIONS
from compliance.play import play_all, referee
from compliance.report import Result, as_json, describe_failures, make_table

# The width of a report to a file or a pipe, in characters.
PLAIN_WIDTH = 120


@click.command()
@click.option(
    "--section", "wanted", multiple=True, help="Only sections whose number or title contains this; repeatable."
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the results to this file as JSON.",
)
def main(wanted: tuple[str, ...], json_file: Path | None) -> None:
    """Play the conformance cases of RFC 6455 and RFC 7692 on raw sockets; exit status 1 when one fails."""
    chosen = [
        section
        for section in SECTIONS
        if not wanted or any(part.lower() in f"{section.number} {section.title}".lower() for part in wanted)
    ]
    if not chosen:
        raise click.UsageError(f"no section has {' or '.join(map(repr, wanted))} in its number or title")
    # In one case a handler fails, which the server logs with a traceback.
    logging.getLogger("emmett").setLevel(logging.CRITICAL)
    results = uvloop.run(play(chosen))
    console = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False)
    console.print(make_table(results))
    for line in describe_failures(results):
        console.print(line, markup=False, soft_wrap=True)
    if json_file is not None:
        json_file.write_text(json.dumps(as_json(results), indent=2) + "\n", "utf-8")
    sys.exit(any(result.failures for result in results))


async def play(sections: Sequence[Section]) -> list[Result]:
    """Play sections against a new server."""
    async with referee() as judge:
        return [Result(section, await play_all(judge, section.cases)) for section in sections]


if __name__ == "__main__":
    main()
