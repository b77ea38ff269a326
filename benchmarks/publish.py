"""Puts a run into the documents: `python benchmarks/publish.py .bench/results/results.json`.

Figures in docs/ come from the JSON of a run and from nowhere else.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Started as a script, Python looks for modules beside it and not where the package `benchmarks` is.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import click

from benchmarks.charts import chapter_chart
from benchmarks.environments import ROOT
from benchmarks.markdown import image_name, results_markdown
from benchmarks.results import Results

BEGIN = "<!-- benchmarks: begin. Written by benchmarks/publish.py; do not edit. -->"
END = "<!-- benchmarks: end -->"


class MarkersMissing(Exception):
    """The page has no place for figures."""


def write_charts(results: Results, folder: Path) -> list[Path]:
    """Write a chart a scenario.

    Returns:
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for chapter in results.chapters:
        file = folder / image_name(chapter)
        file.write_text(chapter_chart(results, chapter), "utf-8")
        files.append(file)
    return files


def replaced(page: str, text: str, begin: str = BEGIN, end: str = END) -> str:
    """Return a page with another text between its markers.

    Raises:
        MarkersMissing: it has not both of them, in order.
    """
    before, opened, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise MarkersMissing(f"the page needs two lines, {begin!r} and {end!r}")
    return f"{before}{begin}\n\n{text}\n\n{end}{after}"


def publish(results: Results, docs: Path = ROOT / "docs") -> list[Path]:
    """Write charts to `images/` and tables into `performance.md`.

    Arguments:
        docs: folder of the documents.

    Returns:
        The files that were written.

    Raises:
        MarkersMissing: the page has no place for them. Nothing has been written then.
    """
    page = docs / "performance.md"
    text = replaced(page.read_text("utf-8"), results_markdown(results, "images"))
    files = write_charts(results, docs / "images")
    page.write_text(text, "utf-8")
    return [*files, page]


@click.command()
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(results: Path) -> None:
    """Put the figures of a run into docs/performance.md and docs/images/."""
    try:
        files = publish(Results.read(results))
    except MarkersMissing as error:
        raise click.ClickException(str(error)) from error
    for file in files:
        click.echo(file)


if __name__ == "__main__":
    main()
