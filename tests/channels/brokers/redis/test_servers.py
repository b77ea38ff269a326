"""Behaviour that one server and several have in common."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from emmett.channels.brokers.port import NO_NEEDS, Limits, Needs
from emmett.channels.brokers.redis import RedisBroker
from emmett.errors import BrokerRefused, BrokerUnavailable
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.redis.nodes import running, until
from tests.valkey import Valkey, running_valkey

LIMITS = Limits(1000, 60)


async def test_a_node_needs_two_connections_however_many_calls_it_makes(second_valkey: Valkey) -> None:
    with second_valkey.client() as client:
        async with running(second_valkey.url) as (broker, _):
            await asyncio.gather(
                *(broker.publish(f"a:{number % 7}", b"x", LIMITS) for number in range(2000)),
                *(broker.subscribe([f"a:{number}"]) for number in range(200)),
                *(broker.join("a:1", f"c{number}", "ada", b"{}", 60) for number in range(200)),
            )
            assert len([line for line in client.client_list() if line["name"] == "emmett"]) == 2
        await until(lambda: not [line for line in client.client_list() if line["name"] == "emmett"])


async def test_check_reports_lost_subscriptions(second_valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(second_valkey.url) as (broker, listener):
        await broker.subscribe(["a"])
        # The feed stays disconnected until the test ends the pause.
        monkeypatch.setattr("emmett.channels.brokers.redis.link.backoff", lambda _: 600.0)
        with second_valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
        await until(lambda: listener.said)
        with pytest.raises(BrokerUnavailable, match="not heard"):
            await broker.check()
        assert broker._servers is not None
        await asyncio.gather(*(link.connected() for link in broker._servers.links()))
        await until(lambda: listener.said == ["lost", "restored"])
        assert 0 < await broker.check() < 2


async def test_a_refused_call_is_logged_once_a_minute(second_valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """Callers see a 503; the log line names the channel, its keys, and what to do."""
    async with running(second_valkey.url) as (broker, _):
        with second_valkey.client() as client:
            for key in ("top", "times", "bucket"):
                client.set(f"{{emmett:odd:{key}}}:{key}", "of another program")
            calls: list[Callable[[], Coroutine[Any, Any, Any]]] = [
                lambda: broker.publish("odd:top", b"x", LIMITS),
                lambda: broker.history("odd:top", None, None, LIMITS),
                lambda: broker.join("odd:times", "c", "ada", b"", 60),
                lambda: broker.present("odd:times"),
                lambda: broker.take("odd:bucket", 1, 60.0),
            ]
            for call in calls * 3:
                with pytest.raises(BrokerRefused, match="WRONGTYPE"):
                    await call()
            [line] = [record.getMessage() for record in caplog.records]
            assert line.startswith("channel odd:top, keys {emmett:odd:top}:*: the Redis broker at ")
            assert "another program uses a key of this channel: delete that key, or use another prefix" in line
            # Each kind of call has its own line.
            client.config_set("maxmemory", "1")
            for _ in range(2):
                with pytest.raises(BrokerUnavailable, match=r"OOM: .*raise maxmemory") as raised:
                    await broker.publish("a", b"x", LIMITS)
                assert not isinstance(raised.value, BrokerRefused)
            client.config_set("maxmemory", "0")
            assert await broker.publish("a", b"x", LIMITS)
    assert len(caplog.records) == 2


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("maxmemory", "1", "raise maxmemory"),
        ("min-replicas-to-write", "1", "it has fewer replicas than"),
    ],
)
@pytest.mark.parametrize("needs", [Needs(history=True), Needs(presence=True)])
async def test_check_reports_a_server_that_refuses_writes(
    second_valkey: Valkey, setting: str, value: str, reason: str, needs: Needs
) -> None:
    async with running(second_valkey.url) as (broker, _):
        with second_valkey.client() as client:
            client.config_set(setting, value)
            try:
                # Publishing without a history works.
                assert await broker.check(NO_NEEDS) > 0
                with pytest.raises(BrokerUnavailable, match=reason):
                    await broker.check(needs)
            finally:
                client.config_set(setting, "0")
        assert await broker.check(needs) > 0


@pytest.mark.parametrize("needs", [NO_NEEDS, Needs(history=True)])
async def test_check_reports_a_replica(needs: Needs) -> None:
    """PUBLISH is not a write and works there, but does not reach subscribers at the primary."""
    with running_valkey() as valkey, valkey.client() as client:
        async with running(valkey.url) as (broker, _):
            client.replicaof("127.0.0.1", 1)
            with pytest.raises(BrokerUnavailable, match="is a read-only replica: name its primary"):
                await broker.check(needs)
            client.replicaof("NO", "ONE")
            assert await broker.check(needs) > 0


@pytest.mark.parametrize("command", ["publish", "subscribe", "eval", "evalsha", "xadd", "zadd", "hset"])
async def test_check_reports_a_missing_permission(second_valkey: Valkey, command: str) -> None:
    with second_valkey.user("~*", "&*", "+@all", f"-{command}") as url, second_valkey.client() as client:
        client.script_flush()
        async with running(url) as (broker, _):
            with pytest.raises(BrokerRefused, match=r"docs/channels\.md has the list"):
                await broker.check(Needs(history=True, presence=True))


async def test_check_leaves_only_keys_that_expire(second_valkey: Valkey) -> None:
    with second_valkey.client() as client:
        client.flushdb()
        async with running(second_valkey.url) as (broker, _):
            for _ in range(3):
                await broker.check(Needs(history=True, presence=True))
        keys = client.keys("*")
        assert sorted(keys) == [b"{emmett:emmett-check:0}:log", b"{emmett:emmett-check:0}:top"]
        assert all(client.ttl(key) > 0 for key in keys)


async def test_no_channel_is_subscribed_if_one_is_refused() -> None:
    with running_valkey() as valkey:
        async with running(valkey.url, 0.5) as (broker, _):
            await broker.subscribe(["kept"])
            with valkey.paused(), pytest.raises(BrokerUnavailable):
                await broker.subscribe(["kept", "new", "new:*"])
            with valkey.client() as client:
                await until(lambda: client.pubsub_channels() == [b"emmett:kept"] and client.pubsub_numpat() == 0)


async def test_traffic_survives_killed_connections(second_valkey: Valkey) -> None:
    """Connections break often: confirmed publications are in the history, once, in order, and each loss is reported."""
    async with running(second_valkey.url) as (broker, listener), running(second_valkey.url) as (publisher, _):
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
        await until(lambda: listener.said.count("lost") == listener.said.count("restored"))
        found = await broker.history("t:1", None, None, LIMITS)
        kept = [int(entry.payload) for entry in found.entries]
        assert kept == sorted(set(kept))
        assert set(confirmed) <= set(kept)
        # The received publications are part of the history, and each gap has a reported loss.
        heard = [entry.position.offset for _, _, entry in listener.reports if entry.position]
        assert heard == sorted(set(heard))
        gaps = sum(1 for one, next_one in itertools.pairwise(heard) if next_one != one + 1)
        assert gaps <= listener.said.count("lost")


async def test_a_failed_start_can_be_repeated() -> None:
    with running_valkey() as valkey:
        valkey.kill()
        broker = RedisBroker(valkey.url, timeout=1)
        before = asyncio.all_tasks()
        for _ in range(2):
            with pytest.raises(BrokerUnavailable):
                await broker.start(RecordingListener())
            assert asyncio.all_tasks() == before
        valkey.start()
        await broker.start(RecordingListener())
        await broker.check()
        await broker.stop()
        assert asyncio.all_tasks() == before
