"""A running service: `emmett serve` in a process, with a broker, for the commands that inspect it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.cli.project import SOURCE, Project
from tests.cli.running import run_emmett
from tests.cli.test_processes import port_of
from tests.valkey import running_valkey

APP = """
    from emmett import App, Channels, websocket
    from emmett.users import Users

    app = App(__name__)
    channels = Channels(app)
    users = Users(app, channels)
    app.inspector(None, payloads=True)

    @app.task(every=0.02)
    async def tick():
        await channels.publish("ticks", "tick")

    @app.websocket("/clock/<str:user>")
    async def clock(user):
        async with users.connected(user), channels.subscribe("ticks", deliver=websocket):
            await websocket.wait_closed()
"""


class Service(NamedTuple):
    """A running service, with one websocket of the user ann."""

    project: Project
    port: int
    peer: ClientConnection


@contextlib.contextmanager
def running_service(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run the service while the block does."""
    with running_valkey() as valkey:
        monkeypatch.setenv("EMMETT_BROKER", valkey.url)
        monkeypatch.setenv("PYTHONPATH", str(SOURCE))
        project.write("app.py", APP)
        with run_emmett(Path.cwd(), "serve", "--port", "0") as running:
            port = port_of(running)
            with connect(f"ws://127.0.0.1:{port}/clock/ann") as peer:
                assert peer.recv(30) == "tick"
                yield Service(project, port, peer)


def connection_of(output: str) -> str:
    """Return the ID of the connection in the output of `emmett ps`."""
    found = re.search(r"\b[0-9a-f]{8}-\d+\b", output)
    assert found is not None, output
    return found[0]
