"""A restart of all workers under load: clients are asked to come back, none is refused or cut off, nothing is lost.

With `EMMETT_RESTART_CLIENTS=2000` in the environment there are so many clients. Each takes a file of this process and
one of a worker (`ulimit -n`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import textwrap
from pathlib import Path

import pytest
import websockets

from tests.cli.project import SOURCE
from tests.cli.running import run_emmett

CLIENTS = int(os.environ.get("EMMETT_RESTART_CLIENTS", "100"))
# Seconds between two messages of a client: together they send ten thousand a second, or as many as the machine can.
PAUSE = CLIENTS / 10_000
# The number of clients that connect at once at first. After the restart, they reconnect as they are closed.
AT_ONCE = 100
APP = """
    import os
    from emmett import App, websocket

    app = App(__name__)
    app.config.server.shutdown_timeout = 5.0

    @app.websocket("/echo")
    async def echo():
        async for message in websocket:
            await websocket.send(f"{os.getpid()}:{message}")
"""


class Client:
    """Sends numbers, each once the one before has come back, through as many connections as it takes."""

    def __init__(self, port: int) -> None:
        self.url = f"ws://127.0.0.1:{port}/echo"
        self.codes: list[int] = []
        self.processes: list[str] = []
        self.echoed = 0
        self.connected = asyncio.Event()

    async def run(self, enough: int) -> None:
        """Continue until a number of processes have answered."""
        while len(set(self.processes)) < enough:
            try:
                # It waits for the echo, so a number in transit when the server closes is echoed, or sent again.
                async with websockets.connect(self.url, open_timeout=30) as connection:
                    await self._talk(connection, enough)
            except websockets.ConnectionClosed as closed:
                self.codes.append(closed.rcvd.code if closed.rcvd else 1006)

    async def _talk(self, connection: websockets.ClientConnection, enough: int) -> None:
        while len(set(self.processes)) < enough:
            await connection.send(str(self.echoed))
            process, _, number = str(await connection.recv()).partition(":")
            assert int(number) == self.echoed
            self.echoed += 1
            self.connected.set()
            if process not in self.processes:
                self.processes.append(process)
            # Others share the loop.
            await asyncio.sleep(PAUSE)


async def test_a_rolling_restart_refuses_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    (tmp_path / "app.py").write_text(textwrap.dedent(APP), "utf-8")
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        with run_emmett(tmp_path, "serve", "--port", "0", "--workers", "2", "--no-access-log") as running:
            assert await loop.sock_recv(manager, 1000) == b"READY=1"
            port = int(running.wait_for(r"http://127\.0\.0\.1:(\d+)")[1])
            clients = [Client(port) for _ in range(CLIENTS)]
            async with asyncio.TaskGroup() as group:
                for first in range(0, CLIENTS, AT_ONCE):
                    some = clients[first : first + AT_ONCE]
                    for client in some:
                        group.create_task(client.run(2))
                    for client in some:
                        await client.connected.wait()
                running.process.send_signal(signal.SIGHUP)
                assert (await loop.sock_recv(manager, 1000)).startswith(b"RELOADING=1\n")
                assert await loop.sock_recv(manager, 1000) == b"READY=1"
            assert running.interrupt() == 0
    assert {code for client in clients for code in client.codes} == {1012}
    assert all(client.codes for client in clients)
    assert "Traceback" not in running.text
