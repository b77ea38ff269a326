"""How bad connections affect well-behaved ones: p99 of an echo next to floods, a slow reader and slow handshakes.

It is measured alternately with and without the bad connections, and reported as ratios, because machines are noisy. A
busy processor of a virtual machine may stop for milliseconds many times a second, which does not affect a server that
sleeps most of the time. There are therefore two baselines: an idle server, and one that a handler keeps busy, in turns
as short as those of a flood.

The server and the bad connections run in separate processes. In reality, peers also run on separate machines: so the
server gets its own core, and the bad peers run with a lower priority than the measured ones.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import uvloop

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from soak.floods import FLOODS, Flood  # noqa: E402 - the path comes first
from soak.run import follow, start_server  # noqa: E402 - the path comes first
from soak.visitors import REQUEST, Visitor  # noqa: E402


async def measure(port: int, connections: int, seconds: float, interval: float) -> float:
    """Return the p99 of the round trip of well-behaved connections, in milliseconds."""
    times: list[float] = []
    end = asyncio.get_running_loop().time() + seconds

    async def visit() -> None:
        visitor = Visitor(port, Counter())
        await visitor.open("/echo")
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(random.uniform(0.5, 1.5) * interval)
            began = time.perf_counter()
            visitor.say()
            await visitor.hear(visitor.sent)
            times.append(time.perf_counter() - began)
        await visitor.leave()

    await asyncio.gather(*(visit() for _ in range(connections)))
    return statistics.quantiles(times, n=100)[98] * 1000


def split_cores() -> tuple[set[int], set[int]]:
    """Return the cores for the server and for its peers; both are empty if cores cannot be selected."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return (set(cores[:1]), set(cores[1:])) if len(cores) > 1 else (set(), set())


def misbehave(kind: str, port: int) -> None:
    """Act as a bad peer until the process is killed."""
    # The lowest priority: with similar ones, the scheduler lets a busy process finish slices of several milliseconds,
    # which would count as time of the server.
    os.nice(39)
    uvloop.run(_run(PEERS[kind], port))


async def _run(peer: Flood, port: int) -> None:
    await peer(port)


async def _let_compute(port: int) -> None:
    """Send a single message, after which the handler keeps the server busy: the baseline without a bad peer."""
    visitor = Visitor(port, Counter())
    await visitor.open("/compute")
    await asyncio.Event().wait()


async def _read_slowly(port: int) -> None:
    while True:
        visitor = Visitor(port, Counter())
        await visitor.open("/flood", receive_buffer=4096)
        with contextlib.suppress(OSError, EOFError):
            while True:
                await visitor.reader.readexactly(1)
                await asyncio.sleep(1)


async def _shake_hands_slowly(port: int) -> None:
    request = REQUEST.format(path="/echo", fields="").encode()

    async def dawdle() -> None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            for byte in request:
                writer.write(bytes((byte,)))
                await asyncio.sleep(1)

    tasks: set[asyncio.Task[None]] = set()
    while True:
        for _ in range(50):
            tasks.add(task := asyncio.create_task(dawdle()))
            task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.1)


async def _ask(port: int) -> None:
    """Send requests at a steady rate over ten connections: a neighbour that is not bad."""
    request = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n"

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        due = asyncio.get_running_loop().time() + random.random() / 50
        while True:
            await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
            due += 1 / 50
            writer.write(request)
            await reader.readuntil(b"hello")

    await asyncio.gather(*(ask() for _ in range(10)))


BAD: dict[str, Flood] = {
    **FLOODS,
    "one byte a second": _read_slowly,
    "500 slow handshakes a second": _shake_hands_slowly,
    "500 requests a second": _ask,
}
BUSY = "a handler that computes"
PEERS: dict[str, Flood] = {BUSY: _let_compute, **BAD}


async def compare(kinds: Sequence[str], connections: int, seconds: float, rounds: int, interval: float) -> None:
    """Measure alternately, and print medians and ratios."""
    log: list[str] = []
    own, others = split_cores()
    server, port = await start_server(log)
    if own:
        os.sched_setaffinity(server.pid, own)
        os.sched_setaffinity(0, others)
    following = asyncio.create_task(follow(server, log))
    figures: dict[str, list[float]] = {"alone": [], **{kind: [] for kind in kinds}}
    try:
        for _ in range(rounds):
            figures["alone"].append(await measure(port, connections, seconds, interval))
            for kind in kinds:
                bad = multiprocessing.get_context("spawn").Process(target=misbehave, args=(kind, port), daemon=True)
                bad.start()
                await asyncio.sleep(3)
                figures[kind].append(await measure(port, connections, seconds, interval))
                bad.kill()
                bad.join()
                await asyncio.sleep(1)
    finally:
        server.terminate()
        await server.wait()
        await following
    report(figures)


def report(figures: dict[str, list[float]]) -> None:
    """Print the median of each kind, and its ratios to those of an idle and of a busy server."""
    medians = {kind: statistics.median(values) for kind, values in figures.items()}
    for kind, p99 in medians.items():
        ratios = f"{p99 / medians['alone']:5.2f} times idle, {p99 / medians[BUSY]:5.2f} times busy"
        click.echo(f"{kind:30} p99 {p99:8.2f} ms   {ratios}   ({', '.join(f'{value:.2f}' for value in figures[kind])})")


@click.command()
@click.option("--connections", default=200, show_default=True)
@click.option("--seconds", default=5.0, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--interval", default=0.2, show_default=True, help="Seconds between two messages of a connection.")
@click.argument("kinds", nargs=-1, type=click.Choice(list(BAD)))
def main(kinds: tuple[str, ...], connections: int, seconds: float, rounds: int, interval: float) -> None:
    """Compare the p99 of well-behaved connections alone and next to bad ones: of all KINDS, or the given ones."""
    uvloop.run(compare((BUSY, *(kinds or BAD)), connections, seconds, rounds, interval))


if __name__ == "__main__":
    main()
