"""Cases beyond the contract of brokers: lost answers, lost messages, foreign messages in the stream."""

from __future__ import annotations

import asyncio
import base64
import logging

import pytest

from emmett.channels.brokers.nats import history
from emmett.channels.brokers.nats.connection import INBOX, NatsConnection
from emmett.channels.brokers.nats.subjects import Subjects
from emmett.channels.brokers.port import Entry, Limits
from emmett.channels.publication import Position
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.nats.nodes import LIMITS, fresh_channel, keep, node_of, running, until
from tests.nats import Nats

SUBJECTS = Subjects("emmett")


def texts(entries: object) -> list[bytes]:
    assert isinstance(entries, list)
    return [entry.payload for entry in entries if isinstance(entry, Entry)]


def count(server: Nats, channel: str) -> int:
    """Return how many messages the stream of a channel holds."""
    with server.client() as client:
        found: int = client.request(f"$JS.API.STREAM.INFO.{SUBJECTS.stream(channel)}")["state"]["messages"]
        return found


def delete_last(server: Nats, channel: str) -> None:
    """Let the server lose the last message of a channel."""
    with server.client() as client:
        stream = SUBJECTS.stream(channel)
        sequence = client.request(f"$JS.API.STREAM.INFO.{stream}")["state"]["last_seq"]
        assert client.request(f"$JS.API.STREAM.MSG.DELETE.{stream}", {"seq": sequence})["success"]


