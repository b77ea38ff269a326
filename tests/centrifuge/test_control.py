from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emmett import App, Channels
from emmett.centrifuge import Centrifuge
from emmett.centrifuge.control import NAMESPACE, Order
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.errors import ChannelDenied
from tests.centrifuge.kit import SECRET, Service, token
from tests.channels.kit import turns


@contextlib.asynccontextmanager
async def two_nodes() -> AsyncIterator[tuple[Service, Service]]:
    """Run two nodes that share a broker."""
    bus = MemoryBus()
    one, two = (Service(MemoryBroker(bus), secret=SECRET) for _ in range(2))
    for each in (one, two):
        each.open_namespace("room", history=5)
    async with one.run(), two.run():
        yield one, two


async def test_a_user_can_be_disconnected_on_every_node() -> None:
    async with (
        two_nodes() as (one, two),
        one.connected(token=token(sub="42")) as here,
        two.connected(token=token(sub="42")) as there,
        two.connected(token=token(sub="43")) as other,
    ):
        kept = one.centrifuge.clients[0].id
        await one.centrifuge.server.disconnect("42", keep=[kept])
        assert await there.ended() == (3503, "force disconnect")
        assert await here.ask(ping={}) == {"ping": {}}
        assert await other.ask(ping={}) == {"ping": {}}
        await two.centrifuge.server.disconnect("42", client=kept, code=4000, reason="moved")
        assert await here.ended() == (4000, "moved")


async def test_subscriptions_and_expiry_can_be_changed_on_another_node() -> None:
    async with two_nodes() as (one, two), two.connected(token=token(sub="42")) as client:
        server = one.centrifuge.server
        await server.subscribe("42", "room:1", data={"why": "invited"})
        subscribed = await client.push()
        assert (subscribed["channel"], subscribed["subscribe"]["data"]) == ("room:1", {"why": "invited"})
        await server.publish("room:1", {"n": 1}, tags={"a": "b"})
        assert (await client.push())["pub"] == {"data": {"n": 1}, "offset": 1, "tags": {"a": "b"}}
        await server.publish("room:1", {"n": 2}, skip_history=True)
        assert (await client.push())["pub"] == {"data": {"n": 2}}
        await client.subscribe("room:2")
        await server.unsubscribe("42")
        left = {(await client.push())["channel"] for _ in range(2)}
        assert left == {"room:1", "room:2"}
        await server.refresh("42", expires_at=4_000_000_000)
        assert (await client.push())["refresh"]["expires"] is True
        await server.refresh("42")
        assert (await client.push())["refresh"] == {}
        await server.refresh("42", expired=True)
        assert await client.ended() == (3005, "connection expired")


async def test_an_order_may_name_its_clients() -> None:
    async with two_nodes() as (one, _), one.connected(token=token()) as client:
        for order in (one.centrifuge.server.disconnect(""), one.centrifuge.server.unsubscribe("")):
            with pytest.raises(ValueError, match="expected a user or the id of a client"):
                await order
        with pytest.raises(ValueError, match="999"):
            await one.centrifuge.server.disconnect("42", code=999)
        await one.centrifuge._control.send(Order("disconnect", code=3503, reason="all"))
        await turns(50)
        assert await client.ask(ping={}) == {"ping": {}}


@pytest.mark.parametrize("data", ["no JSON", '{"action":"burn"}', "[]"])
async def test_an_unreadable_order_is_ignored(data: str, caplog: pytest.LogCaptureFixture) -> None:
    async with two_nodes() as (one, two), two.connected(token=token(sub="42")) as client:
        await one.channels.publish(f"{NAMESPACE}:centrifuge", data, check=False)
        await turns(50)
        assert "ignored an unreadable order" in caplog.text
        await one.centrifuge.server.disconnect("42")
        assert await client.ended() == (3503, "force disconnect")


async def test_clients_cannot_use_the_control_channels() -> None:
    service = Service()

    @service.centrifuge.on_subscribe
    def subscribe(*_: Any) -> bool:
        return True

    @service.centrifuge.on_publish
    def publish(*_: Any) -> bool:
        return True

    async with service.run(), service.connected() as client:
        channel = f"{NAMESPACE}:centrifuge"
        assert await client.error(subscribe={"channel": channel}) == 103
        assert await client.error(publish={"channel": channel, "data": {"action": "disconnect"}}) == 103


async def test_a_survey_works_with_a_single_process() -> None:
    service = Service(secret=SECRET)
    service.open_namespace("room")
    async with (
        service.run(),
        service.connected(token=token(sub="42")) as one,
        service.connected(token=token(sub="42")) as two,
    ):
        await one.subscribe("room:1")
        await two.subscribe("room:1")
        await two.subscribe("room:2")
        server = service.centrifuge.server
        assert await server.channels() == {"room:1": 2, "room:2": 1}
        assert await server.channels("*:2") == {"room:2": 1}
        (node,) = await server.nodes()
        assert (node.node, node.clients, node.users, node.subscriptions) == (service.centrifuge.node, 2, 1, 3)


async def test_it_works_in_a_program_without_a_server() -> None:
    bus = MemoryBus()
    service = Service(MemoryBroker(bus), secret=SECRET)
    app = App(__name__)
    channels = Channels(app, MemoryBroker(bus))
    centrifuge = Centrifuge(app, channels)
    async with service.run(), service.connected(token=token(sub="42")) as client, channels:
        await centrifuge.server.disconnect("42")
        assert await client.ended() == (3503, "force disconnect")
        with pytest.raises(ChannelDenied):
            await centrifuge.server.subscribe("42", "a b")
