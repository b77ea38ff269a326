"""`check` on NATS: it tries everything that the application needs, and names what is missing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from emmett.channels.brokers.nats import NatsBroker
from emmett.channels.brokers.port import NO_NEEDS, Needs
from emmett.errors import BrokerRefused
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.nats.nodes import running
from tests.nats import Nats, running_nats

USERS = """authorization {{
  users: [
    {{ user: all, password: secret }}
    {{ user: mute, password: secret, permissions: {{ publish: {{ deny: "emmett.>" }} }} }}
    {{ user: deaf, password: secret, permissions: {{ subscribe: {{ deny: "emmett.>" }} }} }}
    {{ user: brief, password: secret, permissions: {{ publish: {{ deny: "$JS.>" }} }} }}
  ]
}}"""
BOTH = Needs(history=True, presence=True)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Nats]:
    with running_nats("jetstream {{ store_dir: {store} }}", USERS) as server:
        yield server


def url_of(server: Nats, user: str) -> str:
    return server.url.replace("nats://", f"nats://{user}:secret@")


async def test_a_healthy_server_passes(guarded: Nats) -> None:
    async with running(url_of(guarded, "all")) as (broker, listener):
        for needs in (NO_NEEDS, BOTH):
            assert await broker.check(needs) > 0
        assert listener.said == []


async def test_a_server_without_jetstream_is_reported() -> None:
    with running_nats("debug: false") as server:
        async with running(server.url) as (broker, _):
            assert await broker.check(NO_NEEDS) > 0
            for needs in (Needs(history=True), Needs(presence=True)):
                with pytest.raises(BrokerRefused, match=r"has no JetStream.*start it with -js"):
                    await broker.check(needs)


@pytest.mark.parametrize(
    ("user", "needs", "what"),
    [
        ("mute", NO_NEEDS, r"does not permit publish: emmett\."),
        ("deaf", NO_NEEDS, r"does not permit subscription: emmett\."),
        ("brief", Needs(history=True), r"does not permit publish: \$JS"),
        ("brief", Needs(presence=True), r"does not permit publish: \$JS"),
    ],
)
async def test_missing_permissions_are_named(guarded: Nats, user: str, needs: Needs, what: str) -> None:
    async with running(url_of(guarded, user)) as (broker, _):
        with pytest.raises(BrokerRefused, match=what):
            await broker.check(needs)


async def test_a_refused_subscription_is_named(guarded: Nats) -> None:
    async with running(url_of(guarded, "deaf")) as (broker, _):
        with pytest.raises(BrokerRefused) as raised:
            await broker.subscribe(["a", "b:*"])
        assert raised.value.names == {"a", "b:*"}


async def test_a_wrong_password_is_a_refusal(guarded: Nats) -> None:
    with pytest.raises(BrokerRefused, match="check the user, the password and the keys") as raised:
        await NatsBroker(url_of(guarded, "all").replace("secret", "wrong"), timeout=2).start(RecordingListener())
    assert "wrong" not in str(raised.value)
