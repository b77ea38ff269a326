"""The load on channels: subscribers, publishers, and what is noted of each delivery."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

from benchmarks.channels.plan import ChannelPlan, Delays
from benchmarks.channels.stream import HELLO, Member, Stream, publication
from benchmarks.frames import client_frame, masking_key
from benchmarks.loads.connecting import connect, head_collector, shake_hands
from benchmarks.loads.load import Watch, opened
from benchmarks.plan import LoadFailed
from benchmarks.server_process import HOST

ANSWER_TIMEOUT = 30.0
DRAIN_TIMEOUT = 20.0
# Bytes that the kernel may keep for a connection that reads nothing; it doubles them.
SLOW_BUFFER = 4096
# MiB that a slow reader is sent at most until the server must have noticed.
MOST_FLOODS = 64


class ChannelLoad:
    """Opens the connections and publishes."""

    def __init__(self, plan: ChannelPlan, watch: Watch) -> None:
        self.plan = plan
        self.watch = watch
        self.members: list[Member] = []
        self.streams: dict[int, Stream] = {}  # by process what its subscribers get
        # Of each publisher.
        self._transports: list[asyncio.Transport] = []
        self._streams: list[Stream] = []
        self._published = [0] * plan.publishers
        self._free: Counter[int] = Counter()
        self._is_running = False
        self._timer: asyncio.TimerHandle | None = None
        self._next_at = 0.0
        self._turn = 0
        self._all: list[asyncio.Transport] = []

    async def open(self) -> None:
        """Subscribe all; raise `LoadFailed` if the server does not do what it should."""
        transports = await opened(self.plan.subscribers, self._open)
        for member in self.members:
            process = member.process.result()
            if process not in self.streams:
                self.streams[process] = Stream(self.plan.publishers, self._heard(process))
            member.stream = self.streams[process]
        # The connections came in groups, and members in the order in which they were answered.
        self._transports = transports[: self.plan.publishers]
        protocols = [transport.get_protocol() for transport in self._transports]
        self._streams = [protocol.stream for protocol in protocols if isinstance(protocol, Member) and protocol.stream]
        if self.plan.slow:
            await self._open_sleeper()

    def start(self) -> None:
        """Publish from now on."""
        self._is_running = True
        if self.plan.pace:
            self._next_at = asyncio.get_running_loop().time()
            self._publish_in_time()
        else:
            self._free.update(dict.fromkeys(range(self.plan.publishers), self.plan.in_flight))
            self._refill()

    def note_delays(self) -> None:
        """Note from now on when what comes."""
        for member in self.members:
            assert member.stream is not None
            member.read = member.stream.count_until(member.position)
            member.delays = []

    @property
    def deliveries(self) -> int:
        """How many publications subscribers have got, counted for each of them."""
        return sum(member.stream.count_until(member.position) for member in self.members if member.stream)

    def delays(self, start: int, end: int) -> dict[str, Delays]:
        """Return those of publications sent between two times, in nanoseconds: of all, and of near and far ones."""
        found: dict[str, list[float]] = {"near": [], "far": []}
        for member in self.members:
            stream = member.stream
            for index, came in member.delays or ():
                assert stream is not None
                sent = stream.sent[index]
                if start <= sent < end:
                    kind = "near" if self._streams[stream.origins[index]] is stream else "far"
                    found[kind].append((came - sent) / 1e9)
        found["all"] = found["near"] + found["far"]
        return {name: delays for name, seconds in found.items() if (delays := Delays.of(seconds)) is not None}

    async def finish(self) -> None:
        """Publish nothing more, and wait until everybody has everything; raise `LoadFailed` if somebody has not."""
        self._is_running = False
        if self._timer is not None:
            self._timer.cancel()
        try:
            await self.watch.run_until(self._is_complete, DRAIN_TIMEOUT, "")
        except LoadFailed as error:
            raise LoadFailed(str(error) or self._describe_missing()) from None

    def close(self) -> None:
        """Drop all connections."""
        for member in self.members:
            member.open = False
        for transport in self._all:
            transport.abort()

    def check_whole(self) -> None:
        """Raise `LoadFailed` if, some time after `finish`, something came that nobody published, or came again."""
        if self.watch.failure.done():
            self.watch.failure.result()
        if not self._is_complete():
            raise LoadFailed("after the last publication a subscriber got more")

    async def stats(self) -> dict[str, int]:
        """Return the counters of the first server."""
        found: dict[str, int] = json.loads(await self._get("/stats"))
        return found

    def _is_complete(self) -> bool:
        return all(list(stream.counts) == self._published for stream in self.streams.values()) and all(
            member.stream is not None and member.position == member.stream.length for member in self.members
        )

    def _describe_missing(self) -> str:
        late = f"{DRAIN_TIMEOUT:.0f} s after the last publication"
        for process, stream in self.streams.items():
            for publisher, (count, published) in enumerate(zip(stream.counts, self._published, strict=True)):
                if count < published:
                    return f"{late} number {count} of publisher {publisher} had not come to process {process}"
        for member in self.members:
            if member.stream is not None and member.position < member.stream.length:
                index = member.stream.count_until(member.position)
                return f"{late} {member.stream.describe(index)} had not come to one of its process's subscribers"
        return f"{late} some subscriber did not have it"

    async def _open(self, number: int) -> asyncio.Transport:
        member = Member(self.watch.failed)
        port = self.plan.ports[number % len(self.plan.ports)]
        transport = await self._shake_hands(port, f"/rooms/{quote(self.plan.room)}", None)
        self.members.append(member)
        await _greet(transport, member)
        return transport

    async def _open_sleeper(self) -> None:
        """Subscribe one that reads nothing, and send it alone so much that the server must notice."""
        flooded = f"{self.plan.room.partition(':')[0]}:flood"
        before = await self.stats()
        # The server may end its connection.
        sleeper = Member(lambda complaint: None)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (HOST, self.plan.ports[0]))
        path = f"/rooms/{quote(self.plan.room)}?also={quote(flooded)}"
        transport = await self._shake_hands(self.plan.ports[0], path, sock)
        await _greet(transport, sleeper)
        transport.pause_reading()
        for _ in range(MOST_FLOODS):
            await self._get(f"/flood/{quote(flooded)}")
            after = await self.stats()
            if any(after[name] > before[name] for name in ("dropped", "disconnected")):
                return
        raise LoadFailed(f"the server did not notice a subscriber that reads nothing of {MOST_FLOODS} MiB")

    async def _shake_hands(self, port: int, path: str, sock: socket.socket | None) -> asyncio.Transport:
        head = head_collector()
        transport = await connect(HOST, port, head, sock=sock)
        self._all.append(transport)
        await shake_hands(transport, head, (HOST, port, path), None, greets=False)
        return transport

    async def _get(self, path: str) -> bytes:
        url = f"http://{HOST}:{self.plan.ports[0]}{path}"
        answer = await asyncio.to_thread(urllib.request.urlopen, url, None, ANSWER_TIMEOUT)
        body: bytes = answer.read()
        return body

    def _heard(self, process: int) -> Callable[[int], None]:
        def heard(publisher: int) -> None:
            # The window of a publisher opens when it hears itself, that is in its own process.
            if not self.plan.pace and self._streams[publisher] is self.streams[process]:
                self._free[publisher] += 1
                if self._timer is None:
                    self._timer = asyncio.get_running_loop().call_later(0, self._refill)

        return heard

    def _refill(self) -> None:
        """Let every publisher fill its window, in one write each."""
        self._timer = None
        if self._is_running:
            free, self._free = self._free, Counter()
            for publisher, count in free.items():
                self._publish(publisher, count)

    def _publish_in_time(self) -> None:
        loop = asyncio.get_running_loop()
        while self._next_at <= loop.time():
            self._publish(self._turn, 1)
            self._turn = (self._turn + 1) % self.plan.publishers
            self._next_at += 1 / self.plan.pace
        self._timer = loop.call_at(self._next_at, self._publish_in_time)

    def _publish(self, publisher: int, count: int) -> None:
        first = self._published[publisher]
        self._published[publisher] += count
        now, size = time.perf_counter_ns(), self.plan.size
        self._transports[publisher].write(
            b"".join(
                client_frame(publication(publisher, number, now, size), masking_key(number))
                for number in range(first, first + count)
            )
        )


async def _greet(transport: asyncio.Transport, member: Member) -> None:
    """Let a member take over a connection, and wait until it is subscribed."""
    transport.set_protocol(member)
    transport.write(HELLO)
    await asyncio.wait_for(asyncio.shield(member.process), ANSWER_TIMEOUT)
