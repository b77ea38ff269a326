from __future__ import annotations

import os
import socket

import pytest

from tests.cli.project import Project


def test_the_server_gets_the_application_in_development_mode(project: Project) -> None:
    project.write("demo/app.py")
    calls = project.record_serve()
    outcome = project.run("-a", "demo/app.py", "develop", "--port", "0")
    [(target, options)] = calls
    assert outcome.code == 0
    assert target == "emmett.cli.development:app"
    assert os.environ["EMMETT_DEVELOP"] == "app:app"
    assert options["host"] == "127.0.0.1"
    assert options["reload"] is True
    assert options["reload_dirs"] == (str(project.folder / "demo"),)
    assert f"http://127.0.0.1:{options['port']}/" in outcome.output
    assert "a Python file in demo changes" in outcome.output


def test_reloading_can_be_switched_off(project: Project) -> None:
    project.write("app.py")
    calls = project.record_serve()
    outcome = project.run("develop", "--port", "0", "--no-reload")
    assert (calls[0][1]["reload"], calls[0][1]["reload_dirs"]) == (False, ())
    assert "Restarts" not in outcome.output


def test_reload_folders_replace_that_of_the_application(project: Project) -> None:
    project.write("app.py")
    for name in ("one", "two"):
        (project.folder / name).mkdir()
    calls = project.record_serve()
    project.run("develop", "--port", "0", "--reload-dir", "one", "--reload-dir", "two")
    assert calls[0][1]["reload_dirs"] == (str(project.folder / "one"), str(project.folder / "two"))


def test_a_server_on_all_addresses_shows_a_url_that_opens(project: Project) -> None:
    project.write("app.py")
    calls = project.record_serve()
    outcome = project.run("develop", "--host", "0.0.0.0", "--port", "0")
    port = calls[0][1]["port"]
    assert f"http://127.0.0.1:{port}/   (listening on 0.0.0.0, port {port})" in outcome.output


def test_a_port_in_use_is_reported_before_the_start(project: Project) -> None:
    project.write("app.py")
    calls = project.record_serve()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        outcome = project.run("develop", "--port", str(port))
    assert (outcome.code, outcome.output, calls) == (1, "", [])
    assert f"port {port} on 127.0.0.1 is in use" in outcome.errors
    assert "type emmett develop --port" in outcome.errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--no-reload", "--reload-dir", "."], "--no-reload and --reload-dir exclude each other"),
        (["--reload-dir", "missing"], "'missing' does not exist"),
        (["--port", "65536"], "65536 is out of range; type one from 1 to 65535"),
    ],
)
def test_wrong_input_says_what_is_allowed(project: Project, arguments: list[str], message: str) -> None:
    project.write("app.py")
    calls = project.record_serve()
    outcome = project.run("develop", *arguments)
    assert (outcome.code, calls) == (2, [])
    assert message in outcome.errors


def test_ctrl_c_ends_without_an_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    project.write("app.py")
    monkeypatch.setattr("emmett.server.serve", interrupt)
    assert project.run("develop", "--port", "0").code == 0
