"""A folder with an application in it, and the command line run on it in this process."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import emmett
from emmett.cli.main import main

# Where processes started by a test find emmett.
SOURCE = Path(emmett.__file__).parents[1]
APP = """
    from emmett import App

    app = App(__name__)
"""


class Outcome(NamedTuple):
    """The result of a run of the command line: its exit code, stdout and stderr."""

    code: int
    output: str
    errors: str


class Project:
    """The current folder of a test.

    Arguments:
        folder: an empty folder, the current one.
        captured: what was printed.
        monkeypatch: of the test.
    """

    def __init__(self, folder: Path, captured: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._captured = captured
        self._monkeypatch = monkeypatch

    def write(self, name: str, source: str = APP) -> Path:
        """Write a file; folders on its way are made, the indentation of the source is taken off."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(source), encoding="utf-8")
        return file

    def run(self, *arguments: str) -> Outcome:
        """Run `emmett` with arguments."""
        self._captured.readouterr()
        code = main(arguments)
        return Outcome(code, *self._captured.readouterr())

    def record_serve(self) -> list[tuple[str, dict[str, Any]]]:
        """Replace the server by a stand-in; return the list of the arguments of its calls."""
        calls: list[tuple[str, dict[str, Any]]] = []
        self._monkeypatch.setattr("emmett.server.serve", lambda target, **options: calls.append((target, options)))
        return calls
