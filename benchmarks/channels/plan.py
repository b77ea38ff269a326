"""What the runner asks of the load on channels and what it gets back; both cross a process boundary as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """What the generator is to do.

    Attributes:
        ports: of the servers, on 127.0.0.1; the connections are spread over them.
        room: the channel.
        subscribers: connections that get what is published, in all.
        publishers: how many of them publish.
        in_flight: publications that each of them has under way, where there is no pace.
        pace: publications a second, of all publishers together; 0 for as many as come back.
        size: bytes of a publication.
        warm_up, seconds: how long before the measurement, and of it.
        servers: process ids of the servers.
        broker: process id of the broker; None where there is none.
        slow: whether one more subscriber reads nothing.
    """

    ports: tuple[int, ...]
    room: str
    subscribers: int
    servers: tuple[int, ...]
    publishers: int = 16
    in_flight: int = 16
    pace: float = 0.0
    size: int = 64
    warm_up: float = 0.5
    seconds: float = 2.0
    broker: int | None = None
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Delays:
    """From the moment that a publication is sent to the moment that a subscriber has it, in seconds.

    Attributes:
        count: how many deliveries.
        p50, p99, most: half of them, 99 of 100, and all of them took no longer.
    """

    count: int
    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, seconds: list[float]) -> Self | None:
        """Return those of some deliveries; None where there are none."""
        if not seconds:
            return None
        ordered = sorted(seconds)
        return cls(len(ordered), percentile(ordered, 0.5), percentile(ordered, 0.99), ordered[-1])


@dataclass(frozen=True, slots=True)
class ChannelResult:
    """What was measured; every delivery was checked.

    Attributes:
        deliveries: within the measured time, of all subscribers.
        seconds: the measured time.
        server_cpu, broker_cpu, generator_cpu: CPU seconds within it; None for no broker.
        processes: how many processes the subscribers were on.
        delays: by "all", "near" (publisher and subscriber on the same process) and "far".
        memory: bytes (PSS) of the servers before anybody came ("empty"), when all were there ("full"), the most in the
            measured time ("peak"), and at its end ("end"); "kernel_empty" and "kernel_full" are what the kernel kept
            for all processes of the machine.
        stats: the counters of the channels at the end, of the first server.
    """

    deliveries: int
    seconds: float
    server_cpu: float
    broker_cpu: float | None
    generator_cpu: float
    processes: int
    delays: dict[str, Delays] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    stats: dict[str, int] = field(default_factory=dict)


def percentile(ordered: list[float], share: float) -> float:
    """Return the smallest of the values, in their order, that this share of them does not exceed (nearest rank)."""
    rank = -(-len(ordered) * share // 1)
    return ordered[max(int(rank), 1) - 1]
