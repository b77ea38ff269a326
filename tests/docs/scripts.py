"""Blocks of JavaScript of the documents, as programs for Node.js around them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from tests.tools import NODE_FOLDER, tool

# Objects that a browser has and Node.js may lack, and a client that the page has already connected.
PAGE = """\
import {{ Centrifuge }} from "centrifuge";
import {{ EventSource }} from "eventsource";
import WebSocket from "ws";
globalThis.WebSocket ??= WebSocket;
globalThis.EventSource ??= EventSource;
const show = ({{ data }}) => console.log(JSON.stringify(data));
"""
CLIENT = """\
const centrifuge = new Centrifuge("ws://127.0.0.1:{port}/connection/websocket");
centrifuge.connect();
await centrifuge.ready();
"""


class Script:
    """A running program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """Return its next line of output."""
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode().removesuffix("\n")

    async def lines(self, count: int) -> list[str]:
        """Return its next lines of output."""
        return [await self.line() for _ in range(count)]


@contextlib.asynccontextmanager
async def running_script(folder: Path, text: str, port: int, has_client: bool = True) -> AsyncIterator[Script]:
    """Run JavaScript in a folder, until the block ends.

    Arguments:
        text: a block of a page, and what the reader adds to it.
        port: the port of the server.
        has_client: whether `centrifuge` is there already.
    """
    with contextlib.suppress(FileExistsError):
        (folder / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
    before = PAGE + (CLIENT if has_client else "")
    (folder / "script.mjs").write_text(before.format(port=port) + text)
    process = await asyncio.create_subprocess_exec(
        tool("centrifuge"), "script.mjs", cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        yield Script(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()
