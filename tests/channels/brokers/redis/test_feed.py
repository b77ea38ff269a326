"""Subscriptions: what becomes of them when the connection goes, and of what strangers publish."""

from __future__ import annotations

import asyncio
import logging
import time
from types import SimpleNamespace

import pytest

from emmett.channels.brokers.port import Limits
from emmett.channels.brokers.redis import feed as module
from emmett.channels.brokers.redis.link import FAIR
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.redis.nodes import running, until
from tests.valkey import Valkey, running_valkey

LIMITS = Limits(1000, 600)


async def test_the_server_kills_the_connection(first_valkey: Valkey) -> None:
    async with running(first_valkey.url) as (broker, ear):
        channels = [f"kill:{number}" for number in range(1500)]
        await broker.subscribe([*channels, "kill:*", "lost:*"])
        with first_valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
            await until(lambda: ear.said == ["lost", "restored"])
            assert client.pubsub_numpat() == 2
            for channel in (channels[0], channels[-1], "lost:1"):
                await broker.publish(channel, channel.encode(), None)
        await until(lambda: len(ear.reports) >= 5)
        assert sorted(ear.payloads) == sorted([b"kill:0", b"kill:0", b"kill:1499", b"kill:1499", b"lost:1"])


async def test_subscribing_while_the_connection_is_being_made_again(first_valkey: Valkey) -> None:
    """A short loss costs nobody an error."""
    async with running(first_valkey.url) as (broker, ear):
        with first_valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
            client.client_kill_filter(_type="normal", skipme=True)
        await until(lambda: "lost" in ear.said)
        await broker.subscribe(["a"])
        await broker.publish("a", b"x", None)
        await until(lambda: ear.reports)
        assert ear.said == ["lost", "restored", b"x"]


async def test_a_node_that_does_not_read_is_cut_off_and_told(first_valkey: Valkey) -> None:
    """The server gives up what its buffer for a subscriber cannot hold; what was lost is in the history."""
    async with running(first_valkey.url) as (broker, ear):
        await broker.subscribe(["a"])
        begin = (await broker.history("a", None, 0, LIMITS)).top
        with first_valkey.client() as client:
            before = client.config_get("client-output-buffer-limit")
            client.config_set("client-output-buffer-limit", "pubsub 100kb 100kb 1")
            # This blocks the event loop, so that nobody reads.
            for _ in range(200):
                client.publish("emmett:a", b"l" + b"x" * 100_000)
            client.config_set("client-output-buffer-limit", before["client-output-buffer-limit"])
        await broker.publish("a", b"kept", LIMITS)
        await until(lambda: "restored" in ear.said)
        assert ear.said.index("lost") + 1 == ear.said.index("restored")
        assert len(ear.reports) < 200
        found = await broker.history("a", begin, None, LIMITS)
        assert found.complete
        assert [entry.payload for entry in found.entries] == [b"kept"]


async def test_silence_is_noticed_in_time() -> None:
    with running_valkey() as valkey:
        async with running(valkey.url, 0.25) as (broker, ear):
            await broker.subscribe(["a"])
            with valkey.paused():
                begin = time.monotonic()
                await until(lambda: "lost" in ear.said)
                assert time.monotonic() - begin < 3
                with pytest.raises(BrokerUnavailable):
                    await broker.subscribe(["b"])
                await broker.unsubscribe(["a"])
            await until(lambda: "restored" in ear.said)
            with valkey.client() as client:
                await until(lambda: client.pubsub_channels() == [])


async def test_strangers_are_logged_once_a_minute(
    first_valkey: Valkey, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.WARNING, "emmett.channels")
    now = 1000.0
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
    async with running(first_valkey.url) as (broker, ear):
        await broker.subscribe(["a:1", "a:*"])
        with first_valkey.client() as client:
            for _ in range(2):
                for channel in (b"emmett:a:1", b"emmett:a:\xff", b"emmett:a: ", b"emmett:a:" + b"x" * 200):
                    client.publish(channel, b"\x80\x04cos\nsystem\n")
                client.publish("emmett:a:1", b"lend")
                await until(lambda: len(ear.reports) % 2 == 0 and ear.reports)
                now += 61
        # By name, and by the pattern.
        await until(lambda: len(ear.reports) == 4)
        assert set(ear.payloads) == {b"end"}
    assert [line.getMessage().partition(" publications")[0] for line in caplog.records] == [
        "channel a:1: passed over 1",
        "channel a:1: passed over 5",
    ]


async def test_many_subscribe_at_once(first_valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    monkeypatch.setattr(module, "MOST_UNCONFIRMED", 20)
    async with running(first_valkey.url) as (broker, ear):
        names = [f"n:{number}{end}" for number in range(100) for end in ("", ":*")]
        await asyncio.gather(*(broker.subscribe([name]) for name in names))
        with first_valkey.client() as client:
            assert (len(client.pubsub_channels("emmett:n:*")), client.pubsub_numpat()) == (100, 100)
            client.client_kill_filter(_type="pubsub")
            await until(lambda: ear.said == ["lost", "restored"])
            assert (len(client.pubsub_channels("emmett:n:*")), client.pubsub_numpat()) == (100, 100)
            await broker.unsubscribe(names)
            await until(lambda: not client.pubsub_channels("emmett:n:*") and not client.pubsub_numpat())


async def test_a_flood_leaves_others_their_turn(first_valkey: Valkey) -> None:
    async with running(first_valkey.url) as (broker, ear):
        await broker.subscribe(["a"])
        turns = 0
        with first_valkey.client() as client, client.pipeline(transaction=False) as pipe:
            for _ in range(2000):
                pipe.publish("emmett:a", b"lx")
            pipe.execute()
        while len(ear.reports) < 2000:
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 2000 // FAIR


async def test_a_listener_that_fails_ends_nothing(first_valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    async with running(first_valkey.url) as (broker, ear):

        def fail(_: str) -> None:
            raise RuntimeError("a mistake")

        ear.on_heard = fail
        await broker.subscribe(["a"])
        for _ in range(2):
            await broker.publish("a", b"x", None)
        await until(lambda: len(ear.reports) == 2)
    assert "a listener of the Redis broker failed" in caplog.text
    assert "lost" not in ear.said