async def test_a_publication_whose_answer_was_lost_is_kept_once(
    nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel, is_deaf = fresh_channel(), False
    take = NatsConnection.take

    def lose(self: NatsConnection, number: int, subject: bytes, data: bytes, headers: bytes) -> None:
        if not (is_deaf and number == INBOX):
            take(self, number, subject, data, headers)

    monkeypatch.setattr(NatsConnection, "take", lose)
    async with running(nats_server.url, 0.5) as (broker, _):
        first = await keep(broker, channel, b"1")
        is_deaf = True
        with pytest.raises(BrokerUnavailable):
            await keep(broker, channel, b"maybe")
        is_deaf = False
        assert await keep(broker, channel, b"3") == (first.epoch, 3)
        found = await broker.history(channel, first, None, LIMITS)
        assert (texts(found.entries), found.complete) == ([b"maybe", b"3"], True)


async def test_a_loss_of_the_server_begins_another_epoch(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _), running(nats_server.url) as (other, _):
        positions = [await keep(broker, channel, b"%d" % number) for number in range(1, 4)]
        delete_last(nats_server, channel)
        # A node that never saw the message cannot know of it; a node that did must not assign its offset again.
        assert (await other.history(channel, None, 0, LIMITS)).top == positions[1]
        after = await keep(broker, channel, b"another 3")
        assert after.epoch != positions[0].epoch
        assert after.offset == 1
        for node in (broker, other):
            found = await node.history(channel, positions[2], None, LIMITS)
            assert (texts(found.entries), found.complete, found.top) == ([b"another 3"], False, after)


async def test_reading_notices_the_loss_too(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        positions = [await keep(broker, channel, b"%d" % number) for number in range(1, 4)]
        delete_last(nats_server, channel)
        found = await broker.history(channel, positions[2], None, LIMITS)
        assert not found.complete
        assert found.top.epoch != positions[0].epoch
        assert (await keep(broker, channel, b"4")) == (found.top.epoch, 1)


async def test_a_deleted_stream_is_created_again(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, listener):
        await broker.subscribe([channel])
        first = await keep(broker, channel, b"1")
        with nats_server.client() as client:
            assert client.request(f"$JS.API.STREAM.DELETE.{SUBJECTS.stream(channel)}")["success"]
        second = await keep(broker, channel, b"2")
        assert second.epoch != first.epoch
        with nats_server.client() as client:
            assert client.request(f"$JS.API.STREAM.DELETE.{SUBJECTS.stream(channel)}")["success"]
        found = await broker.history(channel, second, None, LIMITS)
        assert (found.complete, found.top.offset) == (False, 0)
        await until(lambda: listener.payloads == [b"1", b"2"])


async def test_foreign_messages_in_the_stream_begin_another_epoch(
    nats_server: Nats, caplog: pytest.LogCaptureFixture
) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, listener):
        await broker.subscribe([channel])
        first = await keep(broker, channel, b"1")
        with nats_server.client() as client:
            for headers in (b"", b"Emmett-At: x\r\n", b"Emmett-At: e:1:3:1:1\r\n", b"Emmett-At: e:0:1:1:1\r\n"):
                client.publish(SUBJECTS.kept(channel), b"strange", headers)
                found = await broker.history(channel, first, None, LIMITS)
                assert (texts(found.entries), found.complete) == ([], False)
                assert found.top.epoch != first.epoch
                second = await keep(broker, channel, b"2")
                assert second == (found.top.epoch, 1)
                client.publish(SUBJECTS.kept(channel), b"strange", headers)
                third = await keep(broker, channel, b"3")
                assert third.epoch != second.epoch
        await until(lambda: listener.payloads.count(b"3") == 4)
        assert all(entry.position is None for _, _, entry in listener.reports if entry.payload == b"strange")
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_hostile_header_fields_do_no_harm(nats_server: Nats, caplog: pytest.LogCaptureFixture) -> None:
    channel = fresh_channel()
    fields = [
        *(b"Emmett-At:\r\n", b"Emmett-At: e:1:2:1:1\r\n", b"Emmett-At: e:1:x:1:1\r\n", b"Emmett-At: \xff\r\n"),
        *(b"Emmett-At: e:1:9999:1:1\r\n", b"Emmett-At: " + b"9" * 4000 + b":1:1:1:1\r\n", b"no colon\r\n", b": x\r\n"),
    ]
    async with running(nats_server.url) as (broker, listener):
        await broker.subscribe([channel, channel[:-1] + "*"])
        position = await keep(broker, channel, b"1")
        with nats_server.client() as client:
            for headers in fields * 3:
                client.publish(SUBJECTS.live(channel), b"strange", headers)
            # A position beyond the stream, as if it came from there: it must not mislead any node.
            forged = f"Emmett-At: {position.epoch}:9:1:1:1\r\nNats-Sequence: 99\r\n".encode()
            client.publish(SUBJECTS.live(channel), b"forged", forged)
        await until(lambda: listener.payloads.count(b"forged") == 2)
        after = await keep(broker, channel, b"2")
        await until(lambda: listener.payloads.count(b"2") == 2)
        found = await broker.history(channel, position, None, LIMITS)
        assert (texts(found.entries), found.top) == ([b"2"], after)
        assert found.complete == (after.epoch == position.epoch)
        assert not {"lost", "restored"} & set(listener.said)
    assert len([record for record in caplog.records if "no broker of emmett" in record.message]) == 1


async def test_concurrent_publications_share_messages(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, listener):
        await broker.subscribe([channel])
        await keep(broker, channel, b"0")
        positions = await asyncio.gather(*(keep(broker, channel, b"%d" % number) for number in range(1, 501)))
        assert [position.offset for position in positions] == list(range(2, 502))
        assert count(nats_server, channel) <= 20
        found = await broker.history(channel, None, None, LIMITS)
        assert texts(found.entries) == [b"%d" % number for number in range(501)]
        found = await broker.history(channel, positions[300], 5, LIMITS)
        assert texts(found.entries) == [b"%d" % number for number in range(302, 307)]
        await until(lambda: len(listener.reports) == 501)
        assert [entry.position.offset for _, _, entry in listener.reports if entry.position] == list(range(1, 502))


async def test_a_publisher_that_never_pauses_does_not_starve_others(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (busy, _), running(nats_server.url) as (other, _):
        is_over, done = False, 0

        async def publish() -> None:
            nonlocal done
            while not is_over:
                await keep(busy, channel, b"busy")
                done += 1

        task = asyncio.ensure_future(publish())
        waits = []
        for number in range(20):
            before = done
            await keep(other, channel, b"%d" % number)
            waits.append(done - before)
        is_over = True
        await task
        # Either publisher may win each conflict. The median of 20 shows how often the other one wins in a row.
        assert sorted(waits)[10] < 50, f"publications of the other one in between: {waits}"


async def test_reading_keeps_an_epoch_alive(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, listener):
        await broker.subscribe([channel])
        top = (await broker.history(channel, None, None, LIMITS)).top
        assert (top.offset, count(nats_server, channel)) == (0, 1)
        for _ in range(3):
            await broker.history(channel, top, None, LIMITS)
        assert count(nats_server, channel) == 1
        # This has the effect of two days passing.
        monkeypatch.setattr(history, "LIFE_AT_LEAST", 3 * history.LIFE_BEYOND)
        for number, limit in enumerate((0, None, 5)):
            found = await broker.history(channel, top, limit, LIMITS)
            assert (found.entries, found.top, found.complete) == ([], top, True)
            assert count(nats_server, channel) == 2 + number
        position = await keep(broker, channel, b"1")
        assert position == (top.epoch, 1)
        found = await broker.history(channel, top, None, LIMITS)
        assert (texts(found.entries), found.top, found.complete) == ([b"1"], position, True)
        await until(lambda: listener.payloads)
        assert listener.payloads == [b"1"], "marks must not be delivered"


async def test_no_message_outlives_a_later_one(nats_server: Nats) -> None:
    """Otherwise an offset could be assigned twice, after the last messages have expired."""
    channel = fresh_channel()
    lives: list[int] = []
    async with running(nats_server.url) as (broker, _), running(nats_server.url) as (other, listener):
        await other.subscribe([channel])
        await keep(broker, channel, b"1", Limits(10, 30 * 86_400.0))
        await until(lambda: listener.payloads)
        for number, node in enumerate((broker, other, broker)):
            await keep(node, channel, b"2", Limits(10, 1.0))
            with nats_server.client() as client:
                request = {"last_by_subj": SUBJECTS.kept(channel)}
                message = client.request(f"$JS.API.STREAM.MSG.GET.{SUBJECTS.stream(channel)}", request)["message"]
            assert message["seq"] == number + 2
            lives.append(int(_field(message["hdrs"], "Nats-TTL").removesuffix("s")))
    assert min(lives) >= 32 * 86_400


async def test_too_many_waiting_publications_are_refused(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_WAITING", 10)
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        calls = [asyncio.ensure_future(keep(broker, channel, b"1")) for _ in range(30)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        refused = [result for result in results if isinstance(result, BrokerUnavailable)]
        assert len(refused) == 20
        assert all("too slow" in str(error) for error in refused)
        assert (await keep(broker, channel, b"2")).offset == 11


async def test_the_number_of_remembered_channels_is_bounded(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_KNOWN", 5)
    group = fresh_channel()[:-2]
    async with running(nats_server.url) as (broker, _):
        for turn in range(1, 3):
            for number in range(20):
                assert (await keep(broker, f"{group}:{number}", b"")).offset == turn
        assert len(node_of(broker).histories._channels) <= 5


async def test_a_cancelled_publisher_delays_no_other(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        calls = [asyncio.ensure_future(keep(broker, channel, b"%d" % number)) for number in range(10)]
        await asyncio.sleep(0)
        for call in calls[1::2]:
            call.cancel()
        results = await asyncio.gather(*calls, return_exceptions=True)
        offsets = [result.offset for result in results if isinstance(result, Position)]
        assert offsets == sorted(set(offsets))
        assert len(offsets) == 5
        last = await keep(broker, channel, b"last")
        assert last.offset == (await broker.history(channel, None, 0, LIMITS)).top.offset


def _field(encoded: str, name: str) -> str:
    lines = base64.b64decode(encoded).decode().split("\r\n")
    return next(line.partition(": ")[2] for line in lines if line.startswith(f"{name}:"))
