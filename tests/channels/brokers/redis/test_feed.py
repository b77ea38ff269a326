"""Subscriptions when the connection is lost, and foreign publications."""

from __future__ import annotations

import asyncio
import logging

import pytest

from emmett.channels.brokers.port import Limits
from emmett.channels.brokers.redis import feed as module
from emmett.channels.brokers.redis.broker import RedisBroker
from emmett.channels.brokers.redis.feed import RETRY_EVERY, RedisFeed
from emmett.channels.brokers.redis.link import FAIR
from emmett.errors import BrokerRefused, BrokerUnavailable
from emmett.rare_log import RareLog
from tests.channels.brokers.redis.nodes import running, until
from tests.valkey import Valkey, running_valkey

LIMITS = Limits(1000, 600)
# An access list that permits all channels except those of `secret`.
OPEN = ("~*", "+@all", "resetchannels", "&emmett:open*", "&emmett:open:*", "&emmett:emmett-check:*")


def feed_of(broker: RedisBroker) -> RedisFeed:
    assert broker._servers is not None
    return next(link for link in broker._servers.links() if isinstance(link, RedisFeed))


async def test_a_killed_connection_is_a_reported_loss(first_valkey: Valkey) -> None:
    async with running(first_valkey.url) as (broker, listener):
        channels = [f"kill:{number}" for number in range(1500)]
        await broker.subscribe([*channels, "kill:*", "lost:*"])
        with first_valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
            await until(lambda: listener.said == ["lost", "restored"])
            assert client.pubsub_numpat() == 2
            for channel in (channels[0], channels[-1], "lost:1"):
                await broker.publish(channel, channel.encode(), None)
        await until(lambda: len(listener.reports) >= 5)
        assert sorted(listener.payloads) == sorted([b"kill:0", b"kill:0", b"kill:1499", b"kill:1499", b"lost:1"])


async def test_channels_can_be_subscribed_during_a_reconnection(first_valkey: Valkey) -> None:
    """A short loss causes no error."""
    async with running(first_valkey.url) as (broker, listener):
        with first_valkey.client() as client:
            client.client_kill_filter(_type="pubsub")
            client.client_kill_filter(_type="normal", skipme=True)
        await until(lambda: "lost" in listener.said)
        await broker.subscribe(["a"])
        await broker.publish("a", b"x", None)
        await until(lambda: listener.reports)
        assert listener.said == ["lost", "restored", b"x"]


async def test_a_node_that_does_not_read_is_cut_off_and_reports_the_loss(first_valkey: Valkey) -> None:
    """The server drops a subscriber whose buffer overflows; the lost publications are in the history."""
    async with running(first_valkey.url) as (broker, listener):
        await broker.subscribe(["a"])
        begin = (await broker.history("a", None, 0, LIMITS)).top
        with first_valkey.client() as client:
            before = client.config_get("client-output-buffer-limit")
            client.config_set("client-output-buffer-limit", "pubsub 100kb 100kb 1")
            # This blocks the event loop, so that nothing is read.
            for _ in range(200):
                client.publish("emmett:a", b"l" + b"x" * 100_000)
            client.config_set("client-output-buffer-limit", before["client-output-buffer-limit"])
        await broker.publish("a", b"kept", LIMITS)
        await until(lambda: "restored" in listener.said)
        assert listener.said.index("lost") + 1 == listener.said.index("restored")
        assert len(listener.reports) < 200
        found = await broker.history("a", begin, None, LIMITS)
        assert found.complete
        assert [entry.payload for entry in found.entries] == [b"kept"]


async def test_silence_is_noticed_in_time() -> None:
    with running_valkey() as valkey:
        async with running(valkey.url, 0.25) as (broker, listener):
            await broker.subscribe(["a"])
            with valkey.paused():
                await until(lambda: "lost" in listener.said)
                with pytest.raises(BrokerUnavailable):
                    await broker.subscribe(["b"])
                await broker.unsubscribe(["a"])
            await until(lambda: "restored" in listener.said)
            with valkey.client() as client:
                await until(lambda: client.pubsub_channels() == [])


async def test_foreign_publications_are_logged_once_a_minute(
    first_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "emmett.channels")
    now = 1000.0
    async with running(first_valkey.url) as (broker, listener):
        feed_of(broker)._log = RareLog(module.logger, clock=lambda: now)
        await broker.subscribe(["a:1", "a:*"])
        with first_valkey.client() as client:
            for _ in range(2):
                for channel in (b"emmett:a:1", b"emmett:a:\xff", b"emmett:a: ", b"emmett:a:" + b"x" * 200):
                    client.publish(channel, b"\x80\x04cos\nsystem\n")
                client.publish("emmett:a:1", b"lend")
                await until(lambda: len(listener.reports) % 2 == 0 and listener.reports)
                now += 61
        # Once for the name, and once for the pattern.
        await until(lambda: len(listener.reports) == 4)
        assert set(listener.payloads) == {b"end"}
    first, second = (line.getMessage() for line in caplog.records)
    assert first.startswith("channel a:1: ignored a publication that no broker of emmett made")
    assert second.endswith("(4 more since it was last logged)")


async def test_many_channels_can_be_subscribed_at_once(first_valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 7)
    monkeypatch.setattr(module, "MAX_UNCONFIRMED", 20)
    async with running(first_valkey.url) as (broker, listener):
        names = [f"n:{number}{end}" for number in range(100) for end in ("", ":*")]
        await asyncio.gather(*(broker.subscribe([name]) for name in names))
        with first_valkey.client() as client:
            assert (len(client.pubsub_channels("emmett:n:*")), client.pubsub_numpat()) == (100, 100)
            client.client_kill_filter(_type="pubsub")
            await until(lambda: listener.said == ["lost", "restored"])
            assert (len(client.pubsub_channels("emmett:n:*")), client.pubsub_numpat()) == (100, 100)
            await broker.unsubscribe(names)
            await until(lambda: not client.pubsub_channels("emmett:n:*") and not client.pubsub_numpat())


