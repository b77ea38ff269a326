"""The keys that the scripts leave on the server, and servers that have lost the scripts or were replaced."""

from __future__ import annotations

import asyncio

import pytest

from emmett.channels.brokers.port import Limits
from emmett.channels.publication import Position
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.redis.nodes import running
from tests.valkey import Valkey

DAY = 86_400_000
LIMITS = Limits(10, 60)


@pytest.fixture
def valkey(first_valkey: Valkey) -> Valkey:
    with first_valkey.client() as client:
        client.flushall()
    return first_valkey


async def test_the_position_is_kept_a_day_longer_than_the_history(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        with valkey.client() as client:
            await broker.publish("a", b"x", LIMITS)
            assert sorted(client.keys()) == [b"{emmett:a}:log", b"{emmett:a}:top"]
            assert 0 < client.pttl("{emmett:a}:log") <= 60_000
            assert client.pttl("{emmett:a}:top") >= DAY + 60_000 - 5_000
            # From now on a longer life, also for the position.
            await broker.publish("a", b"x", Limits(10, 10 * 86_400))
            assert client.pttl("{emmett:a}:top") >= 11 * DAY - 5_000
            client.pexpire("{emmett:a}:top", 1000)
            await broker.history("a", None, 0, LIMITS)
            assert client.pttl("{emmett:a}:top") > DAY - 5_000
            await broker.history("b", None, None, LIMITS)
            assert DAY - 5_000 < client.pttl("{emmett:b}:top") <= DAY


async def test_reading_does_not_shorten_a_life(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        await broker.publish("a", b"x", Limits(10, 86_400))
        await broker.history("a", None, None, LIMITS)
        with valkey.client() as client:
            assert client.pttl("{emmett:a}:top") > 2 * DAY - 5_000


async def test_presence_expires_by_itself_after_an_hour(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        await broker.join("a", "c", "ada", b"{}", 30)
        with valkey.client() as client:
            keys = client.keys()
            assert len(keys) == 3
            assert all(3_600_000 < client.pttl(key) <= 3_630_000 for key in keys)
            await broker.leave("a", "c")
            assert client.keys() == []


async def test_a_token_bucket_expires_when_it_is_full(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        await broker.take("a", 10, 600.0)
        with valkey.client() as client:
            assert client.keys() == [b"{emmett:a}:bucket"]
            assert 0 < client.pttl("{emmett:a}:bucket") <= 60_001
            # A value of another program is ignored.
            client.hset("{emmett:a}:bucket", "d", "full")
            assert [await broker.take("a", 1, 600.0) > 0 for _ in range(2)] == [False, True]


async def test_flushall_begins_another_epoch(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        first = await broker.publish("a", b"1", LIMITS)
        with valkey.client() as client:
            client.flushall()
        second = await broker.publish("a", b"2", LIMITS)
        assert first is not None
        assert second is not None
        assert (first.offset, second.offset) == (1, 1)
        assert first.epoch != second.epoch
        assert not (await broker.history("a", first, None, LIMITS)).complete


async def test_a_missing_counter_invalidates_the_history(valkey: Valkey) -> None:
    """This happens after an eviction: an offset must not denote two publications."""
    async with running(valkey.url) as (broker, _):
        first = await broker.publish("a", b"1", LIMITS)
        with valkey.client() as client:
            client.delete("{emmett:a}:top")
        found = await broker.history("a", first, None, LIMITS)
        assert (found.entries, found.top.offset, found.complete) == ([], 0, False)


async def test_a_missing_history_leaves_the_position(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        first = await broker.publish("a", b"1", LIMITS)
        assert first is not None
        with valkey.client() as client:
            client.delete("{emmett:a}:log")
        found = await broker.history("a", first, None, LIMITS)
        assert (found.entries, found.top, found.complete) == ([], first, True)
        assert not (await broker.history("a", Position(first.epoch, 0), None, LIMITS)).complete
        assert await broker.publish("a", b"2", LIMITS) == Position(first.epoch, 2)


async def test_a_restart_of_the_server_begins_another_epoch(valkey: Valkey) -> None:
    """After a restart, or on a replica that took over, it may have older data than the clients."""
    async with running(valkey.url) as (broker, _):
        positions = [await broker.publish("a", b"%d" % number, LIMITS) for number in range(3)]
        with valkey.client() as client:
            client.hset("{emmett:a}:top", "r", "another")
        found = await broker.history("a", positions[1], None, LIMITS)
        assert not found.complete
        assert [entry.payload for entry in found.entries] == [b"0", b"1", b"2"]
        assert found.top.offset == 3
        assert positions[0] is not None
        assert found.top.epoch != positions[0].epoch
        assert await broker.publish("a", b"3", LIMITS) == Position(found.top.epoch, 4)


async def test_scripts_are_sent_again_when_the_server_has_forgotten_them(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        with valkey.client() as client:
            for number in range(3):
                client.script_flush()
                position = await broker.publish("a", b"x", LIMITS)
                assert position is not None
                assert position.offset == number + 1
                client.script_flush()
                assert (await broker.history("a", position, None, LIMITS)).complete


async def test_expired_entries_are_found_by_bisection(valkey: Valkey) -> None:
    async with running(valkey.url) as (broker, _):
        limits = Limits(1000, 60)
        await asyncio.gather(*(broker.publish("a", b"%d" % number, limits) for number in range(100)))
        with valkey.client() as client:
            entries = client.xrange("{emmett:a}:log")
            for old in (0, 1, 37, 99, 100):
                client.delete("{emmett:a}:log")
                for number, (name, fields) in enumerate(entries):
                    offset, milliseconds = map(int, name.split(b"-"))
                    client.xadd("{emmett:a}:log", fields, id=f"{offset}-{milliseconds - 61_000 * (number < old)}")
                found = await broker.history("a", None, None, limits)
                assert [entry.position.offset for entry in found.entries if entry.position] == list(range(old + 1, 101))
                for since, is_there in ((old - 1, False), (old, True)):
                    if since >= 0:
                        answer = await broker.history("a", Position(found.top.epoch, since), None, limits)
                        assert answer.complete is is_there


async def test_a_server_with_full_memory_refuses_even_the_first_publication(valkey: Valkey) -> None:
    """It checks only the first write of a script, so this must not be one that it always permits."""
    async with running(valkey.url) as (broker, _):
        with valkey.client() as client:
            client.config_set("maxmemory", "1")
            try:
                for call in (broker.publish("new", b"x", LIMITS), broker.history("other", None, None, LIMITS)):
                    with pytest.raises(BrokerUnavailable, match="OOM"):
                        await call
            finally:
                client.config_set("maxmemory", "0")
            assert client.keys() == []
