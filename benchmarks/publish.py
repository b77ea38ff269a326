"""Puts figures between the markers of a page. They come from the JSON of a run and from nowhere else."""

from __future__ import annotations

from pathlib import Path

from benchmarks.charts import chapter_chart
from benchmarks.environments import ROOT
from benchmarks.markdown import image_name, results_markdown
from benchmarks.results import Results

DOCS = ROOT / "docs"


class MarkersMissing(Exception):
    """The page has no place for figures."""


def put(text: str, name: str, page: Path, *, command: str = "benchmarks/run.py") -> None:
    """Replace what is between two markers of a page.

    Arguments:
        name: of the markers.
        command: what writes there; the marker says so.

    Raises:
        MarkersMissing: the page has not both of them, in order. Nothing has been written then.
    """
    begin, end = f"<!-- {name}: begin. Written by {command}; do not edit. -->", f"<!-- {name}: end -->"
    before, opened, rest = page.read_text("utf-8").partition(begin)
    _, closed, after = rest.partition(end)
    if not opened or not closed:
        raise MarkersMissing(f"{page.name} needs two lines, {begin!r} and {end!r}")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", "utf-8")


def write_charts(results: Results, folder: Path) -> list[Path]:
    """Write a chart for each scenario, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for chapter in results.chapters:
        files.append(folder / image_name(chapter))
        files[-1].write_text(chapter_chart(results, chapter), "utf-8")
    return files


def publish(results: Results, docs: Path = DOCS) -> list[Path]:
    """Write charts to `images/` and tables into `performance.md`, and return the files that were written.

    Raises:
        MarkersMissing: the page has no place for them. Nothing has been written then.
    """
    page = docs / "performance.md"
    put(results_markdown(results, "images"), "benchmarks", page)
    return [*write_charts(results, docs / "images"), page]
