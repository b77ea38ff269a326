"""What a server shares with its connections."""

from __future__ import annotations

from emmett.server.server_state import ServerState


def test_two_servers_share_nothing() -> None:
    first, second = ServerState(), ServerState()
    first.connections.add(object())
    first.default_headers.append((b"date", b""))
    assert (second.connections, second.tasks, second.default_headers) == (set(), set(), [])
