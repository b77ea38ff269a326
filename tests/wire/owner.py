"""The owner of a reader and an inbox in tests."""

from __future__ import annotations


class Owner:
    """Records what a reader and an inbox report.

    Attributes:
        controls: opcode and payload of each control frame.
        growths: how often the reader has grown by its step.
        refills: how often the inbox asked for more.
        unclaimed: how many reads no task waited for.
    """

    def __init__(self) -> None:
        self.controls: list[tuple[int, bytes]] = []
        self.growths = self.refills = self.unclaimed = 0

    def on_control(self, opcode: int, payload: bytes) -> None:
        self.controls.append((opcode, bytes(payload)))

    def on_growth(self) -> None:
        self.growths += 1

    def refill(self) -> None:
        self.refills += 1

    def on_unclaimed(self) -> None:
        self.unclaimed += 1
