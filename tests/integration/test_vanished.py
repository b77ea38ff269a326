"""Peers whose packets are lost: in a network of their own, whose only interface goes down. Linux, and root, only."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import textwrap

import pytest

from tests.imports import ROOT

# Runs inside the network, and prints a line for each route whose connection has ended.
PROGRAM = """
import asyncio
import subprocess

from emmett import App, websocket
from tests.integration.raw_client import upgrade_request
from tests.integration.servers import gone, run_emmett
from tests.wire.frame_maker import BINARY, client_frame

app = App(__name__)


@app.websocket("/unanswered", ping_interval=0.5, ping_timeout=None)
async def unanswered():
    async for _ in websocket:
        pass


@app.websocket("/unread", ping_interval=0.5, ping_timeout=0.5, disconnect_grace=0.5)
async def unread():
    await websocket.accept()
    await websocket.wait_closed()


async def main():
    async with run_emmett(app) as running:
        for path, sent in (("/unanswered", b""), ("/unread", client_frame(BINARY, b"x" * 1000) * 500)):
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(upgrade_request(path) + sent)
            # The answer to the handshake, and a first Ping: the connection has come to rest.
            await reader.readuntil(b"\\r\\n\\r\\n")
            await reader.readexactly(2)
            subprocess.run(["ip", "link", "set", "lo", "down"], check=True)
            await gone(running)
            print(path, flush=True)
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            writer.transport.abort()


asyncio.run(main())
"""


def can_isolate() -> bool:
    """Return whether this process may create a network namespace, whichever tools are installed."""
    try:
        command = ["unshare", "-n", "ip", "link", "set", "lo", "up"]
        return sys.platform == "linux" and subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not can_isolate(), reason="needs Linux, iproute2, and the right to make a network namespace")
async def test_a_peer_whose_packets_are_lost_is_noticed() -> None:
    """Reliability, line 79: where its Pongs cannot be seen, the acknowledgements of its system decide."""
    program = await asyncio.create_subprocess_exec(
        *("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$0" -c "$1"', sys.executable),
        textwrap.dedent(PROGRAM),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await program.communicate()
    assert (out.split(), program.returncode) == ([b"/unanswered", b"/unread"], 0), errors.decode()
