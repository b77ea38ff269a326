"""`emmett kick` on a service that runs in another process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.cli.project import Project
from tests.cli.served import Service, connection_of, running_service


@pytest.fixture
def service(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with running_service(project, monkeypatch) as service:
        yield service


def how_it_ends(peer: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            peer.recv(30)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def test_one_connection_or_all_of_a_user_can_be_closed(service: Service) -> None:
    project = service.project
    connection = connection_of(project.run("ps").output)
    outcome = project.run("kick", connection, "--code", "4001", "--reason", "signed out")
    assert (outcome.code, outcome.output) == (0, f"{connection}: closing with 4001\n")
    assert how_it_ends(service.peer) == (4001, "signed out")
    url = f"ws://127.0.0.1:{service.port}/clock/bob"
    with connect(url) as first, connect(url) as second:
        assert [first.recv(30), second.recv(30)] == ["tick", "tick"]
        assert (
            project.run("kick", "--user", "bob").output == "bob: asked all nodes to close with 1008; connections: 2\n"
        )
        assert [how_it_ends(first), how_it_ends(second)] == [(1008, ""), (1008, "")]
    assert project.run("kick", "--user", "nobody").output.endswith("; connections: 0\n")
    outcome = project.run("kick", connection)
    assert outcome.code == 1
    assert f"there is no connection {connection}" in outcome.errors


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "expected either a connection or --user"),
        (("x-1", "--user", "ann"), "expected either a connection or --user"),
        (("x-1", "--code", "1006"), "1006"),
        (("x-1", "--reason", "x" * 124), "reason"),
    ],
)
def test_invalid_targets_are_refused(project: Project, arguments: tuple[str, ...], error: str) -> None:
    project.write("app.py")
    outcome = project.run("kick", *arguments)
    assert outcome.code == 2
    assert error in outcome.errors


def test_an_application_without_users_is_an_error(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.valkey import running_valkey

    with running_valkey() as valkey:
        monkeypatch.setenv("EMMETT_BROKER", valkey.url)
        project.write(
            "app.py",
            "from emmett import App, Channels\napp = App(__name__)\nChannels(app)\napp.inspector(None)\n",
        )
        outcome = project.run("kick", "--user", "ann")
    assert outcome.code == 2
    assert "write users = Users(app, channels)" in outcome.errors
