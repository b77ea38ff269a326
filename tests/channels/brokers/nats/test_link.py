from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from emmett.channels.brokers.nats import link as module
from emmett.channels.brokers.nats.connection import NatsConnection
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.nats.nodes import LIMITS, keep, node_of, running, until
from tests.nats import Nats, running_nats, running_nats_cluster

T = TypeVar("T")

STREAMS = ("far-history-room", "KV_far-presence")


async def test_pauses_grow_and_are_random(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    async with running(nats_server.url) as (broker, _):
        link = node_of(broker).link
        connect = link._connect

        async def note(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(0)

        async def fail() -> NatsConnection:
            if len(pauses) < 12:
                raise BrokerUnavailable("the NATS broker does not answer: a test")
            monkeypatch.undo()
            return await connect()

        monkeypatch.setattr(link, "_connect", fail)
        monkeypatch.setattr(random, "random", lambda: 0.5)
        monkeypatch.setattr(link, "_sleep", note)
        assert link.connection is not None
        link.connection.break_off("a test")
        await until(lambda: len(pauses) >= 12)
        assert pauses[:8] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.5, 2.5]
        await until(lambda: link.connection)


async def test_it_subscribes_again_in_batches(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    async with running(nats_server.url) as (broker, listener), running(nats_server.url) as (other, _):
        names = [f"batch:{number}" for number in range(95)]
        await broker.subscribe(names)
        flushes = 0
        flush = NatsConnection.flush

        async def count(self: NatsConnection, *subjects: str) -> None:
            nonlocal flushes
            flushes += 1
            await flush(self, *subjects)

        monkeypatch.setattr(NatsConnection, "flush", count)
        connection = node_of(broker).link.connection
        assert connection is not None
        connection.break_off("a test")
        await until(lambda: listener.said == ["lost", "restored"])
        # Another subscription is for the subject of the answers.
        assert flushes == 10 + 1
        for name in names:
            await other.publish(name, name.encode(), None)
        await until(lambda: len(listener.payloads) == 95)
        assert listener.payloads == [name.encode() for name in names]


async def test_a_silent_server_is_noticed_without_a_call(nats_server: Nats) -> None:
    async with running(nats_server.url, 0.25) as (_, listener):
        nats_server.pause()
        try:
            await until(lambda: "lost" in listener.said)
        finally:
            nats_server.resume()
        await until(lambda: listener.said == ["lost", "restored"])


async def test_a_node_that_does_not_read_is_dropped_and_reports_the_loss() -> None:
    """A slow consumer: the server closes the connection, and its unread messages are a loss."""
    with running_nats("max_pending: 1MB", "max_payload: 1MB") as server:
        async with running(server.url) as (broker, listener):
            await broker.subscribe(["flood"])
            connection = node_of(broker).link.connection
            assert connection is not None
            writer = connection._transport._io_writer
            assert writer is not None
            writer.transport.pause_reading()  # type: ignore[attr-defined]

            def flood() -> None:
                with server.client() as client:
                    for _ in range(200):
                        client.publish("emmett.c.flood", bytes(100_000))

            await asyncio.to_thread(flood)
            writer.transport.resume_reading()  # type: ignore[attr-defined]
            await until(lambda: [word for word in listener.said if isinstance(word, str)] == ["lost", "restored"])
            await broker.publish("flood", b"again", None)
            await until(lambda: listener.said[-1] == b"again")


async def test_a_call_waits_for_the_first_attempt_after_a_loss(
    nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(nats_server.url) as (broker, listener):
        await broker.subscribe(["a"])
        link, attempt = node_of(broker).link, asyncio.Event()
        assert link.connection is not None
        monkeypatch.setattr(link, "_sleep", lambda _: attempt.wait())
        link.connection.break_off("a test")
        await until(lambda: listener.said == ["lost"])
        publishing = asyncio.create_task(broker.publish("a", b"1", None))
        await asyncio.sleep(0)
        assert not publishing.done()
        attempt.set()
        await publishing
        await until(lambda: listener.said == ["lost", "restored", b"1"])


async def test_nothing_piles_up_while_the_server_is_unavailable() -> None:
    with running_nats() as server:
        async with running(server.url, 1.0) as (broker, listener):
            await broker.subscribe(["a"])
            server.kill()
            await until(lambda: "lost" in listener.said)
            for _ in range(100):
                with pytest.raises(BrokerUnavailable):
                    await broker.publish("a", b"too early", None)
            server.start()
            await until(lambda: "restored" in listener.said)
            await broker.publish("a", b"now", None)
            await until(lambda: listener.payloads)
            assert listener.payloads == [b"now"]


async def soon(call: Callable[[], Awaitable[T]]) -> T:
    """Call as soon as JetStream answers: while the servers agree that one is gone, it neither answers nor stores."""
    async with asyncio.timeout(40):
        while True:
            with contextlib.suppress(BrokerUnavailable):
                return await call()


async def test_a_node_switches_to_another_server_of_the_cluster() -> None:
    """A broker given one of three servers finds the others; history and presence survive the loss of one."""
    with running_nats_cluster() as servers:
        # Elections take seconds when the cluster is formed.
        async with running(f"{servers[0].url}?replicas=3", 10.0, "far") as (far, _):
            first = await soon(lambda: keep(far, "room:1", b"1"))
            await far.join("room:1", "c1", "ada", b"{}", 60.0)
            # The server to kill leads none of the streams, so the others can go on without an election.
            with servers[0].client() as client:
                infos = [client.request(f"$JS.API.STREAM.INFO.{name}") for name in STREAMS]
            leaders = {info["cluster"]["leader"] for info in infos}
            assert all(len(info["cluster"]["replicas"]) == 2 for info in infos)
            place = next(number for number in (2, 1, 0) if f"n{number}" not in leaders)
            async with running(f"{servers[place].url}?replicas=3", 10.0, "far") as (broker, listener):
                if place == 0:
                    far = broker
                await broker.subscribe(["room:1"])
                servers[place].kill()
                await until(lambda: listener.said == ["lost", "restored"])
                # The servers exchange subscriptions, but do not report when they are done.
                async with asyncio.timeout(10):
                    while not listener.payloads:
                        await far.publish("room:1", b"0", None)
                        await asyncio.sleep(0.01)
                second = await soon(lambda: keep(far, "room:1", b"2"))
                assert second == (first.epoch, 2)
                await until(lambda: b"2" in listener.payloads)
                found = await soon(lambda: broker.history("room:1", first, None, LIMITS))
                assert ([entry.payload for entry in found.entries], found.complete) == ([b"2"], True)
                assert await soon(lambda: broker.present("room:1")) == {"ada": (b"{}", 1)}
                assert await broker.leave("room:1", "c1") == "ada"


async def test_a_stop_succeeds_even_if_nats_py_loses_the_cancellation(
    nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Code that awaits with `asyncio.wait_for` while connecting may lose a cancellation."""
    begun = asyncio.Event()
    open_connection = NatsConnection.open

    async def open_deaf(self: NatsConnection, name: str, seconds: float) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await open_connection(self, name, seconds)

    tasks = asyncio.all_tasks()
    async with running(nats_server.url) as (broker, listener):
        link = node_of(broker).link
        monkeypatch.setattr(NatsConnection, "open", open_deaf)
        assert link.connection is not None
        link.connection.break_off("a test")
        await begun.wait()
    assert link.connection is None
    await until(lambda: asyncio.all_tasks() <= tasks)
    assert listener.said == ["lost"]
