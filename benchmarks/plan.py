"""What the runner asks of the load generator and what it gets back; both cross a process boundary as JSON."""

from __future__ import annotations

from dataclasses import dataclass


class LoadFailed(Exception):
    """The server did not answer as it should; the message says how."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What the generator is to do.

    Attributes:
        host: address of the server.
        port: port of the server.
        path: path of the websocket; None for a server that sends bytes back as they come.
        connections: how many to open.
        in_flight: messages that a connection sends in one piece.
        size: payload of a message in bytes.
        warm_up: seconds of load before the measurement.
        seconds: how long to measure.
        server_pid: process whose CPU time is read, with that of its descendants.
    """

    host: str
    port: int
    path: str | None
    connections: int
    in_flight: int
    size: int
    warm_up: float
    seconds: float
    server_pid: int


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What the generator has measured.

    Attributes:
        messages: messages that came back within the measured time.
        seconds: the measured time.
        server_cpu: CPU seconds of the server and its descendants within it; None where there is no /proc.
        generator_cpu: CPU seconds of the generator within it.
        checked_bytes: bytes of all replies, warm-up included, every one compared.
    """

    messages: int
    seconds: float
    server_cpu: float | None
    generator_cpu: float
    checked_bytes: int
