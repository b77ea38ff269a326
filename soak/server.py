"""What the soak talks to: an echo, with deadlines short enough that a run of minutes meets them."""

from __future__ import annotations

import gc
import os

from emmett import App, websocket

app = App(__name__)
app.config.websocket.ping_interval = 5.0
app.config.websocket.ping_timeout = 5.0
app.config.websocket.send_timeout = 5.0


@app.websocket("/echo")
async def echo() -> None:
    """Send back what comes."""
    async for message in websocket:
        await websocket.send(message)


@app.websocket("/flood")
async def flood() -> None:
    """Send to a peer that does not read, until it is dropped."""
    while True:
        await websocket.send(b"x" * 1024)


@app.route("/usage")
async def usage() -> dict[str, int]:
    """Memory in KiB and open descriptors of this process, after a collection."""
    gc.collect()
    with open("/proc/self/statm") as statm:  # noqa: ASYNC230 - it is no file on a disk
        pages = int(statm.read().split()[1])
    return {"memory": pages * os.sysconf("SC_PAGE_SIZE") // 1024, "descriptors": len(os.listdir("/proc/self/fd"))}
