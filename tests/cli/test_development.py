from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from emmett.app import App
from emmett.cli import development
from tests.cli.project import Project


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """Restore the factory of log records and the filters of the server's logger."""
    factory = logging.getLogRecordFactory()
    logger = logging.getLogger("uvicorn.error")
    filters = logger.filters.copy()
    yield
    logging.setLogRecordFactory(factory)
    logger.filters[:] = filters


def test_the_target_is_the_application_that_the_variable_names(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("shop.py", "from emmett import App\nclass site:\n    web = App(__name__)")
    monkeypatch.setattr(sys, "path", [str(project.folder), *sys.path])
    monkeypatch.setenv("EMMETT_DEVELOP", "shop:site.web")
    module, _, name = development.TARGET.partition(":")
    assert module == development.__name__
    app = getattr(development, name)
    assert isinstance(app, App)
    assert app.import_name == "shop"


def test_an_import_error_is_shown_and_ends_the_process(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write("shop.py", "{}.nothing")
    monkeypatch.setattr(sys, "path", [str(project.folder), *sys.path])
    monkeypatch.setenv("EMMETT_DEVELOP", "shop:app")
    with pytest.raises(SystemExit) as caught:
        _ = development.app
    assert caught.value.code == 1
    errors = capsys.readouterr().err
    assert "AttributeError: 'dict' object has no attribute 'nothing'" in errors
    assert "shop.py:1" in errors
    assert "importlib" not in errors


def test_the_module_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'other'"):
        _ = development.other


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Started server process [%d]", False),
        ("Listening on %s://%s:%d (Press CTRL+C to quit)", False),
        ("Application startup complete.", True),
        ("%s detected changes in %s. Reloading...", True),
        ("Waiting for connections to close. (CTRL+C to force quit)", True),
    ],
)
def test_messages_of_the_server_about_its_processes_are_left_out(message: str, shown: bool) -> None:
    development.quieten_server()
    record = logging.LogRecord("uvicorn.error", logging.INFO, __file__, 1, message, None, None)
    assert bool(logging.getLogger("uvicorn.error").filter(record)) is shown
