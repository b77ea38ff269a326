from __future__ import annotations

import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

from tests.cli.project import Project


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of a certificate and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    issued = trustme.CA().issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    return folder / "cert.pem", folder / "key.pem"


def test_the_defaults_are_the_documented_ones(project: Project) -> None:
    project.write("demo/app.py")
    calls = project.record_serve()
    outcome = project.run("-a", "demo/app.py", "serve", "--port", "0")
    assert outcome == (0, "", "")
    assert calls == [
        (
            "app:app",
            {
                "host": "127.0.0.1",
                "port": 0,
                "uds": None,
                "workers": 1,
                "ssl_certfile": None,
                "ssl_keyfile": None,
                "ssl_keyfile_password": None,
                "log_level": "info",
                "access_log": True,
            },
        )
    ]


def test_every_option_reaches_the_server(
    project: Project, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write("app.py")
    calls = project.record_serve()
    monkeypatch.setenv("EMMETT_SSL_KEYFILE_PASSWORD", "secret")
    files = ["--ssl-certfile", str(certificate[0]), "--ssl-keyfile", str(certificate[1])]
    arguments = ["--host", "0.0.0.0", "--port", "0", "--workers", "3", "--log-level", "debug", "--no-access-log"]
    assert project.run("serve", *arguments, *files).code == 0
    [(_, options)] = calls
    assert options == {
        "host": "0.0.0.0",
        "port": 0,
        "uds": None,
        "workers": 3,
        "ssl_certfile": str(certificate[0]),
        "ssl_keyfile": str(certificate[1]),
        "ssl_keyfile_password": "secret",
        "log_level": "debug",
        "access_log": False,
    }


def test_a_unix_socket_can_be_given(project: Project) -> None:
    project.write("app.py")
    calls = project.record_serve()
    with TemporaryDirectory(dir="/tmp") as folder:
        assert project.run("serve", "--uds", f"{folder}/web.sock").code == 0
    assert calls[0][1]["uds"] == f"{folder}/web.sock"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--uds", "web.sock", "--host", "127.0.0.1"], "--uds and --host exclude each other"),
        (["--uds", "web.sock", "--port", "8000"], "--uds and --port exclude each other"),
        (["--uds", "missing/web.sock"], "there is no folder missing"),
        (["--port", "70000"], "70000 is out of range; type one from 1 to 65535"),
        (["--port", "http"], "'http' is not a number"),
        (["--workers", "0"], "0 is not in the range x>=1"),
        (["--log-level", "loud"], "'critical', 'error', 'warning', 'info', 'debug'"),
        (["--host", "192.0.2.1"], "is not an address of this machine"),
        (["--ssl-certfile", "missing.pem"], "'missing.pem' does not exist"),
        (["--ssl-certfile", "app.py"], "--ssl-certfile needs its key\n       add --ssl-keyfile"),
        (["--ssl-keyfile", "app.py"], "--ssl-keyfile needs its certificate\n       add --ssl-certfile"),
        (["--ssl-keyfile", "app.py", "--ssl-certfile", "app.py"], "app.py and app.py cannot be loaded"),
    ],
)
def test_wrong_input_says_what_is_allowed(project: Project, arguments: list[str], message: str) -> None:
    project.write("app.py")
    calls = project.record_serve()
    outcome = project.run("serve", *arguments)
    assert (outcome.code, calls) == (2, [])
    assert message in outcome.errors


def test_a_key_of_another_certificate_is_refused(
    project: Project, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    project.write("app.py")
    other = tmp_path / "other.pem"
    trustme.CA().issue_cert("localhost").private_key_pem.write_to_path(other)
    outcome = project.run("serve", "--ssl-certfile", str(certificate[0]), "--ssl-keyfile", str(other))
    assert outcome.code == 2
    assert "belong together" in outcome.errors


def test_a_port_in_use_says_what_to_type(project: Project) -> None:
    project.write("app.py")
    calls = project.record_serve()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        outcome = project.run("serve", "--port", str(listener.getsockname()[1]))
    assert (outcome.code, calls) == (1, [])
    assert "type emmett serve --port" in outcome.errors


def test_ctrl_c_ends_without_an_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    project.write("app.py")
    monkeypatch.setattr("emmett.server.serve", interrupt)
    assert project.run("serve", "--port", "0").code == 0
