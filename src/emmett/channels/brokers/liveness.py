"""Detect a server that has fallen silent."""

from __future__ import annotations

from collections.abc import Callable

# Checks of a connection per timeout.
TICKS = 5


class Liveness:
    """Counts the checks of a connection since it last received something.

    Silence is counted in checks, not in seconds: while the event loop itself is blocked, the count does not grow, and
    data that the server sent meanwhile is read before the connection is dropped.

    Attributes:
        quiet: checks since something was received. Set it to 0 whenever something is received.
    """

    __slots__ = ("quiet",)

    def __init__(self) -> None:
        self.quiet = 0

    def tick(self, ask: Callable[[], object], drop: Callable[[str], object]) -> None:
        """Check the connection; call this `TICKS` times per timeout.

        Arguments:
            ask: called after one timeout of silence, to send something that the server answers.
            drop: called after another timeout with the reason, to drop the connection.
        """
        self.quiet += 1
        if self.quiet == TICKS:
            ask()
        elif self.quiet >= 2 * TICKS:
            drop("nothing has come for too long")
