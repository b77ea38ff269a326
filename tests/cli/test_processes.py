"""The commands that serve as a whole: processes, signals, changed files."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

from tests.cli.project import SOURCE
from tests.cli.running import Running, request, run_emmett

# Modules that a server in one process does not need, if its application has no channels, calls, sessions or templates.
UNUSED = {
    *("multiprocessing", "uvicorn", "watchfiles", "emmett.tasks", "emmett.wire.deflater"),
    *("attr", "cryptography", "jinja2", "multipart", "nats", "pydantic", "pygments", "redis", "rich"),
    *(
        "difflib",
        "secrets",
        "emmett.asgi.application",
        "emmett.cli.centrifuge",
        "emmett.cli.doctor",
        "emmett.http.cookies",
        "emmett.calls",
        "emmett.channels",
    ),
    *("emmett.http.multipart", "emmett.http.static_files", "emmett.security", "emmett.server.child"),
    *("emmett.server.reloading", "emmett.sessions", "emmett.streams", "emmett.testing"),
}
READY = r"Application startup complete\."
APP = """
    import json
    import os
    import sys
    from emmett import App

    app = App(__name__)

    @app.route("/")
    async def index():
        return "version 1"

    @app.route("/process")
    async def process():
        return str(os.getpid())

    @app.route("/modules")
    async def modules():
        return sorted(sys.modules)

    @app.route("/fail")
    async def fail():
        return json.loads("{")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an application, in which processes find emmett."""
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.delenv("EMMETT_APP", raising=False)
    write(tmp_path, APP)
    return tmp_path.resolve()


def write(folder: Path, source: str, name: str = "app.py") -> None:
    """Write a file in one step: a process that watches it must not see half of it."""
    (folder / "new").write_text(textwrap.dedent(source), encoding="utf-8")
    (folder / "new").replace(folder / name)


def port_of(running: Running) -> int:
    return int(running.wait_for(r"https?://127\.0\.0\.1:(\d+)")[1])


def test_develop_serves_until_ctrl_c(folder: Path) -> None:
    with run_emmett(folder, "develop", "--port", "0") as running:
        port = port_of(running)
        running.wait_for("/process")
        running.wait_for(rf"Restarts when a Python file in {folder} changes\. Stop with Ctrl\+C")
        running.wait_for(READY)
        assert running.get(port) == (200, "version 1")

        assert running.get(port, "/fail")[0] == 500
        running.wait_for("GET '/fail' failed")
        running.wait_for("JSONDecodeError: Expecting property name")

        assert running.interrupt() == 0
    assert "in fail" in running.text
    assert "dispatch/requests.py" not in running.text
    assert "Started server process" not in running.text
    assert "KeyboardInterrupt" not in running.text


def test_serve_imports_only_what_the_application_needs(folder: Path) -> None:
    with run_emmett(folder, "serve", "--port", "0") as running:
        status, text = running.get(port_of(running), "/modules")
        assert running.stop(signal.SIGTERM) == 0
    assert status == 200
    loaded = set(json.loads(text))
    # `make coverage` measures the server, too, with a package that needs this one.
    assert UNUSED & loaded - ({"multiprocessing"} if "coverage" in loaded else set()) == set()


def test_develop_restarts_on_a_change_and_recovers_from_an_error(folder: Path) -> None:
    with run_emmett(folder, "develop", "--port", "0") as running:
        port = port_of(running)
        running.wait_for(READY)
        first = running.get(port, "/process")

        # Its length differs, because Python ignores a change within the same second that keeps the length.
        changed = APP.replace("version 1", "version 2 of 3")
        running.wait_for(r"detected changes in 'app\.py'", lambda: write(folder, changed))
        running.wait_for(READY)
        assert running.get(port) == (200, "version 2 of 3")
        assert running.get(port, "/process") != first

        running.wait_for("NameError: name 'nothing' is not defined", lambda: write(folder, APP + "\n    nothing"))
        running.wait_for(READY, lambda: write(folder, APP.replace("version 1", "version 3 (last)")))
        assert running.get(port) == (200, "version 3 (last)")
        assert running.stop(signal.SIGTERM) == 0
    assert "importlib" not in running.text


def test_develop_works_without_reloading(folder: Path) -> None:
    with run_emmett(folder, "develop", "--port", "0", "--no-reload") as running:
        port = port_of(running)
        running.wait_for(READY)
        assert running.get(port, "/process") == (200, str(running.process.pid))
        assert running.get(port, "/fail")[0] == 500
        running.wait_for("in fail")
        running.wait_for("JSONDecodeError")
        assert running.stop(signal.SIGINT) == 0


def test_serve_logs_requests_and_stops_on_a_signal(folder: Path) -> None:
    with run_emmett(folder, "serve", "--port", "0") as running:
        port = port_of(running)
        assert running.get(port) == (200, "version 1")
        running.wait_for(r'"GET / HTTP/1\.1" 200')
        assert running.stop(signal.SIGTERM) == 0


def test_serve_works_without_the_access_log(folder: Path) -> None:
    with run_emmett(folder, "serve", "--port", "0", "--no-access-log") as running:
        assert running.get(port_of(running)) == (200, "version 1")
        assert running.stop(signal.SIGTERM) == 0
    assert "GET /" not in running.text


def test_workers_find_an_application_given_as_a_file_of_a_package(folder: Path) -> None:
    package = folder / "code" / "shop"
    package.mkdir(parents=True)
    write(package, "", "__init__.py")
    write(
        package,
        "from emmett import App\napp = App(__name__)\n@app.route('/')\nasync def index(): return __name__",
        "web.py",
    )
    with run_emmett(folder, "-a", "code/shop/web.py", "serve", "--workers", "2", "--port", "0") as running:
        port = port_of(running)
        running.wait_for(READY)
        running.wait_for(READY)
        assert running.get(port) == (200, "shop.web")
        assert running.stop(signal.SIGTERM) == 0


def test_workers_that_cannot_share_channels_in_memory_end_the_server(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EMMETT_BROKER", raising=False)
    write(folder, "from emmett import App, Channels\napp = App(__name__)\nchannels = Channels(app)")
    with run_emmett(folder, "serve", "--workers", "2", "--port", "0") as running:
        running.wait_for("2 worker processes cannot share channels in memory: .* Configure a broker")
        assert running.process.wait(30) == 3
    with run_emmett(folder, "serve", "--port", "0") as running:
        running.wait_for(READY)
        assert running.stop(signal.SIGTERM) == 0


def test_serve_listens_on_a_unix_socket(folder: Path) -> None:
    with TemporaryDirectory(dir="/tmp") as short:
        path = f"{short}/web.sock"
        with run_emmett(folder, "serve", "--uds", path) as running:
            running.wait_for("unix socket")
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(10)
                connection.connect(path)
                assert request(connection) == (200, "version 1")
            assert running.stop(signal.SIGTERM) == 0


def test_serve_uses_tls(folder: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    both = ["--ssl-certfile", "both.pem", "--ssl-keyfile", "both.pem"]
    with run_emmett(folder, "serve", "--port", "0", *both) as running:
        port = port_of(running)
        with context.wrap_socket(running.connect(port), server_hostname="localhost") as connection:
            assert request(connection) == (200, "version 1")
        assert running.stop(signal.SIGTERM) == 0


def test_a_port_in_use_ends_with_1_and_no_traceback(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with run_emmett(folder, "develop", "--port", str(port)) as running:
            running.wait_for(rf"error: port {port} on 127\.0\.0\.1 is in use")
            running.wait_for(r"type emmett develop --port \d+")
            assert running.process.wait(30) == 1
    assert "Traceback" not in running.text


def test_the_shell_executes_piped_input(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emmett", "shell"],
        cwd=folder,
        env=os.environ,
        input="print(len(app.routes), url('index'))",
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("5 /\n", "", 0)
