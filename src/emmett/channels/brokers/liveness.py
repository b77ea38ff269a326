"""Notices that a server has fallen silent."""

from __future__ import annotations

from collections.abc import Callable

# How often a connection is checked within its timeout.
TICKS = 5


class Liveness:
    """Counts the checks of a connection since it last received something.

    Silence is counted in checks, not in seconds: while the event loop itself is blocked, nothing grows old, and what
    the server sent meanwhile is read before the connection is given up.

    Attributes:
        quiet: checks since something was received. Set it to 0 whenever something is.
    """

    __slots__ = ("quiet",)

    def __init__(self) -> None:
        self.quiet = 0

    def tick(self, ask: Callable[[], object], drop: Callable[[str], object]) -> None:
        """Check the connection; call this `TICKS` times within each timeout.

        Arguments:
            ask: called after one timeout of silence: send something that the server answers.
            drop: called with the reason after another one: give the connection up.
        """
        self.quiet += 1
        if self.quiet == TICKS:
            ask()
        elif self.quiet >= 2 * TICKS:
            drop("nothing has come for too long")
