"""Pings of one connection: when one is due, which are answered, whether the peer is dead (RFC 6455, 5.5.2)."""

from __future__ import annotations

import asyncio
import time

from ..websockets.outbox import Outbox
from ..wire.encoding import encode_control
from ..wire.frames import OP_PING


class Keepalive:
    """The Pings that this side has sent.

    Any data from the peer shows that it is alive, even if it is busy with a long frame and its Pongs are late.

    Arguments:
        now: the loop's time in seconds.
    """

    __slots__ = ("_asked", "_counter", "_last", "_waiting_since")

    def __init__(self, now: float) -> None:
        # When the last Ping was sent, or when the connection began.
        self._last = now
        # When the latest Ping was sent, if nothing has arrived since.
        self._waiting_since: float | None = None
        # Pings of the application: payload, time of sending, future for the round-trip time.
        self._asked: dict[bytes, tuple[float, asyncio.Future[float | None]]] | None = None
        self._counter = 0

    def is_due(self, now: float, interval: float | None) -> bool:
        """Return whether a Ping is due.

        Arguments:
            now: the loop's time in seconds.
            interval: seconds between two Pings; None sends only those that the application requests.
        """
        return interval is not None and now - self._last >= interval

    def is_dead(self, now: float, timeout: float | None) -> bool:
        """Return whether the peer has sent nothing for too long after a Ping.

        Arguments:
            now: the loop's time in seconds.
            timeout: seconds in which the peer must send something; None waits forever.
        """
        return self._waiting_since is not None and timeout is not None and now - self._waiting_since >= timeout

    def hear(self) -> None:
        """Note that data has arrived since the last check, so the peer is alive."""
        self._waiting_since = None

    def sent(self, now: float) -> bytes:
        """Note that a Ping is sent, and return its payload."""
        self._last = now
        if self._waiting_since is None:
            self._waiting_since = now
        return b""

    async def ping(self, loop: asyncio.AbstractEventLoop, outbox: Outbox) -> float:
        """Send a Ping for the application, wait for its Pong and return the round-trip time in seconds.

        Raises:
            WebsocketClosed: the connection ended before the Pong.
        """
        if outbox.closed is not None:
            raise outbox.error()
        payload, answer = self.expect_answer(loop)
        outbox.write_ping(encode_control(OP_PING, payload))
        round_trip = await answer
        if round_trip is None:
            raise outbox.error()
        return round_trip

    def expect_answer(self, loop: asyncio.AbstractEventLoop) -> tuple[bytes, asyncio.Future[float | None]]:
        """Note that the application sends a Ping.

        Returns:
            Its payload, and a future for the round-trip time in seconds; None if the connection ends before the Pong.
        """
        self._counter += 1
        payload = self._counter.to_bytes(8, "big")
        answer: asyncio.Future[float | None] = loop.create_future()
        if self._asked is None:
            self._asked = {}
        # Not the loop's time, which does not advance within a turn and counts milliseconds.
        self._asked[payload] = (time.perf_counter(), answer)
        return payload, answer

    def answered(self, payload: bytes) -> None:
        """Process a Pong. It also answers earlier Pings, which the peer may have skipped (5.5.3)."""
        if not self._asked or payload not in self._asked:
            return
        now = time.perf_counter()
        for asked in list(self._asked):
            since, answer = self._asked.pop(asked)
            if not answer.done():
                answer.set_result(now - since)
            if asked == payload:
                return

    def stop(self) -> None:
        """Release all waiting Pings, because the connection has ended."""
        if self._asked is None:
            return
        for _, answer in self._asked.values():
            if not answer.done():
                answer.set_result(None)
        self._asked = None
