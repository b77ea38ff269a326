"""The capacity model of docs/scaling.md: from measured coefficients and a workload to processes, cores and memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path

# Measured on one machine with two cores, in one run (docs/scaling.md); `make bench-capacity` measures yours.
PUBLISHED = Path(__file__).with_name("coefficients.json")


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What was measured: memory in bytes, CPU time in seconds.

    Attributes:
        process_bytes: a server process without connections.
        subscriber_bytes: what a connection with a subscription adds to its process.
        kernel_bytes: what the kernel keeps for the server's end of a connection.
        delivery_seconds: to deliver a publication to one subscriber, while no other publication is near.
        publication_seconds: of a process for a publication that it takes, publishes and hears, deliveries aside; an
            upper bound for those that only hear it.
        broker_seconds: of the broker for a publication.
    """

    process_bytes: float
    subscriber_bytes: float
    kernel_bytes: float
    delivery_seconds: float
    publication_seconds: float
    broker_seconds: float

    def __post_init__(self) -> None:
        for field in fields(self):
            # By subtraction: negative where too much else was going on.
            if not getattr(self, field.name) >= 0 or self.delivery_seconds == 0:
                raise ValueError(f"{field.name} is {getattr(self, field.name)!r}: measure again on a quiet machine")


@dataclass(frozen=True, slots=True)
class Workload:
    """What is to be carried.

    Attributes:
        connections: how many are open at once, each with a subscription.
        publications: a second, in all channels together.
        subscribers: how many a publication reaches, on average.
    """

    connections: int
    publications: float
    subscribers: float

    def __post_init__(self) -> None:
        if self.subscribers > self.connections:
            raise ValueError(f"subscribers is {self.subscribers:g}: expected at most {self.connections}, all there are")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one server process may take.

    Attributes:
        connections: at most; the setting `server.max_connections`.
        memory_bytes: at most, the kernel's part included.
        cpu_share: the share of a core that it is to be busy at most, on average: what is left is for peaks.
    """

    connections: int = 10_000
    memory_bytes: float = 1e9
    cpu_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Capacity:
    """What a workload needs.

    Attributes:
        processes: how many server processes, a core each.
        limit: what asks for so many: "connections", "memory" or "cpu".
        process_bytes: memory of each of them, the kernel's part included.
        cpu_share: the share of a core that each of them is busy.
        deliveries: a second, of all processes.
        broker_in, broker_out: publications a second that the broker takes, and that it passes on to processes.
    """

    processes: int
    limit: str
    process_bytes: float
    cpu_share: float
    deliveries: float
    broker_in: float
    broker_out: float

    @property
    def total_bytes(self) -> float:
        """Memory of all processes."""
        return self.processes * self.process_bytes


def predict(figures: Coefficients, workload: Workload, bounds: Bounds | None = None) -> Capacity:
    """Return what a workload needs, connections and channels being spread evenly.

    Arguments:
        bounds: of a process; those of `Bounds` by default.

    Raises:
        ValueError: no number of processes is enough: each would be busy beyond its share with hearing alone, or a
            single connection is beyond its memory.
    """
    bounds = bounds or Bounds()
    connection = figures.subscriber_bytes + figures.kernel_bytes
    room = bounds.memory_bytes - figures.process_bytes
    if room < connection:
        raise ValueError(f"memory_bytes is {bounds.memory_bytes:g}: a process with one connection needs more")
    by = {
        "connections": math.ceil(workload.connections / bounds.connections),
        "memory": math.ceil(workload.connections * connection / room),
        "cpu": _by_cpu(figures, workload, bounds),
    }
    # At the same number the one that is named first.
    limit = max(by, key=lambda name: by[name])
    processes = by[limit]
    deliveries = workload.publications * workload.subscribers
    hearing = workload.publications * min(max(1.0, workload.subscribers), processes)
    cpu = deliveries * figures.delivery_seconds + hearing * figures.publication_seconds
    return Capacity(
        processes=processes,
        limit=limit,
        process_bytes=figures.process_bytes + workload.connections / processes * connection,
        cpu_share=cpu / processes,
        deliveries=deliveries,
        broker_in=workload.publications,
        broker_out=workload.publications * min(workload.subscribers, processes),
    )


def _by_cpu(figures: Coefficients, workload: Workload, bounds: Bounds) -> int:
    """Return the smallest number of processes none of which is busier than its share."""
    deliveries = workload.publications * workload.subscribers * figures.delivery_seconds
    publications = workload.publications * figures.publication_seconds
    # Up to as many processes as a publication has subscribers, each hears all publications.
    left = bounds.cpu_share - publications
    if left > 0:
        processes = _ceil(deliveries / left)
        if processes <= max(1.0, workload.subscribers):
            return processes
    # Beyond it only some of them hear it.
    processes = _ceil((deliveries + publications * max(1.0, workload.subscribers)) / bounds.cpu_share)
    if processes > workload.connections:
        raise ValueError(
            f"publications is {workload.publications:g} a second: a process is busy beyond its share with hearing them"
        )
    return processes


def _ceil(quotient: float) -> int:
    """Round up, at least to 1; what is above a whole number by the error of floating point is that number."""
    return max(1, math.ceil(quotient * (1 - 1e-12)))


def read_coefficients(results: Path) -> tuple[Coefficients, Path]:
    """Return the coefficients of this machine, else the published ones, and the file that they are from.

    Arguments:
        results: what `make bench-capacity` has written.

    Raises:
        ValueError: the file holds something else.
    """
    file = results if results.exists() else PUBLISHED
    try:
        return Coefficients(**json.loads(file.read_text("utf-8"))["coefficients"]), file
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} has no coefficients: run `make bench-capacity` ({error!r})") from error
