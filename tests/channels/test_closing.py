from __future__ import annotations

import asyncio

import pytest

from emmett.channels.closing import Closer
from emmett.channels.tasks import Tasks
from emmett.errors import WebsocketClosed
from emmett.pacing import CLOSE_BATCH, CLOSE_PAUSE
from tests.channels.kit import MemorySink, turns, until


class Broken(MemorySink):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.failure = error

    async def close(self, code: int, reason: str) -> None:
        raise self.failure


async def test_many_connections_are_closed_a_few_at_a_time() -> None:
    pauses: list[float] = []
    gate = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await gate.wait()

    tasks = Tasks()
    closer = Closer(tasks, sleep)
    sinks = [MemorySink() for _ in range(CLOSE_BATCH + 1)]
    for sink in sinks:
        closer.close(sink, 1013, "try again later")
    await until(lambda: sinks[CLOSE_BATCH - 1].closed)
    await turns()
    assert sinks[CLOSE_BATCH].closed is None
    gate.set()
    await until(lambda: sinks[CLOSE_BATCH].closed == (1013, "try again later"))
    assert pauses == [CLOSE_PAUSE]
    await until(lambda: not len(tasks))
    closer.close(MemorySink(), 1013, "")
    await until(lambda: not len(tasks))


async def test_a_failure_to_close_is_logged_unless_the_connection_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()
    closer = Closer(tasks)
    closer.close(Broken(WebsocketClosed(1006)), 1013, "")
    closer.close(Broken(ValueError("no such code")), 1013, "")
    closer.close(last := MemorySink(), 1013, "")
    await until(lambda: last.closed and not len(tasks))
    assert [record.message for record in caplog.records] == ["a socket could not be closed"]
