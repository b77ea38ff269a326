"""What `emmett serve` logs, where, and how that is switched off."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from uvicorn.config import LOGGING_CONFIG

from emmett import App
from emmett.server import make_config
from emmett.server.process import LOG_LEVELS

NAMES = ("emmett", "emmett.access", "uvicorn", "uvicorn.access", "uvicorn.error", "uvicorn.asgi")


@pytest.fixture
def _loggers() -> Iterator[None]:
    """Put the loggers back as they were."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers = handlers


def configured(**options: Any) -> dict[str, logging.Logger]:
    make_config(App(__name__), **options)
    return {name: logging.getLogger(name) for name in NAMES}


@pytest.mark.usefixtures("_loggers")
@pytest.mark.parametrize("level", LOG_LEVELS)
def test_the_level_holds_for_us_and_for_uvicorn(level: str) -> None:
    loggers = configured(log_level=level)
    number = logging.getLevelNamesMapping()[level.upper()]
    for name in ("emmett", "emmett.access", "uvicorn.error", "uvicorn.asgi"):
        assert loggers[name].getEffectiveLevel() == number, name
    assert logging.getLogger("emmett.websocket").getEffectiveLevel() == number


@pytest.mark.usefixtures("_loggers")
def test_a_line_for_each_connection_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    loggers = configured()
    loggers["emmett.access"].info('%s - "WEBSOCKET %s"', "192.0.2.1:5", "/path")
    loggers["emmett"].error("a fault")
    out, err = capsys.readouterr()
    assert out.endswith('192.0.2.1:5 - "WEBSOCKET /path"\n')
    assert err.endswith("a fault\n")


@pytest.mark.usefixtures("_loggers")
def test_the_access_log_is_switched_off(capsys: pytest.CaptureFixture[str]) -> None:
    loggers = configured(access_log=False)
    assert not loggers["emmett.access"].isEnabledFor(logging.INFO)
    loggers["emmett.access"].info("not seen")
    loggers["emmett"].warning("seen")
    out, err = capsys.readouterr()
    assert (out, err.endswith("seen\n")) == ("", True)


def test_an_application_that_has_its_own_logging_keeps_it() -> None:
    handlers = list(logging.getLogger("emmett").handlers)
    config = make_config(App(__name__), configure_logging=False)
    assert (config.log_config, config.log_level) == (None, None)
    assert logging.getLogger("emmett").handlers == handlers


@pytest.mark.usefixtures("_loggers")
def test_the_configuration_of_uvicorn_is_not_changed() -> None:
    before = repr(LOGGING_CONFIG)
    configured()
    assert repr(LOGGING_CONFIG) == before
