from __future__ import annotations

import io
import json
import logging
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

import emmett
from emmett.cli import tracebacks
from emmett.cli.tracebacks import (
    format_traceback,
    is_own,
    make_log_records_readable,
    print_traceback,
    render_traceback,
)
from emmett.errors import ConfigurationError
from emmett.routing import PathPattern
from tests.cli.project import Project


@pytest.fixture
def log_records() -> Iterator[None]:
    """Restore the factory of log records."""
    factory = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(factory)


def caught_in_own_code() -> Exception:
    try:
        json.loads("{")
    except ValueError as error:
        return error
    raise AssertionError


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/home/me/project/app.py", True),
        ("<stdin>", True),
        ("<frozen importlib._bootstrap>", False),
        ("/srv/venv/lib/python3.11/site-packages/click/core.py", False),
        ("/usr/lib/python3/dist-packages/click/core.py", False),
        (json.__file__, False),
        (str(Path(emmett.__file__).parent / "app.py"), False),
        (str(Path(sysconfig.get_path("stdlib")) / "asyncio" / "tasks.py"), False),
    ],
)
def test_own_code_is_recognised(file: str, expected: bool) -> None:
    assert is_own(file) is expected


def test_a_folder_that_shares_a_prefix_with_a_foreign_one_is_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracebacks, "_foreign_folders", lambda: (Path("/srv/emmett"),))
    assert not is_own("/srv/emmett/app.py")
    assert is_own("/srv/emmett_site/app.py")


def test_a_traceback_has_the_frames_of_own_code_only() -> None:
    text = format_traceback(caught_in_own_code())
    assert f"{Path(__file__).name}:" in text
    assert "in caught_in_own_code" in text
    assert 'json.loads("{")' in text
    assert "JSONDecodeError: Expecting property name" in text
    assert "raw_decode" not in text
    assert "3 frames outside of your code left out; set EMMETT_TRACEBACK=full to show them." in text


def test_the_variable_keeps_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMMETT_TRACEBACK", "full")
    text = format_traceback(caught_in_own_code())
    assert "in raw_decode" in text
    assert "left out" not in text


def test_an_error_outside_own_code_keeps_its_frames() -> None:
    with pytest.raises(ConfigurationError) as caught:
        PathPattern("/<nope:x>")
    assert caught.value.__traceback__ is not None
    text = format_traceback(caught.value.with_traceback(caught.value.__traceback__.tb_next))
    assert "in __init__" in text
    assert "left out" not in text


def test_causes_are_shown_too() -> None:
    try:
        try:
            json.loads("{")
        except ValueError as error:
            raise LookupError("no such thing") from error
    except LookupError as error:
        text = format_traceback(error)
    assert text.index("JSONDecodeError") < text.index("direct cause") < text.index("LookupError: no such thing")
    assert "raw_decode" not in text


def test_the_errors_of_a_group_are_shown_without_foreign_frames() -> None:
    text = format_traceback(ExceptionGroup("both", [caught_in_own_code(), KeyError("x")]))
    assert "in caught_in_own_code" in text
    assert "KeyError" in text
    assert "raw_decode" not in text
    assert "3 frames outside" in text


def test_a_syntax_error_shows_its_file_and_line(project: Project) -> None:
    file = project.write("broken.py", "x = 1\ny = (")
    with pytest.raises(SyntaxError) as caught:
        compile(file.read_text(), str(file), "exec")
    text = format_traceback(caught.value)
    assert f"{file}:2" in text.replace("\n", "").replace("│", "").replace(" ", "")
    assert "was never closed" in text


def test_a_terminal_gets_colours() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system="truecolor")
    with console.capture() as captured:
        console.print(render_traceback(caught_in_own_code()))
    assert "\x1b[" in captured.get()
    assert "\x1b[" not in format_traceback(caught_in_own_code())


def test_print_traceback_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    print_traceback(caught_in_own_code())
    output, errors = capsys.readouterr()
    assert output == ""
    assert "JSONDecodeError" in errors


@pytest.mark.usefixtures("log_records")
def test_log_records_have_readable_tracebacks_with_any_formatter() -> None:
    make_log_records_readable()
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("LOG %(message)s"))
    logger = logging.Logger("emmett.request")
    logger.addHandler(handler)
    logger.error("GET %r failed", "/", exc_info=caught_in_own_code())
    logger.info("no error")
    logger.error("none either", exc_info=sys.exc_info())
    text = stream.getvalue()
    assert text.startswith("LOG GET '/' failed\n")
    assert "in caught_in_own_code" in text
    assert "raw_decode" not in text
    assert "LOG no error\n" in text
    assert "LOG none either\n" in text
