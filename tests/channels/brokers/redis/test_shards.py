"""Several servers that are independent of each other."""

from __future__ import annotations

import pytest

from emmett.channels.brokers.port import Limits, Needs
from emmett.channels.brokers.redis.address import parse_urls
from emmett.channels.brokers.redis.format import RedisNames
from emmett.channels.brokers.redis.shards import Shards
from emmett.errors import BrokerRefused, BrokerUnavailable
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.redis.nodes import running, until
from tests.valkey import Cluster, Valkey, running_valkey

LIMITS = Limits(100, 60)
CHANNELS = [f"room:{number}" for number in range(1000)]


def places(urls: str) -> dict[str, str]:
    """Return the URL of each channel."""
    addresses = parse_urls(urls).addresses
    shards = Shards(addresses, RecordingListener(), RedisNames("emmett"), 1, "test")
    return {channel: addresses[shards.place(channel)].label for channel in CHANNELS}


def test_each_server_has_its_share_whatever_the_order() -> None:
    found = places("redis://a,redis://b,redis://c")
    assert found == places("redis://c,redis://a,redis://:password@b/0")
    for label in ("a:6379", "b:6379", "c:6379"):
        assert 250 < list(found.values()).count(label) < 420


def test_a_new_server_takes_its_share_and_no_other_channel_moves() -> None:
    before, after = places("redis://a,redis://b,redis://c"), places("redis://a,redis://b,redis://c,redis://d")
    moved = {channel for channel in CHANNELS if before[channel] != after[channel]}
    assert {after[channel] for channel in moved} == {"d:6379"}
    assert 180 < len(moved) < 330


async def test_data_is_on_the_server_of_its_channel(first_valkey: Valkey, second_valkey: Valkey) -> None:
    url = f"{first_valkey.url},{second_valkey.url}"
    async with running(url) as (broker, _):
        for channel in CHANNELS[:50]:
            await broker.publish(channel, channel.encode(), LIMITS)
            await broker.join(channel, "c", "ada", b"{}", 60)
    where = places(url)
    for valkey in (first_valkey, second_valkey):
        with valkey.client() as client:
            ours = [channel for channel in CHANNELS[:50] if client.exists(f"{{emmett:{channel}}}:log")]
            assert ours == [channel for channel in CHANNELS[:50] if valkey.url.endswith(where[channel])]
            assert ours == [channel for channel in CHANNELS[:50] if client.exists(f"{{emmett:{channel}}}:members")]


async def test_the_loss_of_one_of_two_servers_affects_only_its_channels() -> None:
    """Its channels and the pattern are lost; those of the other server continue."""
    with running_valkey() as first, running_valkey() as second:
        url = f"{first.url},{second.url}"
        where = places(url)
        here = next(channel for channel in CHANNELS if first.url.endswith(where[channel]))
        there = next(channel for channel in CHANNELS if second.url.endswith(where[channel]))
        async with running(url) as (broker, listener):
            lost: list[set[str]] = []
            restored: list[set[str]] = []
            listener.lost = lambda subscribed: lost.append(set(subscribed or ()))  # type: ignore[method-assign]
            listener.restored = lambda subscribed: restored.append(set(subscribed or ()))  # type: ignore[method-assign]
            await broker.subscribe([here, there, "room:*"])
            second.kill()
            await until(lambda: lost)
            assert (lost, restored) == ([{there, "room:*"}], [])
            await broker.publish(here, b"x", LIMITS)
            await until(lambda: len(listener.reports) == 2)
            await until(lambda: broker._servers and any(link.away for link in broker._servers.links()))
            with pytest.raises(BrokerUnavailable):
                await broker.check()
            with pytest.raises(BrokerUnavailable):
                await broker.subscribe(["other:*"])
            with first.client() as client:
                await until(lambda: client.pubsub_numpat() == 1)
            second.start()
            await until(lambda: restored)
            assert restored == [{there, "room:*"}]
            await broker.publish(there, b"y", LIMITS)
            await until(lambda: len(listener.reports) == 4)


async def test_a_pattern_is_restored_once_both_servers_have_it(first_valkey: Valkey) -> None:
    with running_valkey() as second:
        async with running(f"{first_valkey.url},{second.url}") as (broker, listener):
            restored: list[list[str]] = []
            listener.restored = lambda subscribed: restored.append(list(subscribed or ()))  # type: ignore[method-assign]
            await broker.subscribe(["room:*"])
            second.kill()
            await until(lambda: len(listener.said) == 1)
            with first_valkey.client() as client:
                client.client_kill_filter(_type="pubsub")
            await until(lambda: len(listener.said) == 2 and restored)
            assert restored == [[]]
            second.start()
            await until(lambda: len(restored) == 2)
            assert restored == [[], ["room:*"]]


async def test_start_needs_all_servers(first_valkey: Valkey) -> None:
    with pytest.raises(BrokerUnavailable, match="nowhere"):
        async with running(f"{first_valkey.url},unix:///nowhere/socket"):
            pass


async def test_check_tries_every_server(first_valkey: Valkey, second_valkey: Valkey) -> None:
    for valkey in (first_valkey, second_valkey):
        async with running(f"{first_valkey.url},{second_valkey.url}") as (broker, _):
            with valkey.client() as client:
                client.config_set("maxmemory", "1")
                with pytest.raises(BrokerUnavailable, match=f"{valkey.url.partition('//')[2]}.*raise maxmemory"):
                    await broker.check(Needs(history=True))
                client.config_set("maxmemory", "0")
            assert await broker.check(Needs(history=True)) > 0


async def test_a_pattern_refused_by_one_of_two_servers_is_refused(first_valkey: Valkey, second_valkey: Valkey) -> None:
    with second_valkey.user("~*", "+@all", "resetchannels", "&emmett:room:1", "&emmett:emmett-check*") as url:
        async with running(f"{first_valkey.url},{url}") as (broker, _):
            with pytest.raises(BrokerRefused) as raised:
                await broker.subscribe(["room:1", "room:*"])
            assert raised.value.names == {"room:*"}
            await broker.subscribe(["room:1"])
        with first_valkey.client() as client:
            await until(lambda: client.pubsub_numpat() == 0)


async def test_a_node_of_a_cluster_is_refused(shared_cluster: Cluster) -> None:
    async with running(shared_cluster.nodes[0].url) as (broker, _):
        with pytest.raises(BrokerRefused, match=r"write redis\+cluster://"):
            for number in range(100):
                await broker.publish(f"a:{number}", b"x", LIMITS)
