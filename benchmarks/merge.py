"""Puts the rounds of a further run to those of an earlier one: `python benchmarks/merge.py EARLIER LATER RESULT`.

On a noisy machine some scenarios need more rounds than others. Both runs measure round by round, so that the ratios of
all rounds are of one kind.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

# Started as a script, Python looks for modules beside it and not where the package `benchmarks` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click

from benchmarks.report import summarise
from benchmarks.results import Results

# Without these figures are of two kinds.
ALIKE = ("machine", "placement", "timing", "base")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class RunsDiffer(ValueError):
    """Two runs were not made in the same way."""


def merged(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return a run that has the rounds of both.

    Arguments:
        earlier, later: what `Tournament.as_json` has made.

    Raises:
        RunsDiffer: machine, commit, cores, times or versions are not the same.
    """
    for key in ALIKE:
        if earlier[key] != later[key]:
            raise RunsDiffer(f"{key}: {earlier[key]} is not {later[key]}")
    contestants = _joined("contestants", earlier, later)
    scenarios = _joined("scenarios", earlier, later)
    further = (
        replace(sample, round_number=sample.round_number + earlier["rounds"]) for sample in Results.of(later).samples
    )
    samples = [*Results.of(earlier).samples, *further]
    summaries = (
        summarise(samples, s["name"], c["name"], earlier["base"], higher_is_better=s["unit"]["higher_is_better"])
        for s in scenarios
        for c in contestants
    )
    return {
        **earlier,
        "made": later["made"],
        "took": earlier["took"] + later["took"],
        "load": {"before": earlier["load"]["before"], "after": later["load"]["after"]},
        "rounds": earlier["rounds"] + later["rounds"],
        "contestants": contestants,
        "scenarios": scenarios,
        "summaries": [asdict(summary) for summary in summaries if summary is not None],
        "samples": [asdict(sample) for sample in samples],
        "failures": earlier["failures"] + later["failures"],
    }


def _joined(key: str, earlier: dict[str, Any], later: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the earlier run has, and behind it what only the later one has."""
    known = {fields["name"]: fields for fields in earlier[key]}
    for fields in later[key]:
        if known.setdefault(fields["name"], fields) != fields:
            raise RunsDiffer(f"{key}: {known[fields['name']]} is not {fields}")
    return list(known.values())


@click.command()
@click.argument("earlier", type=FILE)
@click.argument("later", type=FILE)
@click.argument("result", type=click.Path(dir_okay=False, path_type=Path))
def main(earlier: Path, later: Path, result: Path) -> None:
    """Write a results.json that has the rounds of two."""
    try:
        data = merged(*(json.loads(file.read_text("utf-8")) for file in (earlier, later)))
    except RunsDiffer as error:
        raise click.ClickException(str(error)) from error
    result.parent.mkdir(parents=True, exist_ok=True)
    result.write_text(json.dumps(data, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
