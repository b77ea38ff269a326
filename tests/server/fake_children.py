"""Stand-ins for the processes of a supervisor, and its clock."""

from __future__ import annotations

import os
from typing import Any, cast

from emmett.server.child import Child


class FakeChild:
    """A process that a test controls. Its file descriptors are real, so that tests can wait for them."""

    def __init__(self, number: int) -> None:
        self.pid = number
        self.serves = False
        self.stop_timeout = 5.0
        self.status: int | None = None
        self.asked: list[str] = []
        self.sentinel, self._end = os.pipe()
        self.ready = self

    closed = True

    @property
    def is_alive(self) -> bool:
        return self.status is None

    @property
    def end(self) -> str:
        return f"ended with status {self.status}"

    def look(self) -> None: ...

    def exit(self, status: int) -> None:
        """End as if the process ended by itself."""
        if self.status is None:
            self.status = status
            os.close(self._end)

    def terminate(self) -> None:
        self.asked.append("terminate")

    def kill(self) -> None:
        self.asked.append("kill")
        self.exit(-9)

    def join(self, seconds: float | None = None) -> bool:
        return not self.is_alive

    def close(self) -> None:
        self.exit(0)
        os.close(self.sentinel)


class Nursery:
    """Starts and keeps stand-ins, and serves as the clock."""

    def __init__(self) -> None:
        self.children: list[FakeChild] = []
        self.now = 100.0

    def start(self, *_: Any) -> Child:
        child = FakeChild(len(self.children) + 1)
        self.children.append(child)
        return cast(Child, child)

    def clock(self) -> float:
        return self.now

    def close(self) -> None:
        for child in self.children:
            child.close()
