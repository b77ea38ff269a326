"""Plain subscribers and SDKs in one server: memory, delays and CPU time in turn, and a return of all SDKs at once."""

from __future__ import annotations

import asyncio
import math
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.channels.plan import Delays
from benchmarks.loads.load import opened
from benchmarks.machine import Placement, cpu_seconds, memory_bytes
from benchmarks.markdown import table
from benchmarks.plan import LoadFailed
from benchmarks.sdks.peers import Peer, SDKPeer
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import HOST, emmett_command, free_port, running_server
from benchmarks.stage import allow_files

APP = Path(__file__).with_name("app.py")
# Publications of a slice: few enough a second that the process could do several times as many.
PUBLICATIONS = 10
# Publications while all SDKs are away, and while they come back.
MISSED, MEANWHILE = 20, 10
PATIENCE = 90.0
KINDS = ("plain", "sdk")

Say = Callable[[str], object]


@dataclass(slots=True)
class SDKFigures:
    """What was measured of one kind of subscriber.

    Attributes:
        bytes: memory of the server for a connection.
        cpu: CPU seconds of the server for a delivery, of each slice.
        p50, p99: seconds until a publication was delivered, of each slice.
    """

    bytes: float = 0.0
    cpu: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)


@dataclass(slots=True)
class SDKReturn:
    """How all SDKs came back at once.

    Attributes:
        seconds: until the last one was there and had everything.
        ended, recovered, complete: connections that the server has ended meanwhile, that were recovered, and that have
            each publication once and in order.
    """

    seconds: float
    ended: int
    recovered: int
    complete: int


class Bench:
    """The measurements with one server.

    Arguments:
        port, pid: of the server.
        connections: of each kind.
        seconds: of a slice.
    """

    def __init__(self, port: int, pid: int, connections: int, seconds: float) -> None:
        self._port, self._pid, self._connections = port, pid, connections
        self._gap = seconds / PUBLICATIONS
        self._peers: dict[str, list[Peer]] = {kind: [] for kind in KINDS}
        self._sdks: list[SDKPeer] = []
        self._number = dict.fromkeys(KINDS, 0)
        self.figures = {kind: SDKFigures() for kind in KINDS}

    async def run(self, rounds: int, say: Say) -> SDKReturn:
        """Open all connections, measure both kinds in turn, and let all SDKs come back."""
        try:
            for kind in KINDS:
                say(f"connections: {kind}")
                await self._open(kind)
            for number in range(rounds):
                say(f"round {number + 1} of {rounds}")
                for kind in KINDS if number % 2 else reversed(KINDS):
                    await self._slice(kind)
            say("all SDKs come back")
            return await self._come_back()
        finally:
            for peer in (*self._peers["plain"], *self._sdks):
                peer.abort()

    async def _open(self, kind: str) -> None:
        before = memory_bytes(self._pid) or 0
        self._peers[kind] = await opened(self._connections, partial(self._connect, kind))
        self.figures[kind].bytes = ((memory_bytes(self._pid) or 0) - before) / self._connections

    async def _connect(self, kind: str, number: int) -> Peer:
        peer = Peer(self._port, "/plain") if kind == "plain" else SDKPeer(self._port)
        await peer.connect()
        if isinstance(peer, SDKPeer):
            self._sdks.append(peer)
        return peer

    async def _slice(self, kind: str) -> None:
        """Publish some numbers to all subscribers of a kind, and measure."""
        peers, figures = self._peers[kind], self.figures[kind]
        for peer in peers:
            peer.delays.clear()
        before = cpu_seconds(self._pid) or 0.0
        await self._publish(kind, PUBLICATIONS, self._gap)
        await _until(lambda: all(len(peer.delays) == PUBLICATIONS for peer in peers), "deliveries are missing")
        figures.cpu.append(((cpu_seconds(self._pid) or 0.0) - before) / PUBLICATIONS / len(peers))
        delays = Delays.of([delay / 1e9 for peer in peers for delay in peer.delays])
        assert delays is not None
        figures.p50.append(delays.p50)
        figures.p99.append(delays.p99)

    async def _come_back(self) -> SDKReturn:
        """End the connections of all SDKs, publish, and let all come back at once."""
        gone = self._sdks
        for peer in gone:
            peer.abort()
        await _until(self._nobody, "the server keeps connections")
        await self._publish("sdk", MISSED, 0)
        self._sdks = [SDKPeer(self._port, peer) for peer in gone]
        begun = time.monotonic()
        coming = asyncio.gather(*(peer.connect() for peer in self._sdks), return_exceptions=True)
        await self._publish("sdk", MEANWHILE, self._gap)
        failures = [each for each in await coming if each is not None]
        if failures:
            raise LoadFailed(f"{len(failures)} have not come back: {failures[0]}")
        expected = list(range(self._number["sdk"]))
        await _until(
            lambda: all(len(peer.numbers) >= len(expected) or peer.ended is not None for peer in self._sdks),
            "publications are missing",
        )
        return SDKReturn(
            time.monotonic() - begun,
            sum(peer.ended is not None for peer in self._sdks),
            sum(peer.recovered is True for peer in self._sdks),
            sum(peer.numbers == expected for peer in self._sdks),
        )

    def _nobody(self) -> bool:
        with urllib.request.urlopen(f"http://{HOST}:{self._port}/clients", timeout=PATIENCE) as answer:
            return bool(answer.read() == b'{"clients":0}')

    async def _publish(self, kind: str, times: int, gap: float) -> None:
        for _ in range(times):
            url = f"http://{HOST}:{self._port}/publish/{kind}/{self._number[kind]}"
            self._number[kind] += 1
            answer = await asyncio.to_thread(urllib.request.urlopen, url, b"", PATIENCE)
            answer.close()
            await asyncio.sleep(gap)


