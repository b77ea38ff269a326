from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from emmett.channels import Channels, Position
from emmett.channels.brokers.nats.connection import NatsConnection, Reply
from emmett.channels.brokers.nats.jetstream import MAX_READ_BYTES, MAX_READS
from emmett.channels.brokers.nats.subjects import Subjects
from emmett.channels.brokers.port import KEY_KEPT, Limits, Needs
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.nats.nodes import LIMITS, fresh_channel, keep, node_of, running, until
from tests.channels.kit import MemorySink
from tests.nats import Nats, running_nats
from tests.ports import free_port

SUBJECTS = Subjects("emmett")


@asynccontextmanager
async def running_channels(url: str) -> AsyncIterator[Channels]:
    channels = Channels(None, url)
    channels.namespace("room", history=1000)
    async with channels:
        yield channels


def info(server: Nats, name: str) -> dict[str, Any]:
    with server.client() as client:
        found: dict[str, Any] = client.request(f"$JS.API.STREAM.INFO.{name}")
        return found


async def test_a_server_without_jetstream_is_reported_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    with running_nats("debug: false") as server:
        async with running(server.url) as (broker, listener):
            await broker.subscribe(["room:1"])
            await broker.publish("room:1", b"1", None)
            calls = [
                broker.publish("room:1", b"2", LIMITS),
                broker.history("room:1", None, None, LIMITS),
                broker.join("room:1", "c1", "ada", b"{}", 60.0),
                broker.leave("room:1", "c1"),
                broker.keep("room:1", ["c1"], 60.0),
                broker.present("room:1"),
                broker.take("room:1", 1, 60.0),
            ]
            for call in calls:
                with pytest.raises(BrokerUnavailable, match="start it with -js, or put jetstream"):
                    await call
            await until(lambda: listener.said == [b"1"])
    # It is logged once a minute.
    assert caplog.text.count("start it with -js") == 1


