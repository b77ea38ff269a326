"""A process that serves for a parent; tests/cli/test_lifetimes.py ends parents in all ways."""

from __future__ import annotations

import os
import signal
import socket
import sys
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import pytest

from emmett.server import make_config
from emmett.server.child import Child
from emmett.server.listeners import Listeners
from tests.cli.running import request

APP = """
import os
from emmett import App

app = App(__name__)

@app.route("/")
async def index():
    return str(os.getpid())
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    file = tmp_path / "child_app.py"
    file.write_text(APP)
    return file


def started(listeners: Listeners, config: Any) -> Child:
    child = Child(config, listeners.sockets)
    assert wait([child.ready, child.sentinel], 60)
    child.look()
    return child


def test_it_reports_when_it_serves_and_stops_on_request(module: Path) -> None:
    config = make_config("child_app:app", port=0, configure_logging=False)
    with Listeners(config) as listeners:
        child = started(listeners, config)
        try:
            assert child.serves
            assert child.stop_timeout > 60
            assert request(socket.create_connection(("127.0.0.1", config.port))) == (200, str(child.pid))
            os.kill(child.pid, signal.SIGINT)
            os.kill(child.pid, signal.SIGHUP)
            assert request(socket.create_connection(("127.0.0.1", config.port)))[0] == 200, (
                "the child must leave these signals to its parent"
            )
            child.terminate()
            assert child.join(60)
            assert (child.status, child.end) == (0, "ended with status 0")
        finally:
            child.kill()
            child.join()


def test_it_reports_how_it_ended_before_it_served(module: Path) -> None:
    module.write_text("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    config = make_config("child_app:app", port=0, configure_logging=False)
    with Listeners(config) as listeners:
        child = started(listeners, config)
        assert child.join(60)
        assert (child.serves, child.is_alive, child.end) == (False, False, "was killed by SIGKILL")
