"""The output of the command line: answers to stdout, errors to stderr."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..engine import ENGINE
from ..module import RouteInfo

# Without a terminal, lines have any length, because another program reads them.
UNBOUNDED = 1000
# Without a terminal, tracebacks wrap at this width.
LOG_WIDTH = 120
# The most routes in the start-up message of `emmett develop`.
FEW = 8
# Control characters, which terminals obey, and those that change the visual order (Unicode Standard Annex 9).
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def answers_to() -> Console:
    """Return a console for stdout."""
    return _console(sys.stdout, UNBOUNDED)


def errors_to() -> Console:
    """Return a console for stderr."""
    return _console(sys.stderr, LOG_WIDTH)


def plain(text: str) -> str:
    """Return a text that others have sent, for a terminal: what would move its cursor, or lines, is escaped."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def print_error(message: str, hint: str = "") -> None:
    """Print to stderr what is wrong, and below it what to type instead."""
    text = Text.assemble(("error: ", "bold red"), message)
    if hint:
        text.append(f"\n       {hint}")
    errors_to().print(text, soft_wrap=True)


def print_note(text: str) -> None:
    """Print a line to stderr that is neither an answer nor an error."""
    errors_to().print(Text(text), soft_wrap=True)


def print_answer(text: str) -> None:
    """Print a line to stdout."""
    answers_to().print(Text(text))


def print_routes(routes: Sequence[RouteInfo]) -> None:
    """Print a table of all routes."""
    console = answers_to()
    if not routes:
        console.print(Text("This application has no routes."))
        return
    table = make_table("kind", "methods", "path", "name", "hostname", "pipeline")
    table.show_header = True
    for route in routes:
        pipeline = " > ".join(route.pipeline)
        table.add_row(*_cells(route), Text(route.hostname or ""), Text(pipeline))
    console.print(table)


def print_startup(application: str, url: str, routes: Sequence[RouteInfo], watched: Sequence[Path], note: str) -> None:
    """Print the start-up message of `emmett develop`.

    Arguments:
        application: the import string.
        url: the URL of the server.
        routes: the routes; the first few are shown.
        watched: the folders whose changes restart the application.
        note: a remark on the address; may be empty.
    """
    console = answers_to()
    remark = f"   {note}" if note else ""
    console.print(
        Text.assemble(
            *("\nemmett develops ", (application, "bold"), (f" with the {ENGINE} engine", "dim")),
            f"\n\n  {_invitation(routes)} ",
        ),
        Text.assemble((url, f"bold cyan link {url}"), (remark, "dim"), "\n"),
        sep="",
        soft_wrap=True,
    )
    if routes:
        console.print(_short_table(routes))
    reloading = "Restarts when a Python file in " + ", ".join(map(_short_path, watched)) + " changes. "
    console.print(Text(f"\n{reloading if watched else ''}Stop with Ctrl+C.\n"), soft_wrap=True)


def _invitation(routes: Sequence[RouteInfo]) -> str:
    """Return what to do with the URL: open it, if it serves a page for browsers."""
    pages = (route for route in routes if route.kind == "http" and route.path == "/" and route.hostname is None)
    return "Open" if any("GET" in route.methods for route in pages) else "Listening on"


def _short_table(routes: Sequence[RouteInfo]) -> Padding:
    # Every application has the route of its static files, which is the least interesting.
    ordered = sorted(routes, key=lambda route: route.name == "static")
    table = make_table("kind", "methods", "path", "name")
    for route in ordered[:FEW]:
        table.add_row(*_cells(route))
    if len(ordered) > FEW:
        table.add_row("", "", Text(f"and {len(ordered) - FEW} more: type emmett routes", style="dim"), "")
    return Padding(table, (0, 0, 0, 2), expand=False)


def make_table(*columns: str) -> Table:
    """Return an empty table with these columns and without a header."""
    table = Table(box=box.SIMPLE_HEAD, show_header=False, pad_edge=False, show_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _cells(route: RouteInfo) -> tuple[Text, Text, Text, Text]:
    """Return the cells as `Text`, because brackets in a path must not be read as markup."""
    kind = Text(route.kind, style="magenta" if route.kind == "websocket" else "green")
    return kind, Text(" ".join(route.methods)), Text(route.path, style="bold"), Text(route.name)


def _short_path(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder != here and folder.is_relative_to(here) else str(folder)


def _console(file: TextIO, width: int) -> Console:
    return Console(file=file, highlight=False, markup=False, emoji=False, width=None if file.isatty() else width)
