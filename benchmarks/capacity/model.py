"""The capacity model of docs/scaling.md: from measured coefficients and a workload to processes, cores and memory."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Coefficients:
    """What was measured.

    Attributes:
        process_bytes: memory of a server process without connections.
        subscriber_bytes: memory that a connection with a subscription adds to its process.
        kernel_bytes: memory that the kernel keeps for the server's end of a connection.
        delivery_seconds: CPU time to deliver a publication to one subscriber, while no other publication is near.
        publication_seconds: CPU time of a process for a publication that it takes, publishes and hears, deliveries
            aside; an upper bound for those that only hear it.
        broker_seconds: CPU time of the broker for a publication.
    """

    process_bytes: float
    subscriber_bytes: float
    kernel_bytes: float
    delivery_seconds: float
    publication_seconds: float
    broker_seconds: float

    def __post_init__(self) -> None:
        _check_positive(self, allow_zero=("kernel_bytes", "broker_seconds", "publication_seconds"))


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
        _check_positive(self, allow_zero=("publications", "subscribers"))
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

    def __post_init__(self) -> None:
        _check_positive(self)
        if self.cpu_share > 1:
            raise ValueError(f"cpu_share is {self.cpu_share:g}: expected a share of one core, at most 1")


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
        broker_share: the share of a core that the broker is busy.
    """

    processes: int
    limit: str
    process_bytes: float
    cpu_share: float
    deliveries: float
    broker_in: float
    broker_out: float
    broker_share: float

    @property
    def total_bytes(self) -> float:
        """Memory of all processes."""
        return self.processes * self.process_bytes


@dataclass(frozen=True, slots=True)
class Check:
    """A size for which the model is held to account.

    Attributes:
        subscribers: on one channel, in one process.
        pace: publications a second.
        predicted: what the model says, from the coefficients of other sizes.
        busy: the share of a core that the server was busy.
        memory: bytes of the server and the kernel's part.
    """

    subscribers: int
    pace: float
    predicted: Capacity
    busy: float
    memory: float


def predict(coefficients: Coefficients, workload: Workload, bounds: Bounds | None = None) -> Capacity:
    """Return what a workload needs, connections and channels being spread evenly.

    Arguments:
        bounds: of a process; those of `Bounds` by default.

    Raises:
        ValueError: no number of processes is enough: each would be busy beyond its share with hearing alone, or a
            single connection is beyond its memory.
    """
    bounds = bounds or Bounds()
    by = {
        "connections": math.ceil(workload.connections / bounds.connections),
        "memory": _by_memory(coefficients, workload, bounds),
        "cpu": _by_cpu(coefficients, workload, bounds),
    }
    # At the same number the one that is named first.
    limit = max(by, key=lambda name: by[name])
    processes = by[limit]
    hearing = min(workload.subscribers, processes)
    return Capacity(
        processes=processes,
        limit=limit,
        process_bytes=coefficients.process_bytes + workload.connections / processes * _connection_bytes(coefficients),
        cpu_share=_cpu_seconds(coefficients, workload, processes) / processes,
        deliveries=workload.publications * workload.subscribers,
        broker_in=workload.publications,
        broker_out=workload.publications * hearing,
        broker_share=workload.publications * coefficients.broker_seconds,
    )


def _connection_bytes(coefficients: Coefficients) -> float:
    return coefficients.subscriber_bytes + coefficients.kernel_bytes


def _by_memory(coefficients: Coefficients, workload: Workload, bounds: Bounds) -> int:
    room = bounds.memory_bytes - coefficients.process_bytes
    each = _connection_bytes(coefficients)
    if room < each:
        raise ValueError(f"memory_bytes is {bounds.memory_bytes:g}: a process with one connection needs more")
    return math.ceil(workload.connections * each / room)


def _by_cpu(coefficients: Coefficients, workload: Workload, bounds: Bounds) -> int:
    """Return the smallest number of processes none of which is busier than its share."""
    deliveries = workload.publications * workload.subscribers * coefficients.delivery_seconds
    publications = workload.publications * coefficients.publication_seconds
    # Up to as many processes as a publication has subscribers, each hears all publications.
    left = bounds.cpu_share - publications
    if left > 0:
        processes = _ceil(deliveries / left)
        if processes <= max(1.0, workload.subscribers):
            return processes
    # Beyond it only some of them hear it.
    spread = deliveries + publications * max(1.0, workload.subscribers)
    processes = _ceil(spread / bounds.cpu_share)
    if processes > workload.connections:
        raise ValueError(
            f"publications is {workload.publications:g} a second: a process is busy beyond its share with hearing them"
        )
    return processes


def _ceil(quotient: float) -> int:
    """Round up, at least to 1; what is above a whole number by the error of floating point is that number."""
    return max(1, math.ceil(quotient * (1 - 1e-12)))


def _cpu_seconds(coefficients: Coefficients, workload: Workload, processes: int) -> float:
    """Return the CPU seconds a second of all processes."""
    hearing = min(max(1.0, workload.subscribers), processes)
    return workload.publications * (
        workload.subscribers * coefficients.delivery_seconds + hearing * coefficients.publication_seconds
    )


def _check_positive(values: Coefficients | Workload | Bounds, allow_zero: tuple[str, ...] = ()) -> None:
    for field in fields(values):
        value = getattr(values, field.name)
        if not math.isfinite(value) or value < 0 or (value == 0 and field.name not in allow_zero):
            expected = "0 or more" if field.name in allow_zero else "more than 0"
            raise ValueError(f"{field.name} is {value!r}: expected {expected}")


# Measured on one machine with two cores, in one run (docs/scaling.md); `make bench-capacity` measures yours.
PUBLISHED = Path(__file__).with_name("coefficients.json")


def read_coefficients(results: Path) -> tuple[Coefficients, Path]:
    """Return the coefficients of this machine, else the published ones, and the file that they are from.

    Arguments:
        results: what `make bench-capacity` has written.

    Raises:
        ValueError: the file holds something else.
    """
    file = results if results.exists() else PUBLISHED
    try:
        data = json.loads(file.read_text("utf-8"))
        return Coefficients(**data["coefficients"]), file
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{file} has no coefficients: run `make bench-capacity` ({error!r})") from error


def describe(needed: Capacity) -> list[str]:
    """Return what a workload needs, line by line."""
    return [
        f"processes      {needed.processes:,}, a core each; the limit is: {needed.limit}",
        f"busy           {needed.cpu_share:.1%} of its core, each",
        f"memory         {needed.process_bytes / 1e6:,.0f} MB each, {needed.total_bytes / 1e9:,.1f} GB in all",
        f"deliveries     {needed.deliveries:,.0f} a second",
        f"broker         {needed.broker_in:,.1f} in, {needed.broker_out:,.0f} out a second",
    ]
