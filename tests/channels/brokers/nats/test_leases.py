"""Leases beyond the contract of brokers: their keys, and values that no broker wrote."""

from __future__ import annotations

import base64
import logging
from typing import Any

import pytest

from emmett.channels.brokers.nats.subjects import Subjects
from tests.channels.brokers.nats.nodes import fresh_channel, running
from tests.nats import Nats

SUBJECTS = Subjects("emmett")
STREAM = f"KV_{SUBJECTS.rates}"


async def test_the_server_deletes_a_key_some_time_after_its_lease(nats_server: Nats) -> None:
    lease = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        assert await broker.hold(lease, "ada", 60.0)
        with nats_server.client() as client:
            question = {"last_by_subj": SUBJECTS.lease(lease)}
            found: dict[str, Any] = client.request(f"$JS.API.STREAM.MSG.GET.{STREAM}", question)["message"]
    assert "Nats-TTL: 61s" in base64.b64decode(found["hdrs"]).decode()
    assert base64.b64decode(found["data"]).endswith(b" ada")


async def test_a_lease_and_a_token_bucket_may_have_the_same_name(nats_server: Nats) -> None:
    name = fresh_channel()
    async with running(nats_server.url) as (broker, _):
        assert await broker.take(name, 1, 600.0) == 0.0
        assert await broker.hold(name, "ada", 60.0)
        assert await broker.take(name, 1, 600.0) > 0.0
        assert not await broker.hold(name, "bob", 60.0)


async def test_a_foreign_value_is_no_lease(nats_server: Nats, caplog: pytest.LogCaptureFixture) -> None:
    lease = fresh_channel()
    caplog.set_level(logging.WARNING, "emmett.channels")
    async with running(nats_server.url) as (broker, _):
        assert await broker.hold(lease, "ada", 60.0)
        with nats_server.client() as client:
            client.request(SUBJECTS.lease(lease), "strange")
        assert await broker.hold(lease, "bob", 60.0)
    assert "a lease with b'" in caplog.text
