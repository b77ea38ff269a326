"""The server of the soak: an echo with deadlines that are short enough to be reached in a run of minutes."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
from collections.abc import AsyncIterator
from pathlib import Path

from emmett import App, Response, request, stream, websocket
from emmett.http import UploadedFile

app = App(__name__)
app.config.websocket.ping_interval = 5.0
app.config.websocket.ping_timeout = 5.0
app.config.websocket.send_timeout = 5.0


@app.websocket("/echo")
async def echo() -> None:
    """Send back each message."""
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/flood")
async def flood() -> None:
    """Send to a peer that does not read, until it is dropped."""
    while True:
        await websocket.send(b"x" * 1024)


@app.websocket("/closing", close_timeout=60.0)
async def closing() -> None:
    """Close at once, and wait a long time for the answer."""
    await websocket.accept()


@app.websocket("/deflate", compression="deflate")
async def deflate() -> None:
    """Receive compressed messages."""
    async for _ in websocket:
        pass


@app.websocket("/compute")
async def compute() -> None:
    """Compute for about 0.2 ms in each turn of the loop, for as long as the peer stays."""
    await websocket.accept()
    left = asyncio.ensure_future(websocket.wait_closed())
    while not left.done():
        sum(range(8_000))
        await asyncio.sleep(0)


ghost_count = 0


@app.websocket("/ghosts")
async def ghosts() -> None:
    """Receive nothing, and wait until the peer has left."""
    global ghost_count
    await websocket.accept()
    ghost_count += 1
    try:
        await websocket.wait_closed()
    finally:
        ghost_count -= 1


calls = app.calls("/calls", "soak_calls", max_refusals="1000/s", max_streams=100, max_in_flight=200)
stream_count = 0


@calls.method()
async def tick() -> AsyncIterator[int]:
    """Send numbers until the caller cancels."""
    global stream_count
    stream_count += 1
    try:
        for number in itertools.count():
            yield number
            await asyncio.sleep(0)
    finally:
        stream_count -= 1


@calls.method()
async def ping() -> str:
    """Answer."""
    return "pong"


@app.route("/hello")
async def hello() -> str:
    """Say hello."""
    return "hello"


@app.route("/upload", methods="post", max_body_size=1 << 34)
async def upload() -> dict[str, int]:
    """Receive a file in a form, and count its bytes while reading it back from the disk."""
    file = (await request.files).file
    assert isinstance(file, UploadedFile)
    return {"size": file.size, "read": sum([len(chunk) async for chunk in file])}


@app.route("/download/<any:path>")
async def download(path: str) -> Response:
    """Send a file."""
    return await stream.file(Path("/", path))


@app.route("/usage")
async def usage() -> dict[str, int]:
    """Return current and peak memory in KiB, and the numbers of descriptors, ghosts and streams, after a collection."""
    gc.collect()
    status = Path("/proc/self/status").read_text()  # noqa: ASYNC240 - it is no file on a disk
    peak = int(status.partition("VmHWM:")[2].split()[0])
    with open("/proc/self/statm") as statm:  # noqa: ASYNC230 - it is no file on a disk
        pages = int(statm.read().split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "peak": peak,
        "descriptors": len(os.listdir("/proc/self/fd")),
        "ghosts": ghost_count,
        "streams": stream_count,
    }