async def test_a_server_that_is_too_old_is_refused(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    open_connection = NatsConnection.open

    async def open_old(self: NatsConnection, name: str, seconds: float) -> None:
        await open_connection(self, name, seconds)
        self.info = {**self.info, "version": "2.10.29"}

    monkeypatch.setattr(NatsConnection, "open", open_old)
    async with running(nats_server.url) as (broker, _):
        with pytest.raises(BrokerUnavailable, match=r"need NATS 2\.11 or newer; this is 2\.10\.29"):
            await keep(broker, fresh_channel(), b"1")


async def test_a_stream_has_the_right_configuration(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        await keep(broker, channel, b"1", Limits(50, 300.0))
    found = info(nats_server, SUBJECTS.stream(channel))
    config, group = found["config"], channel.partition(":")[0]
    assert config["subjects"] == [f"emmett.h.{group}.>"]
    assert config["republish"] == {"src": f"emmett.h.{group}.>", "dest": f"emmett.c.{group}.>"}
    assert config["max_msgs_per_subject"] == 50
    assert config["storage"] == "file"
    # Without a TTL, nothing would ever remove a message.
    assert config["allow_msg_ttl"]


async def test_a_stream_grows_and_never_shrinks(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _), running(nats_server.url) as (other, _):
        for size, expected in ((10, 10), (50, 50), (20, 50)):
            for node in (broker, other):
                await keep(node, channel, b"1", Limits(size, 300.0))
            assert info(nats_server, SUBJECTS.stream(channel))["config"]["max_msgs_per_subject"] == expected
        assert len((await broker.history(channel, None, None, Limits(50, 300.0))).entries) == 6


@pytest.mark.parametrize(("max_age", "expected"), [(0, KEY_KEPT), (60, 30)])
async def test_a_stream_may_remember_ids_for_less_time(nats_server: Nats, max_age: int, expected: float) -> None:
    """Streams made by other programs do, and no stream can remember ids for longer than it keeps messages."""
    channel = fresh_channel()
    name, (source, destination) = SUBJECTS.stream(channel), SUBJECTS.republish(channel)
    config = {
        "name": name,
        "subjects": [source],
        "republish": {"src": source, "dest": destination},
        "allow_direct": True,
        "allow_msg_ttl": True,
        "max_age": max_age * 10**9,
        "duplicate_window": 30 * 10**9,
        "max_msgs_per_subject": 5,
    }
    with nats_server.client() as client:
        assert "error" not in client.request(f"$JS.API.STREAM.CREATE.{name}", config)
    async with running(nats_server.url) as (broker, _):
        for _ in range(2):
            position = await broker.publish_once(channel, b"1", Limits(5, 300.0), "a")
            assert position is not None
            assert position.offset == 1
    found = info(nats_server, name)["config"]
    assert found["duplicate_window"] == expected * 10**9
    assert found["max_msgs_per_subject"] == 5


async def test_many_nodes_may_create_the_stream_at_once(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (first, _), running(nats_server.url) as (second, _):
        nodes = (first, second) * 5
        positions = await asyncio.gather(*(keep(node, channel, b"", Limits(20, 300.0)) for node in nodes))
        assert sorted(positions) == [(positions[0].epoch, number) for number in range(1, 11)]


async def test_an_incompatible_stream_is_refused(nats_server: Nats) -> None:
    channel = fresh_channel()
    name = SUBJECTS.stream(channel)
    with nats_server.client() as client:
        client.request(f"$JS.API.STREAM.CREATE.{name}", {"name": name, "subjects": [f"{channel[:-2]}.x"]})
    async with running(nats_server.url) as (broker, _):
        with pytest.raises(BrokerUnavailable, match=r"an incompatible stream .*: its subjects is"):
            await keep(broker, channel, b"1")


async def test_channels_without_a_namespace_have_a_stream(nats_server: Nats) -> None:
    async with running(nats_server.url, prefix=fresh_channel()) as (broker, listener):
        await broker.subscribe(["ticks", "a.b"])
        first = await keep(broker, "ticks", b"1")
        await keep(broker, "a.b", b"2")
        await until(lambda: listener.payloads == [b"1", b"2"])
        assert listener.reports[0] == ("ticks", "ticks", (b"1", first))
        assert listener.reports[1][1] == "a.b"
        assert (await broker.history("ticks", None, None, LIMITS)).top == first


async def test_the_time_is_that_of_the_server(nats_server: Nats) -> None:
    async with running(nats_server.url) as (broker, _):
        await keep(broker, fresh_channel(), b"1")
        jetstream = node_of(broker).histories._jetstream
        # The server runs on this machine, so the clocks agree.
        assert abs(jetstream.now() - time.time()) < 0.5


async def test_a_wrong_local_clock_does_not_matter(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 0.0)
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        position = await keep(broker, channel, b"1")
        found = await broker.history(channel, None, None, LIMITS)
        assert ([entry.position for entry in found.entries], found.complete) == ([position], True)


async def test_a_large_history_is_read_in_parts(nats_server: Nats) -> None:
    channel, limits = fresh_channel(), Limits(3000, 600.0)
    async with running(nats_server.url, 10.0) as (broker, _), running(nats_server.url, 10.0) as (other, _):
        for number in range(1100):
            await keep(broker, channel, b"%d" % number, limits)
        found = await other.history(channel, None, None, limits)
        assert [entry.payload for entry in found.entries] == [b"%d" % number for number in range(1100)]
        big = channel + ":big"
        for number in range(12):
            await keep(broker, big, b"%d" % number + bytes(900_000), limits)
        found = await other.history(big, None, None, limits)
        assert [int(entry.payload.rstrip(b"\x00")) for entry in found.entries] == list(range(12))


async def test_an_unanswered_request_is_sent_again(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    """This happens when a server of a cluster was killed and the others have not noticed yet."""
    channel, asked, request = fresh_channel(), list[str](), NatsConnection.request

    async def lose_first(
        self: NatsConnection,
        subject: str,
        payload: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        many: bool = False,
    ) -> list[Reply]:
        if subject.startswith("$JS.API.DIRECT.GET."):
            asked.append(subject)
            if asked.count(subject) == 1:
                await asyncio.get_running_loop().create_future()
        return await request(self, subject, payload, headers, many=many)

    async with running(nats_server.url, 5.0) as (broker, _):
        position = await keep(broker, channel, b"1")
        await broker.join(channel, "c1", "ada", b"{}", 60.0)
        asked.clear()
        monkeypatch.setattr(NatsConnection, "request", lose_first)
        assert (await broker.history(channel, None, 0, LIMITS)).top == position
        assert [entry.payload for entry in (await broker.history(channel, None, None, LIMITS)).entries] == [b"1"]
        assert await broker.present(channel) == {"ada": (b"{}", 1)}
    assert len(asked) == 6
    assert all(asked.count(subject) == 2 for subject in asked)


async def test_reads_have_few_bytes_in_transit_however_many_callers_there_are(
    nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """History, presence and healing share one bound, below the server's limit of pending bytes for a client."""
    asked: dict[int, int] = {}
    most = 0
    request = NatsConnection.request

    async def count(
        self: NatsConnection,
        subject: str,
        payload: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        many: bool = False,
    ) -> list[Reply]:
        nonlocal most
        if not many:
            return await request(self, subject, payload, headers)
        number = len(asked) + id(payload)
        asked[number] = json.loads(payload)["max_bytes"]
        most = max(most, sum(asked.values()))
        try:
            return await request(self, subject, payload, headers, many=True)
        finally:
            del asked[number]

    monkeypatch.setattr(NatsConnection, "request", count)
    channel = fresh_channel()
    async with running(nats_server.url, 30.0) as (broker, _):
        await asyncio.gather(*(keep(broker, channel, b"x" * 4600) for _ in range(200)))
        await broker.join(channel, "c1", "ada", b"{}", 60.0)
        calls: list[Awaitable[Any]] = []
        for _ in range(50):
            calls += [broker.history(channel, None, None, LIMITS), broker.present(channel)]
        found = await asyncio.gather(*calls)
        assert {len(each.entries) for each in found[::2]} == {200}
    assert 0 < most <= MAX_READS * MAX_READ_BYTES <= 4 * 1024 * 1024


async def test_two_hundred_reconnecting_clients_do_not_break_the_connection() -> None:
    """Reliability, line 86: all recover, and an unrelated subscriber misses nothing."""
    settings = ("jetstream {{ store_dir: {store} }}", "max_pending: 2MB")
    with running_nats(*settings) as server:
        async with running_channels(server.url) as channels, channels.subscribe("live:1") as live:
            for number in range(4):
                await asyncio.gather(*(channels.publish(f"room:{number}", "x" * 4600) for _ in range(500)))
            tops = [(await channels.history(f"room:{number}", limit=0)).top for number in range(4)]

            async def come_back(number: int) -> tuple[bool | None, int]:
                sink, since = MemorySink(), Position(tops[number % 4].epoch, number // 4)
                async with channels.subscribe(f"room:{number % 4}", since=since, deliver=sink) as subscription:
                    return subscription.recovered, len(sink.messages)

            returning = asyncio.gather(*(come_back(number) for number in range(200)))
            published = 0
            while not returning.done():
                await channels.publish("live:1", str(published))
                assert (await anext(live)).data == str(published)
                published += 1
            assert await returning == [(True, 500 - number // 4) for number in range(200)]
            assert published > 10
            assert channels.stats().gaps == 0
        assert "Slow Consumer" not in server.log()


@pytest.mark.parametrize("leaf_has_jetstream", [False, True])
async def test_a_domain_can_be_reached_through_a_leaf_node(leaf_has_jetstream: bool) -> None:
    """Both servers share the histories and the presence of the hub."""
    port = free_port()
    hub_settings = (
        "jetstream {{ store_dir: {store}, domain: hub }}",
        "server_name: hub",
        f"leafnodes {{{{ listen: 127.0.0.1:{port} }}}}",
    )
    leaf_settings = [
        "server_name: leaf",
        f"leafnodes {{{{ remotes: [{{{{ url: 'nats://127.0.0.1:{port}' }}}}] }}}}",
        *(["jetstream {{ store_dir: {store}, domain: leaf }}"] if leaf_has_jetstream else []),
    ]
    with running_nats(*hub_settings) as hub, running_nats(*leaf_settings) as leaf:
        await until(lambda: "Leafnode connection created" in leaf.log())
        async with (
            running(f"{leaf.url}?domain=hub", 5.0) as (near, near_ear),
            running(f"{hub.url}?domain=hub", 5.0) as (far, far_ear),
        ):
            for broker in (near, far):
                await broker.subscribe(["room:1"])
                await broker.check(Needs(history=True, presence=True))
            assert await near.join("room:1", "c1", "ada", b"{}", 60.0)
            assert await far.present("room:1") == {"ada": (b"{}", 1)}
            assert not await far.join("room:1", "c2", "ada", b"{}", 60.0)
            positions = [await keep(broker, "room:1", b"x") for broker in (near, far, near)]
            assert [position.offset for position in positions] == [1, 2, 3]
            assert (await near.history("room:1", positions[0], None, LIMITS)).top == positions[2]
            await until(lambda: len(near_ear.payloads) == len(far_ear.payloads) == 3)
            assert await far.leave("room:1", "c2") is None
            assert await near.leave("room:1", "c1") == "ada"
        domain = "in domain 'leaf'" if leaf_has_jetstream else "in no domain"
        async with running(f"{leaf.url}?domain=nowhere", 1.0) as (lost, _):
            with pytest.raises(BrokerUnavailable, match=f"no JetStream of domain 'nowhere' .* {domain}"):
                await lost.history("room:1", None, 0, LIMITS)
        if not leaf_has_jetstream:
            async with running(leaf.url, 1.0) as (lost, _):
                with pytest.raises(BrokerUnavailable, match="set domain= in the URL"):
                    await lost.history("room:1", None, 0, LIMITS)
