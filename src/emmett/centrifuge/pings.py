"""The pings to all clients of an endpoint, and the clients that do not answer them."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from typing import Protocol

# Seconds between two checks; shorter if the interval or the timeout is shorter.
TICK = 1.0
# The most clients to ping in one turn of the loop.
STRETCH = 500


class PingedClient(Protocol):
    """A client that is pinged."""

    @property
    def is_over(self) -> bool:
        """Whether it has left."""

    def ping(self) -> None:
        """Send a ping."""

    def miss_pong(self) -> None:
        """Handle the absence of a pong in time."""


class Pings:
    """Schedules pings and the deadlines of their answers. It has no clock: see `look`.

    Arguments:
        interval: seconds between two pings to a client.
        timeout: seconds within which it must answer.
        uniform: returns a random number between two numbers.
    """

    def __init__(
        self, interval: float, timeout: float, uniform: Callable[[float, float], float] = random.uniform
    ) -> None:
        self.interval = interval
        self.timeout = timeout
        self.tick = min(TICK, interval / 4, timeout / 4)
        self._uniform = uniform
        # When a client is due, and whether its pong is due rather than its next ping.
        self._due: list[tuple[float, int, PingedClient, bool]] = []
        self._numbers = itertools.count()
        self._awaited: set[PingedClient] = set()

    def __len__(self) -> int:
        """Return the number of clients, including those that have left since they were last due."""
        return len(self._due)

    def add(self, client: PingedClient, now: float) -> None:
        """Ping a client from now on. Clients that come at the same time are pinged at different times."""
        self._push(now + self._uniform(self.interval / 2, self.interval), client, False)

    def pong(self, client: PingedClient) -> None:
        """Record that a client has answered."""
        self._awaited.discard(client)

    def remove(self, client: PingedClient) -> None:
        """Forget a client, whose `is_over` must be set."""
        self._awaited.discard(client)

    def look(self, now: float) -> bool:
        """Ping the clients that are due, and report those that did not answer.

        Returns:
            Whether more clients are due than one turn of the loop may ping.
        """
        for _ in range(STRETCH):
            if not self._due or self._due[0][0] > now:
                return False
            due, _, client, is_for_pong = heapq.heappop(self._due)
            if client.is_over:
                continue
            if not is_for_pong:
                self._awaited.add(client)
                self._push(now + self.timeout, client, True)
                client.ping()
            elif client in self._awaited:
                self._awaited.discard(client)
                client.miss_pong()
            else:
                self._push(max(now, due - self.timeout + self.interval), client, False)
        return True

    def _push(self, due: float, client: PingedClient, is_for_pong: bool) -> None:
        heapq.heappush(self._due, (due, next(self._numbers), client, is_for_pong))
