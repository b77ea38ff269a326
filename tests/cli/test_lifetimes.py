"""The lifetimes of the processes of `serve` and `develop`, however one of them ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cli.project import SOURCE
from tests.cli.running import Running, request, run_emmett
from tests.cli.test_processes import APP, READY, port_of, write


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.delenv("EMMETT_APP", raising=False)
    write(tmp_path, APP)
    return tmp_path.resolve()


@pytest.fixture
def uds() -> Iterator[str]:
    with TemporaryDirectory(dir="/tmp") as short:
        yield f"{short}/web.sock"


def ask(path: str) -> tuple[int, str]:
    """Return the process ID of the server on a unix socket."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(path)
    return request(connection, "/process")


def wait_ready(running: Running, workers: int) -> None:
    for _ in range(workers):
        running.wait_for(READY)


def has_ended(running: Running) -> None:
    """Wait until the output ends: every process that had it has ended."""
    running._ended()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_unix_socket_is_free_after_a_stop_and_after_a_kill(folder: Path, uds: str, workers: int) -> None:
    arguments = ("serve", "--uds", uds, "--workers", str(workers))
    with run_emmett(folder, *arguments) as running:
        wait_ready(running, workers)
        assert ask(uds)[0] == 200
        assert running.stop(signal.SIGTERM) == 0
        assert not os.path.exists(uds)
    with run_emmett(folder, *arguments) as running:
        wait_ready(running, workers)
        running.process.kill()
        has_ended(running)
        assert os.path.exists(uds)
    with run_emmett(folder, *arguments) as running:
        wait_ready(running, workers)
        assert ask(uds)[0] == 200
        with run_emmett(folder, *arguments) as second:
            second.wait_for("a server listens there")
            assert second.process.wait(30) == 1
        assert ask(uds)[0] == 200
        assert running.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("arguments", [("serve", "--workers", "2"), ("develop",)])
def test_children_end_with_their_parent(folder: Path, arguments: tuple[str, ...]) -> None:
    with run_emmett(folder, *arguments, "--port", "0") as running:
        port = port_of(running)
        wait_ready(running, 2 if arguments[0] == "serve" else 1)
        assert running.get(port)[0] == 200
        running.process.kill()
        has_ended(running)
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_children_end_with_a_parent_that_is_killed_while_they_start(folder: Path) -> None:

    hanging = """
        import os, time
        from emmett import App
        app = App(__name__)

        @app.on_startup
        async def start():
            print("starting", flush=True)
            time.sleep(3600)
    """
    write(folder, hanging)
    with run_emmett(folder, "develop", "--port", "0") as running:
        running.wait_for("starting")
        running.process.kill()
        # Its main thread is blocked, so only the last resort ends the process.
        has_ended(running)
    assert "time.sleep" in running.text or "in start" in running.text


def test_a_worker_that_dies_is_replaced(folder: Path) -> None:
    with run_emmett(folder, "serve", "--workers", "2", "--port", "0") as running:
        port = port_of(running)
        wait_ready(running, 2)
        victim = int(running.get(port, "/process")[1])
        os.kill(victim, signal.SIGKILL)
        running.wait_for(rf"Child process \[{victim}\] died: it was killed by SIGKILL; starting another one")
        running.wait_for(READY)
        assert running.get(port)[0] == 200
        assert running.stop(signal.SIGTERM) == 0


def test_workers_that_crash_at_the_start_end_the_server(folder: Path) -> None:
    write(folder, APP + "\n    @app.on_startup\n    async def crash():\n        os._exit(7)\n")
    with run_emmett(folder, "serve", "--workers", "2", "--port", "0") as running:
        for pause in ("0.5", "1", "2"):
            running.wait_for(f"it ended with status 7; starting another one in {pause} s")
        running.wait_for("it ended with status 7; no worker serves, stopping the parent process")
        assert running.process.wait(60) == 3


