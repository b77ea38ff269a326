"""Puts figures between the markers of a page in docs/."""

from __future__ import annotations

from pathlib import Path

from benchmarks.environments import ROOT
from benchmarks.publish import replaced

DOCS = ROOT / "docs"


def put(text: str, name: str, command: str, page: Path) -> None:
    """Replace what stands between two markers of a page.

    Arguments:
        name: of the markers.
        command: what writes there, for the marker to say so.
        page: the file.

    Raises:
        MarkersMissing: the page has not both of them, in order. Nothing has been written then.
    """
    begin, end = f"<!-- {name}: begin. Written by {command}; do not edit. -->", f"<!-- {name}: end -->"
    page.write_text(replaced(page.read_text("utf-8"), text, begin, end), "utf-8")
