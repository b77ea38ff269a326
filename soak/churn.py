"""100,000 connections come and go; descriptors and memory must return to the baseline (reliability, line 51)."""

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

from soak.run import compare_usage  # noqa: E402 - the path comes first
from soak.visitors import Visitor  # noqa: E402


async def churn(port: int, connections: int, at_once: int, seen: Counter[str]) -> None:
    """Connect and leave: in turn with a Close frame, without one, and right after sending the handshake."""
    left = iter(range(connections))

    async def visit() -> None:
        for number in left:
            visitor = Visitor(port, seen)
            await visitor.open("/echo")
            if number % 3 == 0:
                await visitor.leave()
            elif number % 3 == 1:
                visitor.say()
                await visitor.hear(1)
                visitor.vanish()
            else:
                visitor.vanish()

    await asyncio.gather(*(visit() for _ in range(at_once)))
    await asyncio.sleep(2)


async def run(connections: int, at_once: int) -> int:
    """Run the test, and return the exit status."""
    return await compare_usage(
        lambda port, seen: churn(port, connections // 10, at_once, seen),
        lambda port, seen: churn(port, connections, at_once, seen),
    )


@click.command()
@click.option("--connections", default=100_000, show_default=True)
@click.option("--at-once", default=50, show_default=True)
def main(connections: int, at_once: int) -> None:
    """Let connections come and go; the exit status is 1 if anything was kept."""
    sys.exit(uvloop.run(run(connections, at_once)))


if __name__ == "__main__":
    main()
