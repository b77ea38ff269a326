"""Many subscribers in one process, of both kinds; they use none of the project's code."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from typing import Any

from benchmarks.frames import client_frame, masking_key, split_frames
from benchmarks.handshake import END_OF_HEAD, HandshakeRefused
from benchmarks.loads.connecting import connect, head_collector, shake_hands
from benchmarks.plan import LoadFailed
from benchmarks.server_process import HOST

CLOSE, PING, PONG = 0x88, 0x89, 0x8A
_keys = itertools.count(1)


def frame(text: str, first_byte: int = 0x81) -> bytes:
    """Return a frame of a client."""
    return client_frame(text.encode(), masking_key(next(_keys)), first_byte)


class Peer(asyncio.Protocol):
    """One subscriber; the messages that it sends first are in one frame.

    Attributes:
        ready: set with the first message that is not a publication.
        ended: how the connection ended; None while it is open.
        numbers, delays: the numbers that it got, and the nanoseconds that each took.
    """

    def __init__(self, port: int, path: str, first: str = "") -> None:
        self._port, self._path, self._first = port, path, first
        self._left = b""
        self._transport: asyncio.Transport
        self.ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.ended: str | None = None
        self.numbers: list[int] = []
        self.delays: list[int] = []

    async def connect(self) -> None:
        """Connect, and wait until it is subscribed."""
        head = head_collector()
        self._transport = transport = await connect(HOST, self._port, head)
        try:
            await shake_hands(transport, head, (HOST, self._port, self._path), None, greets=True)
        except HandshakeRefused as error:
            raise LoadFailed(f"{self._path} ended: {error}") from error
        transport.set_protocol(self)
        if self._first:
            transport.write(frame(self._first))
        # A message may have come with the answer.
        self.data_received(head.data.partition(END_OF_HEAD)[2])
        _ = await self.ready

    def abort(self) -> None:
        """End the connection without a goodbye, as a network does that breaks."""
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = self.ended or str(exc)
        if not self.ready.done():
            self.ready.set_exception(LoadFailed(f"{self._path} ended: {self.ended}"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        frames, self._left = split_frames(self._left + data)
        for first_byte, payload in frames:
            if first_byte == CLOSE:
                self.ended = f"{int.from_bytes(payload[:2])} {payload[2:].decode()}"
                self._transport.close()
            elif first_byte == PING:
                self._transport.write(client_frame(payload, masking_key(next(_keys)), PONG))
            else:
                self.take(payload, now)

    def take(self, payload: bytes, now: int) -> None:
        """Take a message."""
        if payload.startswith(b'{"number":'):
            self.note(json.loads(payload), now)
        elif not self.ready.done():
            self.ready.set_result(payload.decode())

    def note(self, data: dict[str, Any], now: int) -> None:
        """Note a publication."""
        self.numbers.append(data["number"])
        self.delays.append(now - data["at"])


class SDKPeer(Peer):
    """One connection of an SDK: it connects and subscribes in one frame, as the JavaScript one does when it comes back.

    Attributes:
        epoch, offset: how far it has everything.
        recovered: whether it has been recovered; None if it has not asked for that.
    """

    epoch: str
    offset: int

    def __init__(self, port: int, since: SDKPeer | None = None) -> None:
        subscribe: dict[str, Any] = {"channel": "room:sdk"}
        if since is not None:
            subscribe |= {"recover": True, "epoch": since.epoch, "offset": since.offset}
        commands = ({"id": 1, "connect": {"name": "js"}}, {"id": 2, "subscribe": subscribe})
        super().__init__(port, "/connection/websocket", "\n".join(map(json.dumps, commands)))
        self.epoch = ""
        self.offset = 0
        self.recovered: bool | None = None
        if since is not None:
            self.numbers = since.numbers

    def take(self, payload: bytes, now: int) -> None:
        for line in payload.split(b"\n"):
            if line == b"{}":
                self._transport.write(frame("{}"))
                continue
            found = json.loads(line)
            if "push" in found:
                self._note(found["push"]["pub"], now)
            elif found.get("id") == 2:
                self._subscribed(found, now)

    def _subscribed(self, found: dict[str, Any], now: int) -> None:
        if "subscribe" not in found:
            self.ready.set_exception(LoadFailed(f"not subscribed: {found}"))
            return
        result = found["subscribe"]
        self.epoch, self.offset = result["epoch"], result.get("offset", 0)
        self.recovered = result.get("recovered")
        for publication in result.get("publications", ()):
            self._note(publication, now)
        self.ready.set_result("subscribed")

    def _note(self, publication: dict[str, Any], now: int) -> None:
        self.offset = publication["offset"]
        self.note(publication["data"], now)
