from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks import server_process
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import ServerFailed, free_port, running_server, server_environment

HOST = "127.0.0.1"
LISTENS = """
import json, os, socket
options = json.loads(os.environ["BENCH_OPTIONS"])
print(f"ready with {options['workers']} in {os.getcwd()}", flush=True)
listening = socket.create_server((options["host"], options["port"]))
while True:
    listening.accept()[0].close()
"""


def options(**fields: int) -> ServerOptions:
    return ServerOptions(HOST, free_port(HOST), **fields)  # type: ignore[arg-type]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_runs_while_the_block_does(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "LOOK_INTERVAL", 0.02)
    with running_server([sys.executable, "-c", LISTENS], options(workers=workers), cores=None, isolated=True) as server:
        assert is_running(server.pid)
        assert server.tail() == f"ready with {workers} in {Path(__file__).resolve().parents[2]}"
    assert not is_running(server.pid)


def test_a_server_that_never_listens_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_process, "START_TIMEOUT", 0.1)
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        pytest.raises(ServerFailed, match="took no connection within"),
        running_server(command, options(), cores=None, isolated=False),
    ):
        raise AssertionError("the body must not run")


def test_a_server_that_exits_meanwhile_is_a_failure() -> None:
    once = LISTENS.replace("while True:", "for _ in range(1):")
    with (
        pytest.raises(ServerFailed, match=r"(?s)ended with status 0:.*ready"),
        running_server([sys.executable, "-c", once], options(), cores=None, isolated=False) as server,
    ):
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)


def test_a_server_is_stopped_when_the_block_fails() -> None:
    command = [sys.executable, "-c", LISTENS]
    pid = 0
    with (
        pytest.raises(ZeroDivisionError),
        running_server(command, options(), cores=None, isolated=False) as server,
    ):
        pid = server.pid
        raise ZeroDivisionError
    assert not is_running(pid)


def test_a_peer_does_not_inherit_our_python_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    assert server_environment(options(), isolated=False)["PYTHONPATH"] == "/somewhere"
    asked = options()
    isolated = server_environment(asked, isolated=True)
    assert "PYTHONPATH" not in isolated
    assert isolated.items() >= asked.environment().items()


def test_a_server_may_keep_its_compiled_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in server_environment(options(), isolated=False)
