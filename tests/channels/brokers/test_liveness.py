from __future__ import annotations

from emmett.channels.brokers.liveness import TICKS, Liveness


class Watched:
    """A connection that records the calls of its `Liveness`."""

    def __init__(self) -> None:
        self.liveness = Liveness()
        self.calls: list[str] = []

    def tick(self, count: int) -> list[str]:
        for _ in range(count):
            self.liveness.tick(lambda: self.calls.append("ask"), self.calls.append)
        return self.calls


def test_a_silent_server_is_pinged_after_one_timeout_and_dropped_after_two() -> None:
    watched = Watched()
    assert watched.tick(TICKS - 1) == []
    assert watched.tick(1) == ["ask"]
    assert watched.tick(TICKS - 1) == ["ask"]
    assert watched.tick(1) == ["ask", "nothing has come for too long"]


def test_any_received_data_is_a_sign_of_life() -> None:
    watched = Watched()
    watched.tick(2 * TICKS - 1)
    watched.liveness.quiet = 0
    assert watched.tick(TICKS - 1) == ["ask"]
    assert watched.tick(1) == ["ask", "ask"]