async def test_a_flood_of_publications_lets_other_tasks_run(first_valkey: Valkey) -> None:
    async with running(first_valkey.url) as (broker, listener):
        await broker.subscribe(["a"])
        turns = 0
        with first_valkey.client() as client, client.pipeline(transaction=False) as pipe:
            for _ in range(2000):
                pipe.publish("emmett:a", b"lx")
            pipe.execute()
        while len(listener.reports) < 2000:
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 2000 // FAIR


async def test_a_failing_listener_ends_nothing(first_valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    async with running(first_valkey.url) as (broker, listener):

        def fail(_: str) -> None:
            raise RuntimeError("a mistake")

        listener.on_heard = fail
        await broker.subscribe(["a"])
        for _ in range(2):
            await broker.publish("a", b"x", None)
        await until(lambda: len(listener.reports) == 2)
    assert "a listener of the Redis broker failed" in caplog.text
    assert "lost" not in listener.said


async def test_a_refused_channel_affects_no_other(first_valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """The server refuses a command as a whole. One call has forbidden channels, and others run at the same time."""
    with first_valkey.user(*OPEN) as url:
        async with running(url) as (broker, listener):
            await broker.subscribe(["open1"])
            wanted = [f"open{number}" for number in range(2, 700)]
            mixed = [*wanted[:300], "secret", *wanted[300:], "secret:*", "secret2"]
            together = [["open1000"], mixed, ["open:*"], ["secret:*"], ["open1001"]]
            answers = await asyncio.gather(*(broker.subscribe(names) for names in together), return_exceptions=True)
            assert [type(answer) for answer in answers] == [
                *(type(None), BrokerRefused, type(None), BrokerRefused, type(None)),
            ]
            assert isinstance(answers[1], BrokerRefused)
            assert answers[1].names == {"secret", "secret2", "secret:*"}
            assert "NOPERM" in answers[1].message
            await broker.subscribe(wanted)
            assert await broker.check() > 0
            for channel in ("open1", "open2", "open699", "open1000", "open:x"):
                await broker.publish(channel, channel.encode(), None)
            await until(lambda: len(listener.reports) == 5)
            assert listener.said == [b"open1", b"open2", b"open699", b"open1000", b"open:x"]
    assert len([line for line in caplog.records if "may not be subscribed to" in line.getMessage()]) == 1


async def test_a_refused_publish_or_script_affects_no_other(first_valkey: Valkey) -> None:
    with first_valkey.user(*OPEN, "resetkeys", "~{emmett:open*") as url:
        async with running(url) as (broker, listener):
            await broker.subscribe(["open1"])
            calls = [
                *(broker.publish("secret", b"x", None), broker.publish("open1", b"1", None)),
                *(broker.publish("secret", b"x", LIMITS), broker.publish("open1", b"2", LIMITS)),
                *(broker.join("secret", "c", "ada", b"", 60), broker.join("open1", "c", "ada", b"", 60)),
            ]
            answers = await asyncio.gather(*calls, return_exceptions=True)
            assert [isinstance(answer, BrokerRefused) for answer in answers] == [True, False] * 3
            await until(lambda: len(listener.reports) == 2)
            assert listener.said == [b"1", b"2"]


async def test_a_channel_refused_on_reconnection_is_tried_again(first_valkey: Valkey) -> None:
    """The other channels are restored. This one stays lost, and is tried again, as the permission may come back."""
    with first_valkey.user(*OPEN) as url, first_valkey.client() as client:
        async with running(url) as (broker, listener):
            lost: list[set[str]] = []
            restored: list[set[str]] = []
            listener.lost = lambda subscribed: lost.append(set(subscribed or ()))  # type: ignore[method-assign]
            listener.restored = lambda subscribed: restored.append(set(subscribed or ()))  # type: ignore[method-assign]
            await broker.subscribe(["open1", "open2", "open:*"])
            client.execute_command("ACL", "SETUSER", "ann", "resetchannels", "&emmett:open2")
            await until(lambda: restored)
            assert (lost, restored) == ([{"open1", "open2", "open:*"}], [{"open2"}])
            client.execute_command("ACL", "SETUSER", "ann", "&emmett:open1")
            feed = feed_of(broker)
            feed._ticks = RETRY_EVERY - 1
            feed.tick()
            await until(lambda: len(restored) == 2)
            assert restored[1] == {"open1"}
            await broker.unsubscribe(["open:*"])
            client.client_kill_filter(_type="pubsub")
            await until(lambda: len(restored) == 3)
            assert (lost[1], restored[2]) == ({"open1", "open2"}, {"open1", "open2"})


async def test_pings_and_unsubscribes_may_be_refused(first_valkey: Valkey) -> None:
    with first_valkey.user(*OPEN, "-ping", "-unsubscribe") as url:
        async with running(url) as (broker, listener):
            await broker.subscribe(["open1", "open2"])
            await broker.unsubscribe(["open2"])
            feed_of(broker)._ping()
            await broker.subscribe(["open3"])
            for channel in ("open1", "open2", "open3"):
                await broker.publish(channel, channel.encode(), None)
            await until(lambda: len(listener.reports) == 2)
            assert listener.said == [b"open1", b"open3"]
