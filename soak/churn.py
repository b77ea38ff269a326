"""100,000 connections come and drop; descriptors and memory must be back at the baseline (reliability, line 51)."""

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
    """Connect and drop, in turns with a Close frame, without a word, and right after the handshake was sent."""
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
    """Run it; returns the exit status."""
    return await compare_usage(
        lambda port, seen: churn(port, connections // 10, at_once, seen),
        lambda port, seen: churn(port, connections, at_once, seen),
    )


@click.command()
@click.option("--connections", default=100_000, show_default=True)
@click.option("--at-once", default=50, show_default=True)
def main(connections: int, at_once: int) -> None:
    """Let connections come and drop; exit status 1 when anything was kept."""
    sys.exit(uvloop.run(run(connections, at_once)))


if __name__ == "__main__":
    main()