def test_sighup_replaces_workers(folder: Path) -> None:
    with run_emmett(folder, "serve", "--workers", "2", "--port", "0") as running:
        port = port_of(running)
        wait_ready(running, 2)
        before = {int(number) for number in running_processes(running)}
        running.process.send_signal(signal.SIGHUP)
        for _ in before:
            running.wait_for(READY)
            running.wait_for("Finished server process")
        assert int(running.get(port, "/process")[1]) not in before
        assert running.stop(signal.SIGTERM) == 0


def running_processes(running: Running) -> list[str]:
    return re.findall(r"Started server process \[(\d+)\]", running.text)


def test_sighup_stops_a_single_process_gracefully(folder: Path) -> None:
    write(folder, APP + "\n    @app.on_shutdown\n    async def end():\n        print('the end', flush=True)\n")
    with run_emmett(folder, "serve", "--port", "0") as running:
        running.wait_for("Listening on")
        assert running.stop(signal.SIGHUP) == 0
    assert "the end" in running.text


def test_develop_restarts_a_process_that_has_died(folder: Path) -> None:
    with run_emmett(folder, "develop", "--port", "0") as running:
        port = port_of(running)
        running.wait_for(READY)
        victim = int(running.get(port, "/process")[1])
        os.kill(victim, signal.SIGKILL)
        running.wait_for("the server process was killed by SIGKILL; starting another one")
        running.wait_for(READY)
        assert running.get(port)[0] == 200
        assert running.interrupt() == 0


def test_develop_refuses_clients_while_the_start_fails(folder: Path) -> None:
    with run_emmett(folder, "develop", "--port", "0") as running:
        port = port_of(running)
        running.wait_for(READY)
        failing = APP + "\n    @app.on_startup\n    async def fail():\n        raise LookupError('no database')\n"
        running.wait_for("LookupError: no database", lambda: write(folder, failing))
        running.wait_for("the server process ended with status 3 before it served; waiting for a change")
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
        running.wait_for(READY, lambda: write(folder, APP))
        assert running.get(port)[0] == 200
        assert running.interrupt() == 0


STUCK = """
    import asyncio
    import time
    from emmett import App

    app = App(__name__)
    app.config.server.shutdown_timeout = app.config.server.cancel_timeout = 0.2

    @app.route("/")
    async def index():
        return "index"

    @app.route("/stubborn")
    async def stubborn():
        print("in the handler", flush=True)
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                pass

    @app.route("/thread")
    async def thread():
        print("in the handler", flush=True)
        await asyncio.to_thread(sleep)

    def sleep():
        time.sleep(3600)

    @app.route("/blocking")
    async def blocking():
        print("in the handler", flush=True)
        time.sleep(3600)
"""


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("path", ["/stubborn", "/thread", "/blocking"])
def test_no_handler_can_prevent_the_server_from_stopping(folder: Path, path: str, workers: int) -> None:
    write(folder, STUCK)
    with run_emmett(folder, "serve", "--port", "0", "--workers", str(workers)) as running:
        port = port_of(running)
        if workers > 1:
            wait_ready(running, workers)
        with contextlib.closing(running.connect(port)) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            running.wait_for("in the handler")
            code = running.stop(signal.SIGTERM)
    assert code == (1 if workers == 1 and path != "/stubborn" else 0)
    assert ("left running: app.stubborn" if path == "/stubborn" else "app.py") in running.text


@pytest.mark.parametrize("command", ["serve", "develop"])
def test_a_second_ctrl_c_prints_no_traceback(folder: Path, command: str) -> None:
    write(
        folder, STUCK.replace("shutdown_timeout = app.config.server.cancel_timeout = 0.2", "shutdown_timeout = 3600.0")
    )
    with run_emmett(folder, command, "--port", "0") as running:
        port = port_of(running)
        with contextlib.closing(running.connect(port)) as client:
            client.sendall(b"GET /thread HTTP/1.1\r\nHost: localhost\r\n\r\n")
            running.wait_for("in the handler")
            os.killpg(running.process.pid, signal.SIGINT)
            running.wait_for("Waiting for connections to close|Shutting down")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.process.pid, signal.SIGINT)
            has_ended(running)
    assert "Traceback" not in running.text
    assert "KeyboardInterrupt" not in running.text
