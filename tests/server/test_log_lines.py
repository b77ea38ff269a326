"""The lines of the log, which are those of uvicorn."""

from __future__ import annotations

import logging

import pytest
from uvicorn.logging import AccessFormatter as TheirAccessFormatter
from uvicorn.logging import DefaultFormatter

from emmett.server.log_lines import AccessFormatter, LineFormatter

THEIRS = DefaultFormatter("%(levelprefix)s %(message)s")
THEIR_ACCESS = TheirAccessFormatter('%(levelprefix)s %(client_addr)s - "%(request_line)s" %(status_code)s')


@pytest.fixture(params=[False, True], ids=["a file", "a terminal"])
def has_colours(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    colours: bool = request.param
    monkeypatch.setattr("sys.stdout.isatty", lambda: colours)
    monkeypatch.setattr(THEIRS, "use_colors", colours)
    monkeypatch.setattr(THEIR_ACCESS, "use_colors", colours)
    return colours


def record(level: int, message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord("uvicorn.error", level, __file__, 1, message, arguments, None)


@pytest.mark.parametrize("level", [5, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL])
def test_a_line_is_that_of_uvicorn(level: int, has_colours: bool) -> None:
    told = record(level, "%s is %d", "a", 1)
    line = LineFormatter().format(told)
    assert line == THEIRS.format(told) or level == 5
    assert line.endswith(" a is 1")
    assert ("\x1b[" in line) == (has_colours and level != 5)


@pytest.mark.parametrize("status", [101, 200, 304, 404, 500, 299, 999])
def test_a_line_of_the_access_log_is_that_of_uvicorn(status: int, has_colours: bool) -> None:
    told = record(logging.INFO, '%s - "%s %s HTTP/%s" %d', "192.0.2.1:5", "GET", "/a?b", "1.1", status)
    line = AccessFormatter().format(told)
    assert line == THEIR_ACCESS.format(told)
    assert ("\x1b[1m" in line) == has_colours
