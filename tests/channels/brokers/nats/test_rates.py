"""Token buckets beyond the contract of brokers: their keys, and the number of requests for a call."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from emmett.channels.brokers.nats import rates
from emmett.channels.brokers.nats.jetstream import JetStream
from emmett.channels.brokers.nats.subjects import Subjects
from tests.channels.brokers.nats.nodes import fresh_channel, node_of, running
from tests.nats import Nats

SUBJECTS = Subjects("emmett")
STREAM = f"KV_{SUBJECTS.rates}"


def message(server: Nats, bucket: str) -> tuple[str, bytes]:
    """Return header fields and content of a key."""
    with server.client() as client:
        question = {"last_by_subj": SUBJECTS.rate(bucket)}
        found: dict[str, Any] = client.request(f"$JS.API.STREAM.MSG.GET.{STREAM}", question)["message"]
    return base64.b64decode(found.get("hdrs", "")).decode(), base64.b64decode(found.get("data", ""))


async def test_a_key_is_deleted_when_its_bucket_is_full(nats_server: Nats) -> None:
    bucket = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        await broker.take(bucket, 10, 600.0)
        head, data = message(nats_server, bucket)
        assert data.isdigit()
        assert "Nats-TTL: 61s" in head
    with nats_server.client() as client:
        config = client.request(f"$JS.API.STREAM.INFO.{STREAM}")["config"]
    assert config["subjects"] == [f"$KV.{SUBJECTS.rates}.>"]
    assert config["max_msgs_per_subject"] == 1


async def test_a_call_takes_one_request_and_a_refusal_none(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, requests = fresh_channel(), list[str]()

    def counting(name: str) -> Any:
        call = getattr(JetStream, name)

        async def count(self: JetStream, *arguments: Any) -> Any:
            requests.append(name)
            return await call(self, *arguments)

        return count

    for name in ("newest", "last", "append"):
        monkeypatch.setattr(JetStream, name, counting(name))
    async with running(nats_server.url) as (broker, _), running(nats_server.url) as (other, _):
        waits = [await broker.take(bucket, 3, 600.0) for _ in range(5)]
        assert [wait == 0.0 for wait in waits] == [True, True, True, False, False]
        assert requests == ["newest", "append", "append", "append"]
        requests.clear()
        assert await other.take(bucket, 3, 600.0) > 0.0
        assert requests == ["newest"]


async def test_a_value_changed_by_another_node_is_read_again(nats_server: Nats) -> None:
    bucket = fresh_channel()
    async with running(nats_server.url) as (broker, _), running(nats_server.url) as (other, _):
        waits = [await each.take(bucket, 3, 600.0) for each in (broker, other, broker, broker, other)]
    assert [wait == 0.0 for wait in waits] == [True, True, True, False, False]


async def test_foreign_values_are_ignored(nats_server: Nats, caplog: pytest.LogCaptureFixture) -> None:
    bucket = fresh_channel()
    values = [b"x", b"-1", b"1.5", b"9" * 30, b"\xff", b"{}", "²".encode()]
    async with running(nats_server.url) as (broker, _):
        for value in values:
            with nats_server.client() as client:
                client.publish(SUBJECTS.rate(bucket), value)
            node_of(broker).rates._known.clear()
            with caplog.at_level(logging.WARNING):
                assert await broker.take(bucket, 1, 600.0) == 0.0
    # It is logged once a minute.
    assert caplog.text.count("no broker of emmett made") == 1


async def test_the_number_of_remembered_buckets_is_bounded(nats_server: Nats, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_KNOWN", 3)
    async with running(nats_server.url) as (broker, _):
        for _ in range(5):
            await broker.take(fresh_channel(), 1, 1.0)
        state = node_of(broker).rates
        assert len(state._known) == 3
        assert not state._turns
