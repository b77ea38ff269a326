"""Presence beyond the contract of brokers: keys in the bucket, and foreign entries there."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import pytest

from emmett.channels.brokers.nats import presence
from emmett.channels.brokers.nats.subjects import Subjects
from tests.channels.brokers.nats.nodes import fresh_channel, node_of, running
from tests.nats import Nats

SUBJECTS = Subjects("emmett")
STREAM = f"KV_{SUBJECTS.bucket}"


def message(server: Nats, channel: str, member: str) -> tuple[str, bytes]:
    """Return header fields and content of a key."""
    with server.client() as client:
        question = {"last_by_subj": SUBJECTS.member(channel, member)}
        found: dict[str, Any] = client.request(f"$JS.API.STREAM.MSG.GET.{STREAM}", question)["message"]
    return base64.b64decode(found.get("hdrs", "")).decode(), base64.b64decode(found.get("data", ""))


async def test_every_key_expires(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        await broker.join(channel, "c1", "ada", b"{}", 60.0)
        head, data = message(nats_server, channel, "ada")
        assert b'"member":"ada"' in data
        life = int(head.partition("Nats-TTL: ")[2].partition("s")[0])
        assert 3_600 <= life <= 3_665
        await broker.leave(channel, "c1")
        head, data = message(nats_server, channel, "ada")
        assert data == b""
        assert "KV-Operation: DEL" in head
        assert "Nats-TTL: 61s" in head


async def test_presence_is_stored_in_a_key_value_bucket(nats_server: Nats) -> None:
    async with running(nats_server.url) as (broker, _):
        await broker.present(fresh_channel())
    with nats_server.client() as client:
        config = client.request(f"$JS.API.STREAM.INFO.{STREAM}")["config"]
    assert config["subjects"] == [f"$KV.{SUBJECTS.bucket}.>"]
    assert config["max_msgs_per_subject"] == 1
    assert config["allow_rollup_hdrs"]
    assert config["deny_delete"]


async def test_foreign_entries_are_ignored(nats_server: Nats, caplog: pytest.LogCaptureFixture) -> None:
    channel = fresh_channel()
    values = [
        *(b"x", b"{}", b"[]", b"null", b"\xff", b"[" * 10_000, b'{"member":1,"info":"","connections":{}}'),
        *(b'{"member":"ada","info":"e30=","connections":{"c":"x"}}', b"\x80\x04\x95\x00."),
        b'{"member":"somebody else","info":"e30=","connections":{"c":99999999999}}',
    ]
    async with running(nats_server.url) as (broker, _):
        await broker.join(channel, "c0", "bob", b"{}", 60.0)
        for value in values:
            with nats_server.client() as client:
                client.publish(SUBJECTS.member(channel, "ada"), value)
            assert await broker.present(channel) == {"bob": (b"{}", 1)}
            assert await broker.leave(channel, "c") is None
            assert await broker.keep(channel, ["c0"], 60.0) == []
            assert await broker.join(channel, "c1", "ada", b"1", 60.0) is True
            assert await broker.present(channel) == {"bob": (b"{}", 1), "ada": (b"1", 1)}
            assert await broker.leave(channel, "c1") == "ada"
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_a_deleted_bucket_is_created_again(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        await broker.join(channel, "c1", "ada", b"{}", 60.0)
        with nats_server.client() as client:
            assert client.request(f"$JS.API.STREAM.DELETE.{STREAM}")["success"]
        assert await broker.join(channel, "c1", "ada", b"{}", 60.0) is True
        with nats_server.client() as client:
            assert client.request(f"$JS.API.STREAM.DELETE.{STREAM}")["success"]
        assert await broker.present(channel) == {}
        assert await broker.leave(channel, "c1") is None
        assert await broker.keep(channel, ["c1"], 60.0) == []


async def test_a_connection_may_be_known_to_another_node(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _), running(nats_server.url) as (other, _):
        await broker.join(channel, "c1", "ada", b"{}", 60.0)
        await broker.join(channel, "c2", "ada", b"{}", 60.0)
        assert await other.leave(channel, "c1") is None
        assert await other.leave(channel, "c2") == "ada"
        assert await broker.leave(channel, "c2") is None


async def test_a_connection_may_change_its_member(nats_server: Nats) -> None:
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        assert await broker.join(channel, "c1", "ada", b"{}", 60.0) is True
        assert await broker.join(channel, "c1", "bob", b"{}", 60.0) is True
        assert await broker.present(channel) == {"bob": (b"{}", 1)}


async def test_a_large_room_works(nats_server: Nats) -> None:
    channel, names = fresh_channel(), [f"c{number}" for number in range(1_200)]
    async with running(nats_server.url, 10.0) as (broker, _), running(nats_server.url, 10.0) as (other, _):
        joined = await asyncio.gather(*(broker.join(channel, name, name, b"{}", 60.0) for name in names))
        assert all(joined)
        assert await broker.keep(channel, names, 60.0) == []
        assert len(await other.present(channel)) == 1_200
        left = await asyncio.gather(*(broker.leave(channel, name) for name in names))
        assert left == names
        assert await other.present(channel) == {}


async def test_the_number_of_remembered_connections_is_bounded(
    nats_server: Nats, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "MAX_KNOWN", 5)
    channel = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        for number in range(20):
            await broker.join(channel, f"c{number}", f"m{number}", b"{}", 60.0)
        assert len(node_of(broker).presence._known) == 5
        assert [await broker.leave(channel, f"c{number}") for number in range(20)] == [f"m{n}" for n in range(20)]