async def _until(condition: Callable[[], bool], failure: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise LoadFailed(failure)
        await asyncio.sleep(0.05)


def report(figures: dict[str, SDKFigures], back: SDKReturn, connections: int) -> str:
    """Return the figures as a table, and how all came back."""
    plain, sdk = figures["plain"], figures["sdk"]
    rows = [
        ["bytes of a connection", f"{plain.bytes:,.0f}", f"{sdk.bytes:,.0f}", f"{sdk.bytes / plain.bytes:.2f}"],
        ["CPU µs of a delivery", *_row(plain.cpu, sdk.cpu, 1e6)],
        ["p50 ms until a delivery", *_row(plain.p50, sdk.p50, 1e3)],
        ["p99 ms until a delivery", *_row(plain.p99, sdk.p99, 1e3)],
    ]
    text = table((f"{connections:,} of each in one process", "plain", "SDK", "ratio"), rows, left=1)
    return (
        f"{text}\n\nAll {connections:,} SDKs come back at once, each with {MISSED} publications to recover, while more "
        f"are published: {back.seconds:.1f} s until the last one has everything; {back.recovered:,} recovered, "
        f"{back.complete:,} with each publication once and in order, {back.ended} ended by the server."
    )


def _row(plain: Sequence[float], sdk: Sequence[float], factor: float) -> list[str]:
    # CPU time comes in ticks of a clock: of a few deliveries it may be none.
    ratios = [ours / theirs if theirs else math.nan for ours, theirs in zip(sdk, plain, strict=True)]
    ratio = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return [f"{median(plain) * factor:.2f}", f"{median(sdk) * factor:.2f}", ratio]


def measure(
    rounds: int, connections: int, seconds: float, placement: Placement, say: Say
) -> tuple[str, dict[str, Any]]:
    """Measure with so many connections of each kind, in slices of so many seconds.

    Returns:
        The table, and all that was measured.

    Raises:
        LoadFailed, ServerFailed: something did not arrive, or the server ended.
    """
    allow_files(2 * connections)
    options = ServerOptions(HOST, free_port(HOST), connections=2 * connections)
    command = emmett_command(APP, options)
    with running_server(command, options, cores=placement.server_cores(1), isolated=False) as server:
        bench = Bench(options.port, server.pid, connections, seconds)
        back = asyncio.run(bench.run(rounds, say))
    data = {"figures": {kind: asdict(each) for kind, each in bench.figures.items()}, "return": asdict(back)}
    return report(bench.figures, back, connections), data
