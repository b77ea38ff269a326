"""`emmett tail` on a service that runs in another process."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.project import Project
from tests.cli.served import Service, connection_of, running_service


@pytest.fixture
def service(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service(project, monkeypatch) as service:
        yield service


def test_it_prints_messages_as_they_pass(service: Service) -> None:
    project = service.project
    connection = connection_of(project.run("ps").output)
    outcome = project.run("tail", connection, "-n", "2")
    assert (outcome.code, outcome.errors) == (0, "")
    first, second = outcome.output.splitlines()
    for line in (first, second):
        assert line.endswith(" sent      text 4 characters")
    outcome = project.run("tail", connection, "-n", "1", "--payloads")
    assert outcome.output.rstrip().endswith("text 4 characters  tick")
    outcome = project.run("tail", "ticks", "-n", "1", "--payloads", "--json")
    message = json.loads(outcome.output.splitlines()[0])
    assert message.pop("at") > 1e9
    assert outcome.errors == "waiting for publications in the channel ticks; Ctrl+C ends it\n"
    assert message == {"direction": "published", "kind": "text", "size": 4, "payload": "tick"}
    node = connection.partition("-")[0]
    outcome = project.run("tail", f"{node}-9999")
    assert outcome.code == 1
    assert f"there is no connection {node}-9999" in outcome.errors
    outcome = project.run("tail", "no channel")
    assert outcome.code == 2
    assert "expected no whitespace" in outcome.errors
