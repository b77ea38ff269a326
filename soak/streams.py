"""100,000 streams are cancelled by their callers or end with them; memory and streams must return to the baseline."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import click
import uvloop
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from soak.run import compare_usage, usage  # noqa: E402 - the path comes first

# The number of streams that a connection starts together.
AT_ONCE = 20


async def cancel_streams(port: int, streams: int, connections: int, seen: Counter[str]) -> None:
    """Start streams and cancel them; every tenth connection leaves without cancelling."""
    rounds = iter(range(streams // AT_ONCE))

    async def visit() -> None:
        for number in rounds:
            async with connect(f"ws://127.0.0.1:{port}/calls", compression=None) as client:
                for id_ in range(AT_ONCE):
                    await client.send(json.dumps({"jsonrpc": "2.0", "id": id_, "method": "tick"}))
                seen["streams"] += AT_ONCE
                if number % 10 == 0:
                    await client.recv()
                    continue
                for id_ in range(AT_ONCE):
                    message = {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": id_}}
                    await client.send(json.dumps(message))
                waiting = set(range(AT_ONCE))
                while waiting:
                    message = json.loads(await client.recv())
                    if "method" in message:
                        seen["received"] += 1
                    elif message["error"]["code"] == -32800:
                        waiting.discard(message["id"])
                        seen["cancelled"] += 1
                    else:
                        seen[f"fault: {message}"] += 1

    await asyncio.gather(*(visit() for _ in range(connections)))
    # Streams whose callers left without cancelling are cancelled after `disconnect_grace`.
    while (await usage(port))["streams"]:  # noqa: ASYNC110 - the server is another process
        await asyncio.sleep(0.2)


async def run(streams: int, connections: int) -> int:
    """Run the test, and return the exit status."""
    return await compare_usage(
        lambda port, seen: cancel_streams(port, streams // 10, connections, seen),
        lambda port, seen: cancel_streams(port, streams, connections, seen),
    )


@click.command()
@click.option("--streams", default=100_000, show_default=True)
@click.option("--connections", default=20, show_default=True)
def main(streams: int, connections: int) -> None:
    """Cancel streams; the exit status is 1 if anything was kept."""
    sys.exit(uvloop.run(run(streams, connections)))


if __name__ == "__main__":
    main()
