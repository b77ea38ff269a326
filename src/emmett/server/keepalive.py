"""Pings of one connection: when one is due, which were answered, whether the peer is dead (RFC 6455, 5.5.2)."""

from __future__ import annotations

import asyncio
import time

from ..websockets.outbox import Outbox
from ..wire.encoding import encode_control
from ..wire.frames import OP_PING


class Keepalive:
    """The Pings that this side has sent.

    Anything that the peer sends shows that it is alive, also when it is busy with a long frame and its Pongs come late.

    Arguments:
        interval: seconds between two Pings; None sends none but those that the application asks for.
        timeout: seconds in which the peer must send something after a Ping; None waits for ever.
        now: the loop's time in seconds.
    """

    __slots__ = ("_asked", "_counter", "_interval", "_last", "_timeout", "_waiting_since")

    def __init__(self, interval: float | None, timeout: float | None, now: float) -> None:
        self._interval = interval
        self._timeout = timeout
        # When the last Ping was sent, or the connection began.
        self._last = now
        # When a Ping was sent that nothing has followed yet.
        self._waiting_since: float | None = None
        # Pings of the application: payload, when it was sent, who waits for the answer.
        self._asked: dict[bytes, tuple[float, asyncio.Future[float | None]]] | None = None
        self._counter = 0

    def is_due(self, now: float) -> bool:
        """Whether it is time for a Ping."""
        return self._interval is not None and now - self._last >= self._interval

    def is_dead(self, now: float) -> bool:
        """Whether the peer has sent nothing for too long after a Ping."""
        if self._waiting_since is None or self._timeout is None:
            return False
        return now - self._waiting_since >= self._timeout

    def hear(self) -> None:
        """Note that something has come since the last look: the peer is alive."""
        self._waiting_since = None

    def sent(self, now: float) -> bytes:
        """Note that a Ping is sent; returns its payload."""
        self._last = now
        if self._waiting_since is None:
            self._waiting_since = now
        return b""

    async def ping(self, loop: asyncio.AbstractEventLoop, outbox: Outbox) -> float:
        """Send a Ping for the application and wait for its answer; returns the round trip in seconds.

        Raises:
            WebsocketClosed: the connection ended before the answer.
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
            Its payload, and a future for the round trip in seconds; None when the connection ends before the answer.
        """
        self._counter += 1
        payload = self._counter.to_bytes(8, "big")
        answer: asyncio.Future[float | None] = loop.create_future()
        if self._asked is None:
            self._asked = {}
        # Not the loop's time, which stands still within one turn and counts milliseconds.
        self._asked[payload] = (time.perf_counter(), answer)
        return payload, answer

    def answered(self, payload: bytes) -> None:
        """A Pong has come. It answers the Pings before it too, which the peer may have skipped (5.5.3)."""
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
        """The connection has ended: no more answers will come."""
        for _, answer in (self._asked or {}).values():
            if not answer.done():
                answer.set_result(None)
        self._asked = None
