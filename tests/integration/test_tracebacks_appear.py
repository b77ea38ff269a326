"""The traceback of a handler always appears, however an application configures its logging."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.project import SOURCE
from tests.cli.running import run_emmett
from tests.cli.test_processes import port_of, write

APP = """
import json
import logging
import logging.config
from emmett import App

class Lines(logging.Formatter):
    def format(self, record):
        line = {{"logger": record.name, "text": record.getMessage(), "path": getattr(record, "path", None)}}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)

def configure():
    logging.config.dictConfig({{
        "version": 1,
        "disable_existing_loggers": {disable},
        "formatters": {{"json": {{"()": Lines}}}},
        "handlers": {{"out": {{"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stdout"}}}},
        "{section}": {root},
    }})

{where}
app = App(__name__)
{hook}

@app.route("/fail")
async def fail():
    logging.getLogger("shop").info("about to fail")
    raise LookupError("it failed")
"""
ROOT = {"handlers": ["out"], "level": "INFO"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.delenv("EMMETT_APP", raising=False)
    return tmp_path.resolve()


@pytest.mark.parametrize("command", [("serve",), ("serve", "--workers", "2"), ("develop",)])
@pytest.mark.parametrize("where", ["module", "on_startup"])
@pytest.mark.parametrize("disable", [True, False])
def test_a_traceback_appears_with_json_lines(folder: Path, command: tuple[str, ...], where: str, disable: bool) -> None:
    here = (
        {"where": "configure()", "hook": ""}
        if where == "module"
        else {"where": "", "hook": "app.on_startup(configure)"}
    )
    write(folder, APP.format(disable=disable, section="root", root=ROOT, **here))
    with run_emmett(folder, *command, "--port", "0") as running:
        port = port_of(running)
        assert running.get(port, "/fail")[0] == 500
        said = json.loads(running.wait_for(r'(\{"logger": "shop".*\})\n')[1])
        assert said["text"] == "about to fail"
        failed = json.loads(running.wait_for(r'(\{"logger": "emmett.request".*\})\n')[1])
        assert failed["path"] == "/fail"
        assert "LookupError: it failed" in failed["traceback"]
        running.wait_for(r'\{"logger": "uvicorn.access", .*GET /fail HTTP')


def test_a_traceback_appears_with_custom_loggers_only(folder: Path) -> None:
    configuration = {"shop": {"handlers": ["out"], "level": "INFO"}}
    here = {"where": "configure()", "hook": ""}
    write(folder, APP.format(disable=True, section="loggers", root=configuration, **here))
    with run_emmett(folder, "serve", "--port", "0", "--workers", "2") as running:
        port = port_of(running)
        assert running.get(port, "/fail")[0] == 500
        running.wait_for(r'\{"logger": "shop", "text": "about to fail"')
        running.wait_for(r"ERROR:    GET '/fail' failed")
        running.wait_for("LookupError: it failed")


def test_a_traceback_appears_without_any_configuration(folder: Path) -> None:
    write(folder, APP.format(disable=True, section="root", root=ROOT, where="", hook=""))
    with run_emmett(folder, "serve", "--port", "0") as running:
        assert running.get(port_of(running), "/fail")[0] == 500
        running.wait_for("INFO:     shop: about to fail")
        running.wait_for("LookupError: it failed")
