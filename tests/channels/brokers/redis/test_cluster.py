"""A cluster whose nodes fail, and whose slots move."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis
from redis.crc import key_slot

from emmett.channels.brokers.port import Limits, Needs
from emmett.channels.brokers.redis import RedisBroker
from emmett.channels.brokers.redis.cluster import Cluster as Servers
from emmett.channels.publication import Position
from emmett.errors import BrokerRefused, BrokerUnavailable
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.redis.nodes import running, until
from tests.ports import free_port
from tests.valkey import Cluster, Valkey, running_cluster, running_valkey

LIMITS = Limits(1000, 60)


@pytest.fixture(scope="module")
def with_replicas() -> Iterator[Cluster]:
    """Three primaries and a replica of each; one test kills some of them."""
    with running_cluster(replicas=True) as cluster:
        yield cluster


def owner(cluster: Cluster, channel: str) -> Valkey:
    """Return the primary that owns a channel, while the cluster is as it was formed."""
    return cluster.nodes[min(2, key_slot(f"emmett:{channel}".encode()) // (16_384 // 3))]


def command(client: redis.Redis, *words: object) -> object:
    return client.execute_command(*words)  # type: ignore[no-untyped-call]


async def test_a_replica_takes_over_from_a_killed_primary(with_replicas: Cluster) -> None:
    """In the middle of traffic; the node that dies is the one with the subscriptions."""
    async with running(with_replicas.url, 1.0) as (broker, listener), running(with_replicas.url, 1.0) as (publisher, _):
        servers = broker._servers
        assert isinstance(servers, Servers)
        # A channel of the node with the subscriptions.
        label = servers._feed.address.label if servers._feed.address else ""
        port = int(label.rpartition(":")[2])
        victim = next(node for node in with_replicas.nodes if node.port == port)
        if victim not in with_replicas.nodes[:3]:
            victim = with_replicas.nodes[0]
        channel = next(f"c:{n}" for n in range(1000) if owner(with_replicas, f"c:{n}") is victim)
        await broker.subscribe([channel, "c:*"])
        first = await publisher.publish(channel, b"before", LIMITS)
        assert first is not None
        await until(lambda: len(listener.reports) == 2)
        with victim.client() as client:
            assert client.wait(1, 5000) == 1
        victim.kill()
        failed, position = 0, None
        while position is None:
            try:
                position = await publisher.publish(channel, b"after", LIMITS)
            except BrokerUnavailable:
                failed += 1
                await asyncio.sleep(0.02)
        # Another process owns the history now, and may lack confirmed publications, so the epoch is another.
        assert failed
        assert position.epoch != first.epoch
        found = None
        while found is None:
            # This broker may notice the change later than the publisher.
            try:
                found = await broker.history(channel, first, None, LIMITS)
            except BrokerUnavailable:
                await asyncio.sleep(0.02)
        assert not found.complete
        assert [entry.payload for entry in found.entries] == [b"before", b"after"]
        await until(lambda: servers._feed.is_up and listener.said.count("lost") == listener.said.count("restored"))
        await publisher.publish(channel, b"at last", LIMITS)
        await until(lambda: listener.payloads.count(b"at last") == 2)
        await broker.check()


async def test_a_slot_that_moves_is_followed(shared_cluster: Cluster) -> None:
    channel = "moving"
    slot, source = key_slot(b"emmett:moving"), owner(shared_cluster, "moving")
    target = next(node for node in shared_cluster.nodes if node is not source)
    async with running(shared_cluster.url) as (broker, listener):
        await broker.subscribe([channel])
        first = await broker.publish(channel, b"1", LIMITS)
        assert first is not None
        with source.client() as here, target.client() as there:
            names = {node: command(client, "CLUSTER", "MYID") for node, client in ((source, here), (target, there))}
            command(there, "CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
            command(here, "CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
            keys = [b"{emmett:moving}:top", b"{emmett:moving}:log"]
            # Half of the keys have moved: the server answers TRYAGAIN.
            command(here, "MIGRATE", "127.0.0.1", target.port, keys[0], 0, 5000)
            waiting = asyncio.ensure_future(broker.publish(channel, b"2", LIMITS))
            await asyncio.sleep(0.02)
            assert not waiting.done()
            # All keys have moved: the server answers ASK, with the address of the other node.
            command(here, "MIGRATE", "127.0.0.1", target.port, keys[1], 0, 5000)
            second = await waiting
            for _ in range(2):
                await broker.publish(channel, b"3", LIMITS)
            for client in (there, here):
                command(client, "CLUSTER", "SETSLOT", slot, "NODE", names[target])
        # From here on the server answers MOVED.
        last = await broker.publish(channel, b"4", LIMITS)
        assert second is not None
        assert second.offset == 2
        assert last == Position(second.epoch, 5)
        await until(lambda: len(listener.reports) == 5)
        assert listener.payloads == [b"1", b"2", b"3", b"3", b"4"]
        assert "lost" not in listener.said


async def test_one_seed_is_enough_and_the_number_of_connections_is_bounded(shared_cluster: Cluster) -> None:
    seed = shared_cluster.url.split(",")[0]
    async with running(seed) as (broker, _):
        await asyncio.gather(*(broker.publish(f"c:{number}", b"x", LIMITS) for number in range(200)))
        servers = broker._servers
        assert isinstance(servers, Servers)
        # One connection for each primary, and one for subscriptions.
        assert len(list(servers.links())) == 4
        assert await broker.check() > 0


async def test_a_server_that_is_no_cluster_is_refused() -> None:
    with running_valkey(free_port()) as alone:
        before = asyncio.all_tasks()
        with pytest.raises(BrokerUnavailable, match="no node of the Redis cluster"):
            async with running(alone.url.replace("redis://", "redis+cluster://"), 1.0):
                pass
        assert asyncio.all_tasks() == before


async def test_check_tries_every_node(shared_cluster: Cluster) -> None:
    async with running(shared_cluster.url) as (broker, _):
        assert await broker.check(Needs(history=True)) > 0
        for node in shared_cluster.nodes:
            with node.client() as client:
                client.config_set("maxmemory", "1")
                with pytest.raises(BrokerUnavailable, match=f"{node.port} refuses.*raise maxmemory"):
                    await broker.check(Needs(history=True))
                client.config_set("maxmemory", "0")
        assert await broker.check(Needs(history=True)) > 0


async def test_a_server_that_is_no_node_is_refused() -> None:
    with (
        running_valkey(free_port()) as valkey,
        pytest.raises(BrokerRefused, match="not a node of a cluster: write redis://"),
    ):
        await RedisBroker(valkey.url.replace("redis:", "redis+cluster:"), timeout=2).start(RecordingListener())
