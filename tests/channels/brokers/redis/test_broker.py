"""The contract of brokers: on one server, on one that keeps its data, on two, and on a cluster.

One server is tested with the whole contract, the others with the parts that may differ there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from redis.crc import key_slot

from emmett.channels.brokers.port import Limits
from emmett.channels.brokers.redis import RedisBroker
from emmett.errors import BrokerUnavailable, ConfigurationError, UsageError
from emmett.testing.brokers import BrokerContract
from emmett.testing.brokers.history import HistoryContract
from emmett.testing.brokers.kit import Hooks
from emmett.testing.brokers.lifecycle import LifecycleContract
from emmett.testing.brokers.outage import OutageContract
from emmett.testing.brokers.patterns import PatternsContract
from emmett.testing.brokers.presence import PresenceContract
from emmett.testing.brokers.publishing import PublishingContract
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.redis.nodes import until
from tests.valkey import Cluster, Valkey, running_valkey

# Payloads that resemble those that emmett publishes.
HOSTILE = (
    *(b"h", b"h:", b"h::", b"habc", b"habc:", b"habc:1", b"habc:0:x", b"habc:-1:x", b"habc:1e3:x", b"h:1:x", b"l"),
    *(b"ha b:1:x", b"h\xff:1:x", b"habc:99999999999999999:x", b"h" + b"a" * 79 + b":1:x", b"habc: 1:x", b"H1:1:x"),
)


class OnServers(Hooks):
    """The hooks that the classes below share."""

    servers: Sequence[Valkey]
    url: str
    hostile = (*Hooks.hostile, *HOSTILE)
    # The servers of these tests answer within a millisecond or not at all.
    timeout = 1.0
    answers_within = 5.0

    async def make_broker(self) -> RedisBroker:
        return RedisBroker(self.url, timeout=self.timeout)

    async def kill(self) -> None:
        for server in self.servers:
            server.kill()

    async def restart(self) -> None:
        for server in self.servers:
            await asyncio.to_thread(server.start)

    async def freeze(self) -> None:
        for server in self.servers:
            server.pause()

    async def thaw(self) -> None:
        for server in self.servers:
            server.resume()

    async def inject(self, channel: str, payload: bytes) -> None:
        for server in self.servers:
            with server.client() as client:
                client.publish(f"emmett:{channel}", payload)


class TestOneServer(OnServers, BrokerContract):
    @pytest.fixture(autouse=True)
    def shared(self, first_valkey: Valkey) -> None:
        self.servers, self.url = [first_valkey], first_valkey.url


class Chosen(OutageContract):
    """Run some of the tests of loss: each takes seconds, and for the others one server is enough."""

    chosen: tuple[str, ...]

    @pytest.fixture(autouse=True)
    def choose(self, request: pytest.FixtureRequest) -> None:
        if request.function.__name__ not in self.chosen:
            pytest.skip("shown on one server")


class TestOneServerThatKeepsItsData(OnServers, Chosen):
    chosen = ("test_history_after_an_outage_is_never_silently_wrong", "test_publishers_that_try_again")

    @pytest.fixture(autouse=True)
    def shared(self, durable_valkey: Valkey) -> None:
        self.servers, self.url = [durable_valkey], durable_valkey.url


class OnSeveral(OnServers):
    """One server may be reported as restored before another one answers."""

    brokers: list[RedisBroker]

    async def make_broker(self) -> RedisBroker:
        self.brokers.append(await super().make_broker())
        return self.brokers[-1]

    async def restart(self) -> None:
        await super().restart()
        await self.wait()
        for broker in self.brokers:
            while True:
                try:
                    await broker.check()
                except BrokerUnavailable as error:
                    if "not started" in str(error):
                        break
                    await asyncio.sleep(0.01)
                else:
                    break

    async def wait(self) -> None:
        """Wait until the servers themselves are healthy."""


class TestTwoServers(OnSeveral, PublishingContract, PatternsContract, LifecycleContract, OutageContract):
    @pytest.fixture(autouse=True)
    def shared(self, first_valkey: Valkey, second_valkey: Valkey) -> None:
        self.brokers, self.servers = [], [first_valkey, second_valkey]
        self.url = f"{first_valkey.url},{second_valkey.url}"


class OnCluster(OnSeveral):
    """All three nodes stop and restart, which takes two seconds until they accept calls again."""

    @pytest.fixture(autouse=True)
    def shared(self, shared_cluster: Cluster) -> None:
        self.brokers = []
        self.cluster, self.servers, self.url = shared_cluster, shared_cluster.nodes, shared_cluster.url

    async def wait(self) -> None:
        await asyncio.to_thread(self.cluster.wait)

    async def thaw(self) -> None:
        await super().thaw()
        await self.wait()

    async def inject(self, channel: str, payload: bytes) -> None:
        node = self.servers[key_slot(channel.encode()) % len(self.servers)]
        with node.client() as client:
            client.publish(f"emmett:{channel}", payload)


class TestCluster(
    OnCluster, PublishingContract, PatternsContract, HistoryContract, PresenceContract, LifecycleContract
):
    """The tests in which no server fails."""


class TestClusterThatGoes(OnCluster, Chosen):
    chosen = (
        "test_history_after_an_outage_is_never_silently_wrong",
        "test_stop_while_the_server_does_not_answer",
    )


@pytest.mark.parametrize("prefix", ["", "a b", "a{b}", "a*", "é", "a" * 101])
def test_an_invalid_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="prefix="):
        RedisBroker("redis://localhost", prefix=prefix)


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_an_invalid_timeout_is_refused(timeout: float) -> None:
    with pytest.raises(ConfigurationError, match="timeout="):
        RedisBroker("redis://localhost", timeout=timeout)


async def test_starting_twice_is_an_error(first_valkey: Valkey) -> None:
    broker = RedisBroker(first_valkey.url)
    await broker.start(RecordingListener())
    with pytest.raises(UsageError, match="already started"):
        await broker.start(RecordingListener())
    await broker.stop()


async def test_prefixes_do_not_mix(first_valkey: Valkey) -> None:
    one, other = RedisBroker(first_valkey.url, prefix="one"), RedisBroker(first_valkey.url, prefix="other")
    listener = RecordingListener()
    await one.start(listener)
    await other.start(RecordingListener())
    await one.subscribe(["a", "a:*"])
    await other.publish("a", b"other", None)
    await other.join("a", "c", "ada", b"", 60)
    await one.publish("a", b"one", None)
    await one.check()
    await until(lambda: listener.said)
    assert listener.payloads == [b"one"]
    assert await one.present("a") == {}
    await one.stop()
    await other.stop()


@pytest.mark.parametrize("url", ["redis://ann:secret@127.0.0.1:1/0", "redis+cluster://ann:secret@127.0.0.1:1"])
async def test_no_error_contains_the_password(url: str, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1") as raised:
        await RedisBroker(url, timeout=1).start(RecordingListener())
    assert "secret" not in str(raised.value) + repr(raised.value) + caplog.text
    assert raised.value.__cause__ is None


async def test_foreign_data_in_the_history_is_an_error(first_valkey: Valkey) -> None:
    broker = RedisBroker(first_valkey.url, prefix="strange")
    await broker.start(RecordingListener())
    limits = Limits(10, 60)
    for number in range(3):
        await broker.publish("a", b"%d" % number, limits)
    with first_valkey.client() as client:
        client.xdel("{strange:a}:log", client.xrange("{strange:a}:log")[1][0])
        found = await broker.history("a", None, None, limits)
        assert not found.complete
        client.delete("{strange:a}:log")
        client.xadd("{strange:a}:log", {"x": "y"}, id="1-9999999999999")
        client.set("{strange:b}:top", "no hash")
    with pytest.raises(BrokerUnavailable, match="no broker of emmett wrote"):
        await broker.history("a", None, None, limits)
    with pytest.raises(BrokerUnavailable, match="WRONGTYPE"):
        await broker.publish("b", b"x", limits)
    await broker.stop()


@pytest.mark.parametrize("durable", ["yes", "no"])
async def test_positions_survive_a_crash_of_a_server_declared_durable(durable: str) -> None:
    limits = Limits(10, 60)
    with running_valkey(appendonly="yes", appendfsync="always") as valkey:
        broker = RedisBroker(f"{valkey.url}?durable={durable}", timeout=5)
        await broker.start(RecordingListener())
        before = await broker.publish("a", b"1", limits)
        valkey.kill()
        await asyncio.to_thread(valkey.start)
        # The first calls after a crash may fail, because they discover it.
        found = None
        async with asyncio.timeout(15):
            while found is None:
                try:
                    found = await broker.history("a", before, None, limits)
                except BrokerUnavailable:
                    await asyncio.sleep(0.01)
        after = await broker.publish("a", b"2", limits)
        await broker.stop()
    assert before is not None
    assert after is not None
    assert after.offset == before.offset + 1
    assert found.complete == (after.epoch == before.epoch) == (durable == "yes")
