from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

import pytest

from emmett.cli.printing import FEW, print_error, print_routes, print_startup
from emmett.engine import ENGINE
from emmett.module import RouteInfo

INDEX = RouteInfo("http", ("GET", "POST", "HEAD"), "/", "index", None, ())
BRACKETS = RouteInfo("http", ("GET",), "/[bold]/:smile:/(/<int:id>)?", "odd", "a.example", ("Auth", "JSONPipe"))
ECHO = RouteInfo("websocket", (), "/echo", "echo", None, ("Auth",))
STATIC = RouteInfo("http", ("GET", "HEAD"), "/static/<any:filename>", "static", None, ())


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 60 columns, to print to inside `redirect_stdout`."""
    for variable in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    return Terminal()


def test_an_error_and_its_hint_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("there is no [file] " + "x" * 200, "type another")
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors == f"error: there is no [file] {'x' * 200}\n       type another\n"


def test_an_error_without_a_hint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("it failed")
    assert capsys.readouterr().err == "error: it failed\n"


def test_routes_are_printed_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_routes([INDEX, BRACKETS, ECHO])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["kind", "methods", "path", "name", "hostname", "pipeline"]
    assert lines[2] == ["http", "GET", "POST", "HEAD", "/", "index"]
    assert lines[3] == ["http", "GET", BRACKETS.path, "odd", "a.example", "Auth", ">", "JSONPipe"]
    assert lines[4] == ["websocket", "/echo", "echo", "Auth"]


def test_routes_are_not_cut_if_the_output_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    path = "/" + "a" * 300
    print_routes([INDEX._replace(path=path)])
    assert path in capsys.readouterr().out


def test_a_narrow_terminal_wraps_instead_of_cutting(terminal: Terminal) -> None:
    path = "/" + "ab" * 50
    with redirect_stdout(terminal):
        print_routes([INDEX._replace(path=path)])
    assert "…" not in terminal.getvalue()
    assert terminal.getvalue().count("ab") >= 40


def test_an_application_without_routes_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_routes([])
    assert capsys.readouterr().out == "This application has no routes.\n"


def test_the_startup_says_what_to_open_and_how_to_stop(capsys: pytest.CaptureFixture[str]) -> None:
    print_startup("app:app", "http://127.0.0.1:8000/", [STATIC, INDEX, ECHO], [Path("/srv/demo"), Path.cwd()], "")
    output = capsys.readouterr().out
    assert f"emmett develops app:app with the {ENGINE} engine\n" in output
    assert "  Open http://127.0.0.1:8000/" in output
    assert output.index("/echo") < output.index("/static/")
    assert f"Restarts when a Python file in /srv/demo, {Path.cwd()} changes. Stop with Ctrl+C." in output


def test_only_an_existing_page_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = INDEX._replace(hostname="a.example")
    for routes in (
        [ECHO, STATIC],
        [elsewhere],
        [INDEX._replace(methods=("POST",))],
        [INDEX._replace(kind="websocket")],
    ):
        print_startup("app:app", "http://127.0.0.1:8000/", routes, [], "")
        output = capsys.readouterr().out
        assert "Open" not in output
        assert "  Listening on http://127.0.0.1:8000/" in output


def test_the_startup_without_reloading_does_not_mention_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_startup("app:app", "http://127.0.0.1:8000/", [], [], "(everywhere)")
    output = capsys.readouterr().out
    assert "Restarts" not in output
    assert "http://127.0.0.1:8000/   (everywhere)" in output
    assert "Stop with Ctrl+C." in output


def test_a_folder_below_the_current_one_has_a_relative_path(capsys: pytest.CaptureFixture[str]) -> None:
    print_startup("app:app", "http://127.0.0.1:8000/", [], [Path.cwd() / "demo"], "")
    assert "a Python file in demo changes" in capsys.readouterr().out


def test_the_startup_shows_the_first_routes_and_where_the_others_are(capsys: pytest.CaptureFixture[str]) -> None:
    many = [INDEX._replace(path=f"/{number}", name=f"n{number}") for number in range(FEW + 3)]
    print_startup("app:app", "http://127.0.0.1:8000/", many, [], "")
    output = capsys.readouterr().out
    assert f"/{FEW - 1} " in output
    assert f"/{FEW} " not in output
    assert "and 3 more: type emmett routes" in output


def test_the_url_is_a_link_on_a_terminal(terminal: Terminal) -> None:
    with redirect_stdout(terminal):
        print_startup("app:app", "http://127.0.0.1:8000/", [BRACKETS], [], "")
    output = terminal.getvalue()
    assert "\x1b]8;" in output
    assert ";http://127.0.0.1:8000/\x1b\\" in output
    assert "[bold]" in output
    assert ":smile:" in output
