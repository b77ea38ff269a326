"""A service that Sentinels watch over: its primary is found, also after a failover."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from emmett.channels.brokers.port import Limits, Needs
from emmett.channels.brokers.redis import RedisBroker
from emmett.channels.brokers.redis.sentinels import LOOK_EVERY
from emmett.errors import BrokerRefused, BrokerUnavailable
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.redis.nodes import running, until
from tests.channels.brokers.redis.services import SERVICE, Service, running_service
from tests.ports import free_port
from tests.tools import tool
from tests.valkey import running_sentinel, running_valkey

LIMITS = Limits(1000, 600)
NEEDS = Needs(history=True, presence=True)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as service:
        yield service


def connected_to(broker: RedisBroker) -> set[str]:
    assert broker._servers is not None
    return {link.address.label for link in broker._servers.links() if link.address is not None and link.is_up}


async def test_a_failover_by_command_is_followed(service: Service) -> None:
    """The old primary becomes a replica. Every confirmed publication is received, or a loss is reported."""
    async with running(service.url) as (broker, listener):
        await broker.subscribe(["a"])
        assert await broker.check(NEEDS) > 0
        first = await broker.publish("a", b"before", LIMITS)
        await until(lambda: listener.said == [b"before"])
        before = service.primary()
        await asyncio.to_thread(service.fail_over)
        assert service.primary() != before
        new = {f"127.0.0.1:{service.primary()}"}
        # A publication made before the subscription is restored would not be received.
        await until(lambda: connected_to(broker) == new and listener.said[-1] == "restored", 30)
        second = None
        async with asyncio.timeout(20):
            while second is None:
                try:
                    second = await broker.publish("a", b"after", LIMITS)
                except BrokerUnavailable:
                    await asyncio.sleep(0.02)
        await until(lambda: listener.said and listener.said[-1] == b"after")
        assert "lost" in listener.said
        assert first is not None
        # The new primary may lack confirmed publications, so earlier positions are no longer valid.
        assert second.epoch != first.epoch
        found = await broker.history("a", first, None, LIMITS)
        assert not found.complete
        assert await broker.check(NEEDS) > 0


async def test_a_killed_primary_is_replaced() -> None:
    with running_service() as service:
        async with running(service.url) as (broker, listener):
            await broker.subscribe(["a"])
            primary, replica = service.servers
            primary.kill()
            await until(lambda: connected_to(broker) == {replica.address} and listener.said[-1] == "restored", 40)
            await broker.publish("a", b"after", LIMITS)
            await until(lambda: listener.said[-1] == b"after")


async def test_a_primary_cut_off_from_its_sentinels_is_left(service: Service) -> None:
    """Its connections stay open and it accepts writes, so the Sentinels must be asked repeatedly."""
    with running_valkey(free_port()) as stale:
        async with running(service.url) as (broker, _):
            servers = broker._servers
            assert servers is not None
            primary = f"127.0.0.1:{service.primary()}"
            for link in servers.links():
                assert link.address is not None
                link.address = link.address.move("127.0.0.1", stale.port)
            for _ in range(LOOK_EVERY):
                servers.look()
            await until(lambda: connected_to(broker) == {primary})
            assert await broker.publish("a", b"x", LIMITS)


async def test_unresponsive_sentinels_are_skipped(service: Service) -> None:
    hosts = [sentinel.address for sentinel in service.sentinels]
    with service.sentinels[0].paused():
        for first in ("127.0.0.1:1", hosts[0]):
            async with running(f"redis+sentinel://{first},{hosts[1]}/{SERVICE}") as (broker, _):
                assert await broker.check(NEEDS) > 0
    with pytest.raises(BrokerUnavailable, match=r"no Sentinel at 127\.0\.0\.1:1 names the primary of service 'main'"):
        await RedisBroker("redis+sentinel://127.0.0.1:1/main", timeout=1).start(RecordingListener())


async def test_wrong_addresses_and_passwords_are_refusals(service: Service) -> None:
    sentinel = service.sentinels[0].address
    with running_valkey(free_port()) as valkey:
        for url, message in (
            (f"redis+sentinel://{sentinel}/other", "knows no service 'other'"),
            (f"redis+sentinel://{valkey.address}/main", "is not a Sentinel"),
            (f"redis+sentinel://ann:wrong@{sentinel}/main", "WRONGPASS"),
            (f"redis+sentinel://{sentinel}/main?sentinel_password=wrong", "WRONGPASS|AUTH"),
            (f"redis://{sentinel}", r"it is a Sentinel: write redis\+sentinel://"),
        ):
            with pytest.raises(BrokerRefused, match=message) as raised:
                await RedisBroker(url, timeout=2).start(RecordingListener())
            assert ":wrong" not in str(raised.value)


async def test_a_replica_that_a_sentinel_calls_primary_is_not_used() -> None:
    """It has just lost that role, and the next attempt may find the new primary."""
    with (
        running_valkey(free_port()) as primary,
        running_sentinel() as sentinel,
        sentinel.client() as client,
        primary.client() as server,
    ):
        server.replicaof("127.0.0.1", 1)
        client.sentinel_monitor(SERVICE, "127.0.0.1", primary.port, 2)
        url = f"redis+sentinel://{sentinel.address}/{SERVICE}"
        with pytest.raises(BrokerUnavailable, match="as the primary, but it is a replica") as raised:
            await RedisBroker(url, timeout=2).start(RecordingListener())
        assert not isinstance(raised.value, BrokerRefused)
        server.replicaof("NO", "ONE")
        async with running(url) as (broker, _):
            assert await broker.check(NEEDS) > 0


async def test_servers_and_sentinels_may_have_different_passwords() -> None:
    with running_service(1, password="pw", sentinel_password="other") as service:
        async with running(f"{service.url}?sentinel_password=other") as (broker, _):
            assert await broker.check(NEEDS) > 0
        with pytest.raises(BrokerRefused, match=r"NOAUTH|Authentication"):
            await RedisBroker(service.url, timeout=2).start(RecordingListener())


@pytest.mark.needs("redis-server")
async def test_the_sentinel_of_redis_works_too() -> None:
    with running_service(1, [tool("redis-server"), "--sentinel"]) as service:
        async with running(service.url) as (broker, _):
            assert await broker.check(NEEDS) > 0


async def test_it_can_be_stopped_while_the_sentinels_are_asked(service: Service) -> None:
    before = asyncio.all_tasks()
    for turns in range(10):
        async with running(service.url) as (broker, _):
            assert broker._servers is not None
            for _ in range(LOOK_EVERY):
                broker._servers.look()
            for _ in range(turns):
                await asyncio.sleep(0)
        assert asyncio.all_tasks() == before
