"""What the runner asks of the load generator and what it gets back; both cross a process boundary as JSON."""

from __future__ import annotations

from dataclasses import dataclass


class LoadFailed(Exception):
    """The server did not answer as it should; the message says how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadPlan:
    """What the generator is to do.

    Attributes:
        kind: name of the load, a key of `loads.generator.LOADS`.
        host: address of the server.
        port: port of the server.
        path: path of the websockets, or of the requests.
        raw: the server speaks no protocol, bytes come back as they are sent.
        secure: connect through TLS.
        connections: how many to open.
        in_flight: messages that a connection sends in one piece.
        size: payload of a message in bytes.
        payload: what messages hold, `text` or `json`.
        dialect: how the server has its calls, a key of `loads.json_messages.DIALECTS`; empty for plain messages.
        warm_up: seconds of load before the measurement.
        seconds: how long to measure.
        server_pid: process whose CPU time is read, with that of its descendants.
    """

    kind: str
    host: str
    port: int
    path: str
    raw: bool
    warm_up: float
    seconds: float
    server_pid: int
    secure: bool = False
    connections: int = 64
    in_flight: int = 1
    size: int = 64
    payload: str = "text"
    dialect: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One measurement.

    Attributes:
        value: the figure, in the scenario's unit before scaling: a number a second, bytes or seconds.
        count: how many of what is counted there were within the measured time.
        seconds: the measured time.
        server_cpu: CPU seconds of the server's process tree within it; None where they are unknown.
        generator_cpu: CPU seconds of the load generator within it; None where there was none.
        checked_bytes: bytes that came back, warm-up included, each of them compared with what should come.
    """

    value: float
    count: int
    seconds: float
    server_cpu: float | None
    generator_cpu: float | None
    checked_bytes: int
