from __future__ import annotations

import asyncio

from emmett.channels import Namespace
from emmett.channels.brokers.port import BATCH
from emmett.channels.opening import Opener
from emmett.channels.stats import Counters
from emmett.channels.tasks import Tasks
from emmett.channels.topic import Topic
from emmett.errors import BrokerRefused, BrokerUnavailable
from tests.channels.kit import TestBroker, until


class Bench:
    """An opener, its broker, and its reports."""

    def __init__(self) -> None:
        self.broker = TestBroker()
        self.broker._is_up = True
        self.tasks = Tasks()
        self.told: list[tuple[str, Exception | None]] = []
        self.opener = Opener(self.broker, self.tasks, lambda topic, error: self.told.append((topic.name, error)))

    def topic(self, name: str) -> Topic:
        return Topic(name, Namespace(), Counters(), lambda _: None, lambda _: None)


async def test_channels_opened_together_are_one_call() -> None:
    bench = Bench()
    gate = bench.broker.close_gate("subscribe")
    bench.opener.open(bench.topic("first"))
    await until(lambda: bench.broker.at_work)
    for number in range(BATCH + 1):
        bench.opener.open(bench.topic(f"a:{number}"))
    gate.set()
    await until(lambda: len(bench.told) == BATCH + 2)
    assert [len(names) for names in bench.broker.named("subscribe")] == [1, BATCH, 1]
    assert bench.broker.most_at_work == 1


async def test_opening_waits_for_an_unsubscribe_in_progress() -> None:
    bench = Bench()
    gate = bench.broker.close_gate("unsubscribe")
    bench.opener.close(bench.topic("a"))
    await until(lambda: bench.broker.at_work)
    bench.opener.open(bench.topic("a"))
    await asyncio.sleep(0)
    gate.set()
    await until(lambda: bench.told)
    assert [name for name, _ in bench.broker.calls] == ["unsubscribe", "subscribe"]
    assert bench.broker._subscribed == {"a"}


async def test_a_call_that_was_not_sent_yet_is_cancelled() -> None:
    bench = Bench()
    bench.opener.close(bench.topic("a"))
    bench.opener.open(bench.topic("a"))
    await until(lambda: bench.told)
    assert [name for name, _ in bench.broker.calls] == ["subscribe"]
    bench.told.clear()
    bench.opener.open(bench.topic("b"))
    bench.opener.close(bench.topic("b"))
    await until(lambda: not len(bench.tasks))
    assert isinstance(bench.told[0][1], BrokerUnavailable)
    assert bench.broker.named("subscribe") == [["a"]]


async def test_a_failed_call_fails_all_its_channels_and_leaves_none_subscribed() -> None:
    bench = Bench()
    bench.broker.failing.add("subscribe")
    for name in "ab":
        bench.opener.open(bench.topic(name))
    await until(lambda: not len(bench.tasks))
    assert [(name, type(error)) for name, error in bench.told] == [("a", BrokerUnavailable), ("b", BrokerUnavailable)]
    assert bench.broker.named("unsubscribe") == [["a", "b"]]


async def test_a_refusal_affects_only_the_refused_channels() -> None:
    bench = Bench()
    bench.broker.refused = {"b", "d:*"}
    for name in ("a", "b", "c", "d:*"):
        bench.opener.open(bench.topic(name))
    await until(lambda: not len(bench.tasks))
    told = {name: type(error) for name, error in bench.told}
    assert told == {"a": type(None), "b": BrokerRefused, "c": type(None), "d:*": BrokerRefused}
    assert bench.broker.named("subscribe") == [["a", "b", "c", "d:*"], ["a", "c"]]
    assert bench.broker._subscribed == {"a", "c"}


async def test_a_refusal_without_names_affects_all_channels_of_the_call() -> None:
    bench = Bench()
    bench.broker.subscribe_errors.append(BrokerRefused("no permission for anything"))
    for name in "ab":
        bench.opener.open(bench.topic(name))
    await until(lambda: not len(bench.tasks))
    assert [(name, type(error)) for name, error in bench.told] == [("a", BrokerRefused), ("b", BrokerRefused)]
    assert bench.broker.named("subscribe") == [["a", "b"]]


async def test_a_failed_unsubscribe_is_ignored() -> None:
    bench = Bench()
    bench.broker.failing.add("unsubscribe")
    bench.opener.close(bench.topic("a"))
    bench.opener.open(bench.topic("b"))
    await until(lambda: bench.told == [("b", None)])
