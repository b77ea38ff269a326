"""What is measured: the scenarios, by the names that the command line takes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EchoScenario:
    """Connections that send text messages and wait until all of them have come back.

    Attributes:
        name: what the command line and the JSON call it.
        title: what the table calls it.
        connections: how many are open at once.
        in_flight: messages that a connection writes in one piece; the next ones follow when all have been answered.
        size: payload of a message in bytes.
    """

    name: str
    title: str
    connections: int
    in_flight: int
    size: int


ECHO_SCENARIOS = (
    EchoScenario("echo-64", "Echo of 64 bytes: 64 connections, one message in flight each", 64, 1, 64),
    EchoScenario("echo-64-batch", "Echo of 64 bytes: 16 connections, 32 messages in flight each", 16, 32, 64),
)

SCENARIOS = {scenario.name: scenario for scenario in ECHO_SCENARIOS}
