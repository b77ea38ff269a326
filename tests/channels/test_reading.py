from __future__ import annotations

import asyncio

import pytest

from emmett.channels.brokers.port import Limits
from emmett.channels.reading import Reader
from emmett.channels.tasks import Pool, Tasks
from emmett.errors import BrokerUnavailable
from tests.channels.kit import TestBroker, turns, until

LIMITS = Limits(10, 60.0)


async def test_the_same_question_is_asked_once_and_others_a_few_at_once() -> None:
    broker = TestBroker()
    tasks = Tasks()
    reader = Reader(broker, Pool(tasks, 4))
    gate = broker.close_gate("history")
    broker._is_up = True
    same = [asyncio.create_task(reader.read("room:1", None, None, LIMITS)) for _ in range(1000)]
    others = [asyncio.create_task(reader.read(f"room:{number}", None, None, LIMITS)) for number in range(100, 110)]
    await until(lambda: broker.at_work == 4)
    # Who is cancelled does not cancel the others.
    same[0].cancel()
    await turns()
    gate.set()
    await asyncio.gather(*same[1:], *others)
    assert broker.most_at_work == 4
    assert len(broker.named("history")) == 11
    assert same[0].cancelled()
    await until(lambda: not len(tasks))


async def test_each_gets_an_error_of_its_own() -> None:
    broker = TestBroker()
    reader = Reader(broker, Pool(Tasks(), 4))
    found = await asyncio.gather(*(reader.read("room:1", None, 0, LIMITS) for _ in range(2)), return_exceptions=True)
    assert all(isinstance(error, BrokerUnavailable) for error in found)
    assert found[0] is not found[1]


async def test_a_broker_that_fails_otherwise_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def history(*arguments: object) -> None:
        raise ZeroDivisionError

    broker = TestBroker()
    monkeypatch.setattr(broker, "history", history)
    with pytest.raises(BrokerUnavailable, match="ZeroDivisionError"):
        await Reader(broker, Pool(Tasks(), 4)).read("room:1", None, 0, LIMITS)


async def test_who_waits_when_the_channels_stop_is_told() -> None:
    broker = TestBroker()
    tasks = Tasks()
    reader = Reader(broker, Pool(tasks, 4))
    broker.close_gate("history")
    waiting = asyncio.create_task(reader.read("room:1", None, 0, LIMITS))
    await until(lambda: broker.at_work)
    reader.stop()
    for task in (waiting, asyncio.create_task(reader.read("room:1", None, 0, LIMITS))):
        with pytest.raises(BrokerUnavailable, match="have stopped"):
            await task
    await tasks.cancel()
