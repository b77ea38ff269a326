"""What one server and several have in common."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from emmett.channels.brokers.port import Limits
from emmett.channels.brokers.redis import RedisBroker
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.clock import Ear
from tests.channels.brokers.redis.nodes import running, until
from tests.valkey import Valkey, running_valkey

LIMITS = Limits(1000, 60)


async def test_two_connections_however_much_is_asked(second_valkey: Valkey) -> None:
    with second_valkey.client() as client:
        async with running(second_valkey.url) as (broker, _):
            await asyncio.gather(
                *(broker.publish(f"a:{number % 7}", b"x", LIMITS) for number in range(2000)),
                *(broker.subscribe([f"a:{number}"]) for number in range(200)),
                *(broker.join("a:1", f"c{number}", "ada", b"{}", 60) for number in range(200)),
            )
            assert len([line for line in client.client_list() if line["name"] == "emmett"]) == 2
        await until(lambda: not [line for line in client.client_list() if line["name"] == "emmett"])


async def test_check_tells_of_what_is_not_heard(second_valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(second_valkey.url) as (broker, ear):
        await broker.subscribe(["a"])
        monkeypatch.setattr("random.uniform", lambda *_: 0.2)
        with second_valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
        await until(lambda: ear.said)
        with pytest.raises(BrokerUnavailable, match="not heard"):
            await broker.check()
        await until(lambda: ear.said == ["lost", "restored"])
        assert 0 < await broker.check() < 2


async def test_none_is_subscribed_to_when_one_cannot_be() -> None:
    with running_valkey() as valkey:
        async with running(valkey.url, 0.5) as (broker, _):
            await broker.subscribe(["kept"])
            with valkey.paused(), pytest.raises(BrokerUnavailable):
                await broker.subscribe(["kept", "new", "new:*"])
            with valkey.client() as client:
                await until(lambda: client.pubsub_channels() == [b"emmett:kept"] and client.pubsub_numpat() == 0)


async def test_traffic_through_kills(second_valkey: Valkey) -> None:
    """Connections are cut all the time: what was confirmed is in the history, once, in order, and heard or told."""
    async with running(second_valkey.url) as (broker, ear), running(second_valkey.url) as (publisher, _):
        await broker.subscribe(["t:1"])
        confirmed: list[int] = []

        async def publish() -> None:
            for number in range(300):
                try:
                    if await publisher.publish("t:1", b"%d" % number, LIMITS) is not None:
                        confirmed.append(number)
                except BrokerUnavailable:
                    pass

        publishing = asyncio.ensure_future(publish())
        with second_valkey.client() as client:
            while not publishing.done():
                client.client_kill_filter(_type="pubsub")
                client.client_kill_filter(_type="normal", skipme=True)
                await asyncio.sleep(0.02)
        await publishing
        await until(lambda: ear.said.count("lost") == ear.said.count("restored"))
        found = await broker.history("t:1", None, None, LIMITS)
        kept = [int(entry.payload) for entry in found.entries]
        assert kept == sorted(set(kept))
        assert set(confirmed) <= set(kept)
        # What was heard is part of it; where something is missing, a loss was told there.
        heard = [entry.position.offset for _, _, entry in ear.reports if entry.position]
        assert heard == sorted(set(heard))
        gaps = sum(1 for one, next_one in itertools.pairwise(heard) if next_one != one + 1)
        assert gaps <= ear.said.count("lost")


async def test_a_start_that_fails_can_be_tried_again() -> None:
    with running_valkey() as valkey:
        valkey.kill()
        broker = RedisBroker(valkey.url, timeout=1)
        before = asyncio.all_tasks()
        for _ in range(2):
            with pytest.raises(BrokerUnavailable):
                await broker.start(Ear())
            assert asyncio.all_tasks() == before
        valkey.start()
        await broker.start(Ear())
        await broker.check()
        await broker.stop()
        assert asyncio.all_tasks() == before
