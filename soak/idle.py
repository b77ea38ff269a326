"""The memory of idle connections: plain ones, and those with calls, which may take 1 kB more each.

Connections that have made a call keep the task that read it; their memory is also shown.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path

import click
import uvloop

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from soak.run import follow, start_server, usage  # noqa: E402 - the path comes first
from soak.visitors import TEXT, Visitor, frame  # noqa: E402

MAX_MORE = 1000  # bytes
CALL = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
AT_ONCE = 100


async def measure(path: str, connections: int, says: bytes = b"") -> float:
    """Return the bytes that a connection to a path takes in a new server, after it has sent something."""
    log: list[str] = []
    server, port = await start_server(log)
    following = asyncio.create_task(follow(server, log))
    visitors: list[Visitor] = []
    try:
        # Do not count what the server loads for the first connections and keeps.
        visitors += await open_some(port, path, AT_ONCE, says)
        before = await usage(port)
        while len(visitors) < connections + AT_ONCE:
            visitors += await open_some(port, path, AT_ONCE, says)
        after = await usage(port)
    finally:
        for visitor in visitors:
            visitor.vanish()
        server.terminate()
        await server.wait()
        await following
    return (after["memory"] - before["memory"]) * 1024 / connections


async def open_some(port: int, path: str, count: int, says: bytes) -> list[Visitor]:
    """Open connections, and return them."""
    visitors = [Visitor(port, Counter()) for _ in range(count)]
    await asyncio.gather(*(visitor.open(path) for visitor in visitors))
    if says:
        for visitor in visitors:
            visitor.writer.write(frame(TEXT, says))
        for visitor in visitors:
            await visitor.reader.readuntil(b"}")
    return visitors


async def run(connections: int) -> int:
    """Run the test, and return the exit status."""
    plain = await measure("/echo", connections)
    calls = await measure("/calls", connections)
    used = await measure("/calls", connections, CALL)
    click.echo(f"{connections:,} idle connections: {plain:,.0f} bytes each, with calls {calls:,.0f} bytes each")
    click.echo(f"after a call each: {used:,.0f} bytes each, {used - plain:,.0f} more than plain ones")
    is_more = calls - plain > MAX_MORE
    click.echo(f"{calls - plain:,.0f} bytes more: {'FAILED' if is_more else 'passed'}")
    return 1 if is_more else 0


@click.command()
@click.option("--connections", default=9_000, show_default=True)
def main(connections: int) -> None:
    """Measure idle connections; the exit status is 1 if those with calls take over 1 kB more each."""
    sys.exit(uvloop.run(run(connections)))


if __name__ == "__main__":
    main()
