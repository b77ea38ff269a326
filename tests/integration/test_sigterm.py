"""SIGTERM to a real server process under load, with one worker and with two; a second signal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.raw_client import RawClient, connect
from tests.wire.frame_maker import CLOSE, PING, TEXT, client_frame

ROOT = Path(__file__).parents[2]
BATCH = 20

APP = """
import asyncio
from emmett import App, websocket

app = App(__name__)
app.config.server.shutdown_timeout = {timeout}

@app.websocket("/echo")
async def echo():
    async for message in websocket:
        await asyncio.sleep(0.001)
        await websocket.send(message)

@app.websocket("/stubborn")
async def stubborn():
    await websocket.receive()
    await asyncio.Event().wait()
"""


class Served:
    """A server process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.log: list[str] = []
        self.shutting_down = asyncio.Event()

    async def read_log(self) -> None:
        """Read its output until it ends."""
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self.log.append(line.decode())
            if b"Shutting down" in line:
                self.shutting_down.set()


@contextlib.asynccontextmanager
async def serve(folder: Path, *arguments: str, shutdown_timeout: float = 20.0) -> AsyncIterator[Served]:
    (folder / "app.py").write_text(APP.format(timeout=shutdown_timeout))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "emmett", "-a", str(folder / "app.py"), "serve", "--port", "0", *arguments),
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 20,
    )
    assert process.stdout is not None
    seen = ""
    workers = int(arguments[arguments.index("--workers") + 1]) if "--workers" in arguments else 1
    while seen.count("Application startup complete") < workers or not re.search(r"Listening on http\S+:\d+", seen):
        line = (await process.stdout.readline()).decode()
        assert line, f"the server did not start:\n{seen}"
        seen += line
    found = re.search(r"Listening on http\S+:(\d+)", seen)
    assert found is not None
    served = Served(process, int(found[1]))
    reading = asyncio.create_task(served.read_log())
    try:
        yield served
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def talk(client: RawClient, begin: asyncio.Event, ready: asyncio.Semaphore) -> tuple[int, int]:
    """Keep messages in flight until the server closes; returns how many came back, and the close code."""
    back = sent = 0
    await begin.wait()
    while True:
        if sent - back < BATCH // 2:
            client.write(b"".join(client_frame(TEXT, b"%d" % number) for number in range(sent, sent + BATCH)))
            sent += BATCH
        opcode, payload = await client.read_frame()
        if opcode == CLOSE:
            client.write(client_frame(CLOSE, payload))
            await client.read_end()
            return back, int.from_bytes(payload[:2], "big")
        if opcode != PING:
            assert payload == b"%d" % back, "lost, duplicated or out of order"
            back += 1
            if back == BATCH // 2:
                ready.release()


@pytest.mark.parametrize(("workers", "connections"), [(1, 1000), (2, 200)])
async def test_sigterm_under_load_loses_no_message(tmp_path: Path, workers: int, connections: int) -> None:
    """Every message received before the signal is handled, every client sees 1012, the process ends with status 0."""
    arguments = ("--workers", str(workers)) if workers > 1 else ()
    async with contextlib.AsyncExitStack() as stack, serve(tmp_path, *arguments) as served:
        begin, ready = asyncio.Event(), asyncio.Semaphore(0)
        talks: list[asyncio.Task[tuple[int, int]]] = []
        for _ in range(connections):
            client = await stack.enter_async_context(connect(served.port))
            await client.upgrade("/echo")
            talks.append(asyncio.create_task(talk(client, begin, ready)))
        begin.set()
        for _ in range(connections):
            await ready.acquire()
        served.process.send_signal(signal.SIGTERM)
        results = await asyncio.gather(*talks)
        assert await served.process.wait() == 0
    assert {code for _, code in results} == {1012}
    # The messages that each handler got and answered, according to the server.
    counts = [
        (int(received), int(sent))
        for line in served.log
        for received, sent in re.findall(r"closed 1012 after [\d.]+ s, (\d+) in, (\d+) out", line)
    ]
    assert len(counts) == connections
    assert [pair for pair in counts if pair[0] != pair[1]] == []
    assert sum(sent for _, sent in counts) == sum(back for back, _ in results)
    assert not [line for line in served.log if "Traceback" in line]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_at_once(tmp_path: Path, workers: int, number: signal.Signals) -> None:
    arguments = ("--workers", str(workers)) if workers > 1 else ()
    async with serve(tmp_path, *arguments, shutdown_timeout=3600.0) as served, connect(served.port) as client:
        await client.upgrade("/stubborn", behind=client_frame(TEXT, b"start"))
        client.write(client_frame(PING, b"?"))
        await client.read_frame()
        served.process.send_signal(number)
        await served.shutting_down.wait()
        assert served.process.returncode is None
        served.process.send_signal(number)
        async with asyncio.timeout(10):
            await served.process.wait()


async def test_the_shutdown_timeout_ends_a_handler_that_does_not(tmp_path: Path) -> None:
    async with serve(tmp_path, shutdown_timeout=0.5) as served, connect(served.port) as client:
        await client.upgrade("/stubborn", behind=client_frame(TEXT, b"start"))
        client.write(client_frame(PING, b"?"))
        await client.read_frame()
        served.process.send_signal(signal.SIGTERM)
        assert (await client.read_close())[0] == 1012
        assert await served.process.wait() == 0
