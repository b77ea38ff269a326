"""Reports to systemd, and sockets from it; the last test runs a server process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from emmett.server.systemd import Notifier, take_sockets
from tests.cli.project import SOURCE
from tests.cli.running import Running, request

# Becomes a server with a socket passed on as by systemd.
LAUNCH = """
import os, sys
number, *command = sys.argv[1:]
os.dup2(int(number), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(command[0], command)
"""


def test_the_service_manager_gets_reports(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        notifier = Notifier(environ)
        assert environ == {}
        notifier.ready()
        notifier.reloading()
        notifier.stopping()
        assert manager.recv(1000) == b"READY=1"
        assert manager.recv(1000).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
        assert manager.recv(1000) == b"STOPPING=1"


def test_an_address_may_be_in_the_abstract_namespace() -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux has it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("")
        address = manager.getsockname()
        Notifier({"NOTIFY_SOCKET": "@" + address[1:].decode()}).ready()
        assert manager.recv(1000) == b"READY=1"


def test_without_a_running_manager_nothing_happens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    Notifier({}).ready()
    assert not caplog.records
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()
    assert "the service manager cannot be notified" in caplog.text


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "x"},
        {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "0", "LISTEN_FDNAMES": "web"},
    ],
)
def test_sockets_for_another_process_are_ignored(environ: dict[str, str]) -> None:
    assert take_sockets(environ) == []
    assert environ == {}


def test_any_number_of_stream_sockets_is_accepted(caplog: pytest.LogCaptureFixture) -> None:
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    originals = [socket.socket(socket.AF_INET, kind) for kind in kinds]
    first = 200
    for number, original in enumerate(originals):
        os.dup2(original.fileno(), first + number)
    taken = take_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2"}, first)
    assert [listener.fileno() for listener in taken] == [first]
    assert not os.get_inheritable(first)
    assert f"file descriptor {first + 1} from systemd is no stream socket" in caplog.text
    for each in (*taken, *originals):
        each.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_can_be_started_by_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    source = """
        from emmett import App
        app = App(__name__)

        @app.route("/")
        async def index():
            return "hello"
    """
    (tmp_path / "app.py").write_text(textwrap.dedent(source), "utf-8")
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        number = listener.fileno()
        serve = ("serve", "--workers", str(workers))
        process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(number), sys.executable, "-m", "emmett", *serve],
            cwd=tmp_path,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "NOTIFY_SOCKET": str(tmp_path / "notify")},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            pass_fds=[number],
            start_new_session=True,
        )
        with process:
            running = Running(process)
            try:
                assert manager.recv(1000) == b"READY=1"
                assert request(socket.create_connection(listener.getsockname(), timeout=10)) == (200, "hello")
                assert running.interrupt() == 0
                assert manager.recv(1000) == b"STOPPING=1"
            finally:
                if process.poll() is None:
                    process.kill()
        assert "Listening on sockets of systemd: ('127.0.0.1'," in running.text
