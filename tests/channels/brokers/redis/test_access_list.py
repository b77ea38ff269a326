"""The access lists of docs/channels.md and docs/sessions.md: they suffice, and every rule is necessary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from emmett.channels.brokers.port import Limits, Needs
from emmett.channels.brokers.redis import RedisBroker
from emmett.errors import BrokerUnavailable
from emmett.sessions import StoreUnavailable
from emmett.sessions.redis_store import RedisStore
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.redis.nodes import running, until
from tests.channels.brokers.redis.services import running_service
from tests.imports import ROOT
from tests.sessions.store_contract import keeps_and_forgets
from tests.valkey import Cluster, Valkey, running_redis

CHANNELS = (ROOT / "docs" / "channels.md").read_text("utf-8")
SESSIONS = (ROOT / "docs" / "sessions.md").read_text("utf-8")
RULES = re.findall(r"(?<=\s)[~&+-][^\s]+", re.findall(r"ACL SETUSER shop(.*?)```", CHANNELS, re.DOTALL)[0])
OF_CLUSTERS = ["+cluster|slots", "+asking"]
LIMITS = Limits(10, 60)


@pytest.fixture(scope="module", params=["valkey", pytest.param("redis", marks=pytest.mark.needs("redis-server"))])
def server(request: pytest.FixtureRequest, first_valkey: Valkey) -> Iterator[Valkey]:
    if request.param == "valkey":
        yield first_valkey
        return
    with running_redis() as redis:
        yield redis


async def use(broker: RedisBroker, listener: RecordingListener) -> None:
    """Do everything that an application can do, twice: the second time there is data to continue from."""
    for turn in range(2):
        await broker.check(Needs(history=True, presence=True))
        await broker.subscribe(["room:1", "room:*"])
        count = len(listener.reports)
        await broker.publish("room:1", b"x", None)
        top = await broker.publish("room:1", b"x", LIMITS)
        await until(lambda count=count: len(listener.reports) == count + 4)  # type: ignore[misc]
        await broker.history("room:1", top, None, LIMITS)
        for connection in ("a", "b"):
            await broker.join("room:1", connection, "ada", b"{}", 60)
        await broker.keep("room:1", ["a", "b"], 60)
        assert list(await broker.present("room:1")) == ["ada"]
        await broker.join("room:2", "late", "bob", b"{}", 0.001)
        await broker.keep("room:2", [], 60)
        assert await broker.leave("room:1", "a") is None
        assert await broker.leave("room:1", "b") == "ada"
        assert await broker.take(f"bucket:{turn}", 1, 60) == 0.0
        assert await broker.hold(f"lease:{turn}", "ada", 60)
        await broker.release(f"lease:{turn}", "ada")
        await broker.unsubscribe(["room:1", "room:*"])
        assert broker._servers is not None
        feeds = broker._servers.feeds_of("room:*")
        for feed in feeds:
            feed._ping()
        await broker.subscribe([f"room:{turn}"])
        if turn == 0:
            for link in broker._servers.links():
                link.drop("for the test")


async def test_the_access_list_suffices(server: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    with server.user(*RULES) as url, server.client() as client:
        client.flushall()
        client.script_flush()
        async with running(url) as (broker, listener):
            await use(broker, listener)
    assert "refuse" not in caplog.text
    assert "may not be" not in caplog.text


async def test_the_access_list_suffices_for_a_cluster(
    shared_cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    with with_user(shared_cluster.nodes, *RULES, *OF_CLUSTERS):
        async with running(shared_cluster.url.replace("://", "://ann:secret@")) as (broker, listener):
            await use(broker, listener)
    assert "refuse" not in caplog.text


@contextmanager
def with_user(nodes: Sequence[Valkey], *rules: str) -> Iterator[None]:
    """Let a user log in at all nodes."""
    try:
        for node in nodes:
            with node.client() as client:
                client.execute_command("ACL", "SETUSER", "ann", "reset", "on", ">secret", *rules)
        yield
    finally:
        for node in nodes:
            with node.client() as client:
                client.execute_command("ACL", "DELUSER", "ann")


# Refusing these does no harm: publications to a channel that was left are ignored, and any answer is a sign of life.
HARMLESS = {"+unsubscribe", "+punsubscribe", "+ping"}


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule not in {"-@all", *HARMLESS}])
async def test_every_rule_of_the_access_list_is_necessary(rule: str, first_valkey: Valkey) -> None:
    with first_valkey.user(*(each for each in RULES if each != rule)) as url, first_valkey.client() as client:
        client.flushall()
        client.script_flush()
        with pytest.raises(BrokerUnavailable, match="NOPERM"):
            async with running(url) as (broker, listener):
                await use(broker, listener)


async def test_another_database_needs_select(first_valkey: Valkey) -> None:
    with first_valkey.user(*RULES) as url, pytest.raises(BrokerUnavailable, match="NOPERM"):
        await RedisBroker(f"{url}?db=1").start(RecordingListener())
    with first_valkey.user(*RULES, "+select") as url:
        async with running(f"{url}?db=1") as (broker, _):
            assert await broker.check(Needs(True, True)) > 0


async def test_the_access_list_of_sentinels_suffices() -> None:
    rules = re.findall(r"\+(?:client|sentinel)[^\s`]*", CHANNELS[CHANNELS.index("If the Sentinels have users") :])[:2]
    assert rules == ["+client|setname", "+sentinel|get-master-addr-by-name"]
    with running_service(1) as service, with_user(service.sentinels, *rules):
        login = "?sentinel_username=ann&sentinel_password=secret"
        async with running(service.url + login) as (broker, _):
            assert await broker.check(Needs(True, True)) > 0
        store = RedisStore(service.url + login, prefix="p:", timeout=5, max_connections=1)
        with pytest.raises(StoreUnavailable):
            await store.get("a")
        await store.shutdown()
    with running_service(1) as service, with_user(service.sentinels, "+sentinel|masters"):
        store = RedisStore(service.url + login, prefix="p:", timeout=5, max_connections=1)
        assert await store.get("a") is None
        await store.shutdown()


async def test_the_access_list_of_sessions_suffices(server: Valkey) -> None:
    rules = re.findall(r"`(~emmett:session:\* [^`]*)`", SESSIONS)[0].split()
    with server.user("-@all", *rules) as url:
        redis = RedisStore(url, prefix="emmett:session:", timeout=5, max_connections=2)
        await keeps_and_forgets(redis)
        await redis.shutdown()
