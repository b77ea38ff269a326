"""`emmett ps` on a service that runs in another process."""

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


def test_it_lists_nodes_and_connections(service: Service) -> None:
    project = service.project
    outcome = project.run("ps")
    assert (outcome.code, outcome.errors) == (0, "")
    nodes, connections = outcome.output.split("\n\n")
    assert nodes.splitlines()[0].split() == (
        ["node", "host", "pid", "uptime", "connections", "lag", "memory", "broker", "state"]
    )
    assert "running" in nodes
    assert "/clock/ann" in connections
    connection = connection_of(connections)
    outcome = project.run("ps", "--json", "--user", "ann", "--order", "age", "--limit", "1")
    report = json.loads(outcome.output)
    (node,) = report["nodes"]
    assert node["overview"]["connections"] == 1
    (row,) = report["connections"]["rows"]
    assert (row["id"], row["route"], row["users"]) == (connection, "clock", ["ann"])
    assert "No connections of 1 match." in project.run("ps", "--user", "bob").output
    assert "No connections of 1 match." in project.run("ps", "--min-age", "100000").output


def test_it_is_an_error_if_no_node_answers(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.valkey import running_valkey

    with running_valkey() as valkey:
        monkeypatch.setenv("EMMETT_BROKER", valkey.url)
        project.write(
            "app.py",
            "from emmett import App, Channels\napp = App(__name__)\nChannels(app)\napp.inspector(None)\n",
        )
        outcome = project.run("ps")
    assert outcome.code == 1
    assert "no node answers" in outcome.errors
    assert "check that the service is running" in outcome.errors
