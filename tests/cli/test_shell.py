from __future__ import annotations

import code
import io
import sys
from typing import Any

import pytest

import emmett
from tests.cli.project import Project


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


def test_piped_input_is_executed(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("app.py")
    source = "def double(x):\n    return 2 * x\n\nprint(__name__, app.import_name, double(4))\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(source))
    assert project.run("shell") == (0, "__main__ app 8\n", "")


def test_the_handles_are_available(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("app.py")
    source = (
        "import emmett\nprint(all(x is getattr(emmett, n) for n, x in list(globals().items()) if n in emmett.__all__))"
    )
    monkeypatch.setattr(sys, "stdin", io.StringIO(source + "\nprint(request, websocket, session, response, url)"))
    outcome = project.run("shell")
    assert outcome.code == 0
    assert outcome.output.startswith("True\n")


def test_an_error_in_piped_input_is_shown(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("app.py")
    monkeypatch.setattr(sys, "stdin", io.StringIO("def f():\n    1 / 0\nf()"))
    outcome = project.run("shell")
    assert outcome.code == 1
    assert "in f:2" in outcome.errors
    assert "ZeroDivisionError" in outcome.errors


def test_on_a_terminal_python_starts_with_the_same_names(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("app.py")
    calls: list[dict[str, Any]] = []
    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(code, "interact", lambda **options: calls.append(options))
    assert project.run("shell").code == 0
    [options] = calls
    assert options["local"]["app"].import_name == "app"
    assert options["local"]["websocket"] is emmett.websocket
    assert "app:app" in options["banner"]
    assert "app, request, response, session, websocket, url" in options["banner"]


def test_a_session_on_a_terminal_works(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("app.py")
    monkeypatch.setattr(sys, "stdin", Terminal("print(app.import_name * 2)\n"))
    outcome = project.run("shell")
    assert outcome.code == 0
    assert "appapp" in outcome.output
