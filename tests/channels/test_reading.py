from __future__ import annotations

import asyncio

import pytest

from emmett.channels import Position
from emmett.channels.brokers.port import Limits
from emmett.channels.hub import Hub
from emmett.channels.namespaces import Namespaces
from emmett.channels.reading import MAX_PAGES, PAGE_BYTES, Reader, is_last_page
from emmett.channels.stats import Counters
from emmett.channels.tasks import Tasks
from emmett.errors import BrokerUnavailable
from tests.channels.kit import TestBroker, turns, until

LIMITS = Limits(10, 60.0)
START = Position("e", 0)


async def test_equal_reads_are_shared_and_others_run_a_few_at_once() -> None:
    broker = TestBroker()
    tasks = Tasks()
    reader = Reader(broker, tasks)
    gate = broker.close_gate("history")
    broker._is_up = True
    same = [asyncio.create_task(reader.page("room:1", START, LIMITS, False)) for _ in range(1000)]
    others = [asyncio.create_task(reader.page(f"room:{number}", START, LIMITS, False)) for number in range(100, 110)]
    await until(lambda: broker.at_work == MAX_PAGES)
    # Cancelling one caller does not cancel the others.
    same[0].cancel()
    await turns()
    gate.set()
    await asyncio.gather(*same[1:], *others)
    assert broker.most_at_work == MAX_PAGES
    assert len(broker.named("history")) == 11
    assert same[0].cancelled()
    await until(lambda: not len(tasks))


async def test_each_caller_gets_its_own_error() -> None:
    broker = TestBroker()
    reader = Reader(broker, Tasks())
    found = await asyncio.gather(*(reader.top("room:1", LIMITS) for _ in range(2)), return_exceptions=True)
    assert all(isinstance(error, BrokerUnavailable) for error in found)
    assert found[0] is not found[1]


async def test_an_unexpected_error_of_the_broker_means_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    async def history(*arguments: object) -> None:
        raise ZeroDivisionError

    broker = TestBroker()
    monkeypatch.setattr(broker, "history", history)
    with pytest.raises(BrokerUnavailable, match="ZeroDivisionError"):
        await Reader(broker, Tasks()).top("room:1", LIMITS)


async def test_waiting_readers_get_an_error_when_the_channels_stop() -> None:
    broker = TestBroker()
    tasks = Tasks()
    reader = Reader(broker, tasks)
    broker.close_gate("history")
    waiting = asyncio.create_task(reader.top("room:1", LIMITS))
    await until(lambda: broker.at_work)
    reader.stop()
    for task in (waiting, asyncio.create_task(reader.top("room:1", LIMITS))):
        with pytest.raises(BrokerUnavailable, match="have stopped"):
            await task
    await tasks.cancel()


async def test_pages_are_limited_in_bytes_and_do_not_delay_reads_of_tops() -> None:
    broker, tasks = TestBroker(), Tasks()
    await broker.start(Hub(broker, Namespaces(), Counters()))
    for _ in range(4):
        await broker.publish("room:1", b"x" * (PAGE_BYTES // 2), LIMITS)
    reader = Reader(broker, tasks)
    top = await reader.top("room:1", LIMITS)
    assert top.offset == 4
    first = await reader.page("room:1", Position(top.epoch, 1), LIMITS, False)
    assert [entry.position for entry in first.entries] == [Position(top.epoch, 2), Position(top.epoch, 3)]
    assert not is_last_page(first)
    assert is_last_page(await reader.page("room:1", Position(top.epoch, 3), LIMITS, False))
    assert is_last_page(await reader.page("room:1", top, LIMITS, True))
    broker.close_gate("history")
    for number in range(2 * MAX_PAGES):
        tasks.spawn(reader.page(f"room:{number}", START, LIMITS, False))
    await until(lambda: broker.at_work == MAX_PAGES)
    tasks.spawn(reader.top("room:1", LIMITS))
    await until(lambda: broker.at_work == MAX_PAGES + 1)
    await tasks.cancel()
    await broker.stop()
