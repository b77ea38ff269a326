"""Run the default server for a long time with all kinds of peers, and check what it has lost or kept.

There are 2,000 connections by default: most send at a steady rate, some come and go, some vanish, some do not read, and
some leave messages that no handler reads. No message of a live connection may be lost, duplicated or changed; in the
end, memory and descriptors must return to the baseline. `make soak` runs it; docs/reliability.md has the figures of the
last long run.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import click
import uvloop

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from soak.visitors import churning, ghostly, slow, steady  # noqa: E402 - the path comes first

TOLERANCE = 0.05

Visits = Callable[[int, Counter[str]], Awaitable[None]]


@click.command()
@click.option("--connections", default=2000, show_default=True, type=click.IntRange(10, 9000))
@click.option("--seconds", default=600.0, show_default=True, type=click.FloatRange(5))
@click.option("--interval", default=2.0, show_default=True, help="Seconds between two messages of a connection.")
def main(connections: int, seconds: float, interval: float) -> None:
    """Run the soak; the exit status is 1 if anything was lost or kept."""
    sys.exit(uvloop.run(soak(connections, seconds, interval)))


async def soak(connections: int, seconds: float, interval: float) -> int:
    """Run the soak, and return the exit status."""
    return await compare_usage(
        lambda port, seen: crowd(port, connections, min(20.0, seconds / 4), interval, seen),
        lambda port, seen: crowd(port, connections, seconds, interval, seen),
    )


async def compare_usage(warm_up: Visits, visits: Visits) -> int:
    """Start the server, compare its resources before and after visits, and return the exit status.

    Arguments:
        warm_up: fewer visits of the same kind, since what Python and the allocator keep at first is not a leak.
        visits: called with the port and a shared counter.
    """
    log: list[str] = []
    server, port = await start_server(log)
    following = asyncio.create_task(follow(server, log))
    try:
        await warm_up(port, Counter())
        before = await usage(port)
        seen: Counter[str] = Counter()
        started = time.monotonic()
        await visits(port, seen)
        lasted = time.monotonic() - started
        after = await usage(port)
    finally:
        server.terminate()
        status = await server.wait()
        await following
    return report(seen, lasted, before, after, status, log)


async def crowd(port: int, connections: int, seconds: float, interval: float, seen: Counter[str]) -> None:
    """Start the visitors, and wait until all of them have left."""
    end = asyncio.get_running_loop().time() + seconds
    kinds = [steady] * 82 + [churning] * 14 + [slow] * 2 + [ghostly] * 2
    visits = [kinds[number % 100](port, seen, end, interval) for number in range(connections)]
    await asyncio.gather(*(_guarded(visit, seen) for visit in visits))
    # The last visitors that did not read, or were not read, are dropped after their deadlines.
    await asyncio.sleep(12)


async def _guarded(visit: Coroutine[Any, Any, None], seen: Counter[str]) -> None:
    try:
        await visit
    except (OSError, EOFError, TimeoutError) as error:
        seen[f"fault: {type(error).__name__}: {error}"] += 1


async def usage(port: int) -> dict[str, int]:
    """Ask the server for its memory and descriptors."""
    url = f"http://127.0.0.1:{port}/usage"
    answer = await asyncio.to_thread(lambda: urllib.request.urlopen(url, timeout=10).read())
    figures: dict[str, int] = json.loads(answer)
    return figures


async def start_server(log: list[str]) -> tuple[asyncio.subprocess.Process, int]:
    """Start the server of the soak in a separate process, and return the process and its port."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "emmett", "-a", str(ROOT / "soak" / "server.py"), "serve", "--port", "0"),
        "--no-access-log",
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stderr is not None
    async with asyncio.timeout(30):
        while line := (await server.stderr.readline()).decode():
            log.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                return server, int(found[1])
    raise SystemExit("the server did not start:\n" + "".join(log))


async def follow(server: asyncio.subprocess.Process, log: list[str]) -> None:
    """Read the log of the server to its end, and collect the lines that report errors."""
    assert server.stderr is not None
    while line := (await server.stderr.readline()).decode():
        if "Traceback" in line or "ERROR" in line:
            log.append(line)


def report(
    seen: Counter[str], lasted: float, before: dict[str, int], after: dict[str, int], status: int, log: list[str]
) -> int:
    """Print the results, and return the exit status."""
    click.echo(f"{lasted:.0f} s, {seen['received'] / lasted:,.0f} messages of 1 KiB a second")
    for name in sorted(seen):
        click.echo(f"  {name}: {seen[name]:,}")
    faults = [name for name in seen if name.startswith("fault")]
    for figure, allowed in (
        ("memory", before["memory"] * TOLERANCE),
        ("descriptors", 0),
        ("ghosts", 0),
        ("streams", 0),
    ):
        click.echo(f"  {figure}: {before[figure]:,} before, {after[figure]:,} after")
        if after[figure] - before[figure] > allowed:
            faults.append(f"{figure} not back at the baseline")
    errors = [line for line in log if "Traceback" in line or "ERROR" in line]
    if errors:
        faults.append(f"{len(errors)} lines of errors in the log, the first: {errors[0].strip()}")
    if status != 0:
        faults.append(f"the server ended with status {status}")
    click.echo("\n".join(["FAILED", *faults]) if faults else "passed")
    return 1 if faults else 0


if __name__ == "__main__":
    main()
