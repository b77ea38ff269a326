from __future__ import annotations

from tests.cli.project import Project
from tests.ports import free_port

APP = """
    from emmett import App, Channels

    app = App(__name__)
    app.config.server.max_connections = 10
    app.config.server.max_memory = 64 * 1024 * 1024
    channels = Channels(app, {broker!r}, start_timeout=0.01)
"""


def test_it_prints_its_findings(project: Project) -> None:
    project.write("app.py", APP.format(broker="memory"))
    outcome = project.run("doctor", "--workers", "1")
    assert (outcome.code, outcome.errors) == (0, "")
    assert "ok      files: a worker can hold 10 connections\n" in outcome.output
    assert (
        "advice  hosts: server.allowed_hosts is None, so requests for any host are served\n        list"
        in outcome.output
    )


def test_a_problem_sets_the_exit_code(project: Project) -> None:
    project.write("app.py", APP.format(broker="memory"))
    outcome = project.run("doctor", "--workers", "2")
    assert outcome.code == 1
    assert "problem workers: the channels are in memory, which 2 workers do not share" in outcome.output


def test_it_tries_the_broker(project: Project) -> None:
    project.write("app.py", APP.format(broker=f"redis://127.0.0.1:{free_port()}"))
    outcome = project.run("doctor")
    assert outcome.code == 1
    assert "problem broker: " in outcome.output
    assert project.run("doctor", "--no-broker").code == 0
