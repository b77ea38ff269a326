"""When histories are read. test_topic.py tests how they are used, test_hub.py the whole process."""

from __future__ import annotations

from emmett.channels import Namespace, Position
from emmett.channels.brokers.memory import MemoryBus
from emmett.channels.brokers.port import Limits
from emmett.channels.envelope import pack
from emmett.channels.healing import Healer
from emmett.channels.reading import Reader
from emmett.channels.stats import Counters
from emmett.channels.tasks import Pool, Tasks
from emmett.channels.topic import MAX_ATTEMPTS, Topic
from tests.channels.kit import TestBroker, until

ROOM = Namespace("room", history=10)


class Bench:
    """A healer, and channels with one publication in their history."""

    def __init__(self, count: int = 1) -> None:
        self.bus = MemoryBus()
        self.broker = TestBroker(self.bus)
        self.broker._is_up = True
        self.tasks = Tasks()
        self.pauses: list[float] = []
        reader = Reader(self.broker, self.tasks)
        self.healer = Healer(reader, Pool(self.tasks, 2), self.tasks, self._sleep)
        self.topics = [
            Topic(f"room:{number}", ROOM, Counters(), self.healer.heal, lambda _: None) for number in range(count)
        ]
        for topic in self.topics:
            entry = self.bus.histories.append(topic.name, pack("x"), Limits(10, 300.0))
            assert entry.position is not None
            topic.users = 1
            topic.listen()
            topic.begin(Position(entry.position.epoch, 0))

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def test_a_limited_number_of_channels_is_healed_at_once_and_each_only_once() -> None:
    bench = Bench(20)
    for topic in bench.topics:
        bench.healer.check(topic)
        bench.healer.check(topic)
    await until(lambda: not len(bench.tasks))
    assert all(topic.position and topic.position.offset == 1 for topic in bench.topics)
    assert bench.broker.most_at_work == 2
    assert len(bench.broker.named("history")) == 20


async def test_a_failed_read_is_tried_again_after_growing_pauses() -> None:
    bench = Bench()
    bench.broker.failing.add("history")
    bench.healer.check(bench.topics[0])
    await until(lambda: not len(bench.tasks))
    assert len(bench.pauses) == MAX_ATTEMPTS - 1
    assert all(0.25 * 2**number <= pause <= 0.5 * 2**number for number, pause in enumerate(bench.pauses))
    assert not bench.topics[0].is_healing


async def test_the_tops_of_quiet_channels_are_read_in_batches() -> None:
    bench = Bench(120)
    await bench.healer.check_quiet(bench.topics, 60.0)
    # The first check only marks the channels as quiet.
    assert (bench.broker.calls, bench.pauses) == ([], [])
    bench.topics[0].is_quiet = False
    bench.topics[1].is_lost = True
    await bench.healer.check_quiet(bench.topics, 60.0)
    await until(lambda: not len(bench.tasks))
    assert all(10.0 <= pause <= 20.0 for pause in bench.pauses)
    assert len(bench.pauses) == 3
    assert [topic.position.offset for topic in bench.topics if topic.position] == [0, 0, *[1] * 118]
    assert bench.broker.most_at_work <= 4


async def test_an_unused_channel_is_not_healed() -> None:
    bench = Bench()
    bench.topics[0].users = 0
    bench.healer.check(bench.topics[0])
    await until(lambda: not len(bench.tasks))
    assert bench.broker.calls == []
    assert not bench.topics[0].is_healing
