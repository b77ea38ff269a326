"""The logs of `emmett serve`, their destinations, and the application's own configuration."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterator

import pytest

from emmett import App
from emmett.environment import LOG_FORMAT
from emmett.logs import enable_loggers
from emmett.server import make_config
from emmett.server.log_setup import LOG_LEVELS, OFF, TerminalHandler, set_up_logging

NAMES = ("", "emmett", "emmett.access", "emmett.request", "uvicorn", "uvicorn.access", "uvicorn.error", "shop")


@pytest.fixture(autouse=True)
def _loggers() -> Iterator[None]:
    """Start with the loggers of a new process, and restore the previous ones."""
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(logger.level, logger.propagate, logger.disabled, list(logger.handlers)) for logger in loggers]
    last = logging.lastResort
    for logger in loggers:
        logger.setLevel(logging.WARNING if logger is logging.root else logging.NOTSET)
        logger.handlers = []
    yield
    logging.lastResort = last
    for logger, (level, propagate, disabled, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagate
        logger.disabled = disabled
        logger.handlers = handlers


def set_up(level: str, *, access_log: bool) -> None:
    """Set up logging as in a new process, where the root logger has no handler; pytest has added its own."""
    logging.root.handlers = []
    set_up_logging(level, access_log)


@pytest.mark.parametrize("level", LOG_LEVELS)
def test_the_level_applies_to_emmett_uvicorn_and_the_application(level: str) -> None:
    set_up(level, access_log=True)
    number = logging.getLevelNamesMapping()[level.upper()]
    for name in NAMES:
        assert logging.getLogger(name).getEffectiveLevel() == number, name


def test_the_access_log_goes_to_stdout_and_everything_else_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", access_log=True)
    logging.getLogger("emmett.access").info('%s - "WEBSOCKET %s"', "192.0.2.1:5", "/path")
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "192.0.2.1:5", "GET", "/", "1.1", 200)
    logging.getLogger("emmett.request").error("a fault")
    logging.getLogger("shop").info("sold")
    logging.getLogger("shop").debug("hidden")
    out, err = capsys.readouterr()
    assert out == 'INFO:     192.0.2.1:5 - "WEBSOCKET /path"\nINFO:     192.0.2.1:5 - "GET / HTTP/1.1" 200 OK\n'
    assert err == "ERROR:    a fault\nINFO:     shop: sold\n"


def test_the_access_log_can_be_switched_off(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("debug", access_log=False)
    assert logging.getLogger("emmett.access").level == OFF
    logging.getLogger("uvicorn.access").critical("not seen")
    logging.getLogger("emmett").warning("seen")
    out, err = capsys.readouterr()
    assert (out, err) == ("", "WARNING:  seen\n")


CONFIGURATION = {
    "version": 1,
    "formatters": {"mine": {"format": "mine %(name)s %(message)s"}},
    "handlers": {"all": {"class": "logging.StreamHandler", "formatter": "mine", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["all"], "level": "ERROR"},
}


@pytest.mark.parametrize("disable", [True, False])
@pytest.mark.parametrize("first", ["application", "server"])
async def test_an_application_that_configures_the_root_logger_gets_all_records(
    first: str, disable: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    app = App(__name__)

    def configure() -> None:
        logging.config.dictConfig({**CONFIGURATION, "disable_existing_loggers": disable})

    if first == "application":
        configure()
        set_up_logging("info", access_log=True)
    else:
        set_up("info", access_log=True)
        app.on_startup(configure)
    await app.startup()
    enable_loggers("uvicorn")
    logging.getLogger("emmett.request").error("a fault")
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "192.0.2.1:5", "GET", "/", "1.1", 200)
    assert logging.root.level == logging.ERROR
    out, err = capsys.readouterr()
    assert out == 'mine emmett.request a fault\nmine uvicorn.access 192.0.2.1:5 - "GET / HTTP/1.1" 200\n'
    assert err == ""


def test_basic_config_works_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", access_log=True)
    logging.basicConfig(format="basic %(message)s")
    logging.getLogger("shop").info("sold")
    assert capsys.readouterr().err == "basic sold\n"


def test_levels_set_by_the_application_are_kept() -> None:
    logging.getLogger("emmett").setLevel(logging.ERROR)
    logging.root.setLevel(logging.CRITICAL)
    set_up("info", access_log=True)
    assert (logging.getLogger("emmett").level, logging.root.level) == (logging.ERROR, logging.CRITICAL)


def test_a_record_that_cannot_be_formatted_does_no_harm(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", access_log=True)
    logging.getLogger("uvicorn.access").info("not the five values")
    assert "Logging error" in capsys.readouterr().err


def test_an_application_that_has_its_own_logging_keeps_it() -> None:
    config = make_config(App(__name__), configure_logging=False)
    config.configure_logging()
    assert not isinstance(logging.lastResort, TerminalHandler)
    assert logging.getLogger("emmett").level == logging.NOTSET


def test_all_records_can_be_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOG_FORMAT, "json")
    set_up("info", access_log=True)
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "192.0.2.1:5", "GET", "/", "1.1", 200)
    logging.getLogger("shop").info("sold", extra={"order": 12})
    out, err = capsys.readouterr()
    access, sold = map(json.loads, out.splitlines())
    assert access["text"] == '192.0.2.1:5 - "GET / HTTP/1.1" 200'
    assert (sold["logger"], sold["text"], sold["order"]) == ("shop", "sold", 12)
    assert err == ""
