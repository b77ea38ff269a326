"""How a recovery of many clients affects live subscribers: p99 of a publication, without and during the recovery.

A node in a separate process has one live subscriber and the returning clients. Another process publishes. The clients
are sinks in memory that accept everything, so that the node and its broker are measured, not the load generator. Each
client returns to one of the channels with its own position, and must get every message after it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import click
import uvloop

ROOT = Path(__file__).resolve().parent.parent
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

from emmett.channels import Channels, Position  # noqa: E402 - the path comes first
from emmett.channels.sink import Batch  # noqa: E402
from tests.nats import running_nats  # noqa: E402
from tests.valkey import running_valkey  # noqa: E402

LIVE = "live:news"


class Load(NamedTuple):
    """The parameters of a measurement.

    Fields:
        clients: the number of clients that return at once.
        channels: the number of channels over which they are spread.
        messages: the number of messages in the history of each channel.
        size: bytes of each message.
        interval: seconds between two live publications.
        seconds: how long live publications are measured without the recovery.
    """

    clients: int
    channels: int
    messages: int
    size: int
    interval: float
    seconds: float


class Client:
    """A socket that is always ready."""

    def __init__(self) -> None:
        self.received = 0
        self.closed: int | None = None

    async def accept(self) -> None:
        """Be ready at once."""

    def deliver(self, batch: Batch) -> bool:
        """Take everything."""
        self.received += len(batch.messages)
        return True

    def when_ready(self, callback: Callable[[], None], waiting: Callable[[], int] | None = None) -> None:
        """Call back at once."""
        asyncio.get_running_loop().call_soon(callback)

    async def close(self, code: int, reason: str) -> None:
        """Note the close code."""
        self.closed = code


def make_channels(url: str) -> Channels:
    """Return the channels, declared in the same way in both processes."""
    channels = Channels(None, url)
    channels.namespace("room", history=1000, history_ttl=3600)
    channels.namespace("live")
    return channels


def p99(times: list[float]) -> float:
    """Return the 99th percentile of seconds, in milliseconds."""
    return statistics.quantiles(times, n=100)[98] * 1000


async def serve(url: str, load: Load, pipe: Connection) -> None:
    """Run the node: measure without, then during the recovery."""
    times: list[float] = []
    channels = make_channels(url)

    async def listen() -> None:
        async with channels.subscribe(LIVE) as feed:
            async for publication in feed:
                times.append(time.monotonic() - float(publication.data))

    async def come_back(number: int, epochs: list[Position]) -> tuple[Client, int, bool | None]:
        name, client, offset = number % load.channels, Client(), number // load.channels
        since = Position(epochs[name].epoch, offset)
        async with channels.subscribe(f"room:{name}", since=since, deliver=client) as subscription:
            return client, load.messages - offset, subscription.recovered

    async with channels:
        listening = asyncio.create_task(listen())
        tops = [(await channels.history(f"room:{number}", limit=0)).top for number in range(load.channels)]
        pipe.send("ready")
        await asyncio.sleep(1)
        times.clear()
        await asyncio.sleep(load.seconds)
        alone, times[:] = list(times), []
        began = time.monotonic()
        jobs = (come_back(number, tops) for number in range(load.clients))
        found = await asyncio.gather(*jobs, return_exceptions=True)
        await asyncio.sleep(0.1)
        seconds = time.monotonic() - began
        complete = sum(not isinstance(each, BaseException) and each[0].received == each[1] for each in found)
        errors = {repr(each) for each in found if isinstance(each, BaseException)}
        listening.cancel()
        pipe.send((alone, list(times), seconds, complete, errors, channels.stats().gaps))


def run_node(url: str, load: Load, pipe: Connection) -> None:
    """Run the process of the node."""
    uvloop.run(serve(url, load, pipe))


async def publish_live(url: str, load: Load, pipe: Connection) -> Any:
    """Publish the time until the node has sent its figures."""
    async with make_channels(url) as channels:
        while not pipe.poll():
            await channels.publish(LIVE, repr(time.monotonic()))
            await asyncio.sleep(load.interval)
    return pipe.recv()


async def fill(url: str, load: Load) -> None:
    """Fill the histories."""
    async with make_channels(url) as channels:
        for number in range(load.channels):
            for begin in range(0, load.messages, 50):
                count = min(50, load.messages - begin)
                await asyncio.gather(*(channels.publish(f"room:{number}", "x" * load.size) for _ in range(count)))


def measure(url: str, load: Load) -> float:
    """Measure once, print the figures, and return the ratio of the two p99."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    node = context.Process(target=run_node, args=(url, load, theirs), daemon=True)
    node.start()
    try:
        assert ours.recv() == "ready"
        alone, beside, seconds, complete, errors, gaps = uvloop.run(publish_live(url, load, ours))
    finally:
        node.join(5)
        node.kill()
    print(
        f"alone p50 {statistics.median(alone) * 1000:.2f} p99 {p99(alone):.2f} ms; beside p50 "
        f"{statistics.median(beside) * 1000:.2f} p99 {p99(beside):.2f} max {max(beside) * 1000:.2f} ms "
        f"({len(beside)} publications); {complete} of {load.clients} recovered in {seconds:.1f} s; gaps {gaps}; "
        f"errors {sorted(errors)[:2]}"
    )
    return p99(beside) / p99(alone)


@click.command(help=__doc__)
@click.option("--broker", default="nats", help="nats or valkey, which are started; or the URL of a broker.")
@click.option("--clients", default=200, show_default=True)
@click.option("--channels", default=40, show_default=True)
@click.option("--messages", default=900, show_default=True)
@click.option("--size", default=4600, show_default=True)
@click.option("--rounds", default=3, show_default=True)
@click.option("--seconds", default=5.0, show_default=True)
def main(broker: str, clients: int, channels: int, messages: int, size: int, rounds: int, seconds: float) -> None:
    """Start a broker, fill it, and measure a number of rounds."""
    load = Load(clients, channels, messages, size, 0.005, seconds)
    server: AbstractContextManager[Any] = nullcontext()
    if broker in ("nats", "valkey"):
        server = running_nats() if broker == "nats" else running_valkey()
    with server as started:
        url = broker if started is None else started.url
        uvloop.run(fill(url, load))
        ratios = [measure(url, load) for _ in range(rounds)]
    ratio = statistics.median(ratios)
    print(f"p99 beside the recovery: {ratio:.2f} times that without it (median of {rounds})")
    if ratio > 3:
        sys.exit(1)


if __name__ == "__main__":
    main()
