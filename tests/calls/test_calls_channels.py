"""Messages to users and channels: on this node and on others, in both encodings."""

import msgspec
import pytest

from emmett import App, Channels, Websocket, abort, websocket
from emmett.calls.calls import Calls
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.errors import BrokerUnavailable, UsageError, WebsocketClosed
from emmett.testing import RefusedHandshake, TestWebsocket
from tests.channels.kit import until


class Said(msgspec.Struct):
    text: str


class Node:
    """An application on one node."""

    def __init__(self, bus: MemoryBus) -> None:
        self.app = App(__name__)
        self.channels = Channels(self.app, MemoryBroker(bus), linger=0.0)
        self.channels.namespace("room", presence=True, may_subscribe=lambda name: name != "room:secret")
        self.calls: Calls = self.app.calls("/api", user=lambda: websocket.query_params.user)
        self.calls.emits(Said)
        self.kept: list[Websocket] = []
        self.calls.method()(self.enter)
        self.calls.method()(self.leave)
        self.calls.method()(self.keep)

    async def enter(self, room: str) -> None:
        await self.calls.subscribe(f"room:{room}")

    async def leave(self, room: str) -> None:
        await self.calls.unsubscribe(f"room:{room}")

    def keep(self) -> None:
        self.kept.append(websocket.connection)


async def close_code(websocket: TestWebsocket) -> int:
    with pytest.raises(WebsocketClosed) as raised:
        await websocket.receive()
    return raised.value.code


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


async def test_a_message_to_a_user_reaches_all_nodes(bus: MemoryBus) -> None:
    one, other = Node(bus), Node(bus)
    async with (
        one.app.test_client_async() as client,
        other.app.test_client_async() as far,
        client.calls("/api?user=ada") as first,
        client.calls("/api?user=ada") as second,
        far.calls("/api?user=ada") as third,
        far.calls("/api?user=bob") as bob,
        far.calls("/api") as nobody,
    ):
        # The reply shows that the connection is open and receives messages to its user.
        for api in (first, second, third, bob, nobody):
            await api.leave("x")
        await one.calls.notify(Said("to ada"), user="ada")
        await other.calls.notify(Said("to bob"), user="bob")
        for api in (first, second, third):
            assert await api.event() == ("said", {"text": "to ada"})
        assert await bob.event() == ("said", {"text": "to bob"})
        await one.calls.notify(Said("to no one"), user="eve")
    await until(lambda: one.channels.stats().subscribers + other.channels.stats().subscribers == 0)


async def test_a_message_to_a_channel_reaches_all_nodes(bus: MemoryBus) -> None:
    one, other = Node(bus), Node(bus)
    async with (
        one.app.test_client_async() as client,
        other.app.test_client_async() as far,
        client.calls("/api") as first,
        far.calls("/api") as second,
        far.calls("/api") as third,
    ):
        for api in (first, second, third):
            await api.enter("tea")
            await api.enter("tea")
        await third.leave("tea")
        await third.leave("tea")
        await one.calls.notify(Said("hi"), channel="room:tea")
        await one.calls.notify(Said("again"), channel="room:tea")
        for api in (first, second):
            assert await api.event() == ("said", {"text": "hi"})
            assert await api.event() == ("said", {"text": "again"})
        await third.enter("tea")
        await other.calls.notify(Said("last"), channel="room:tea")
        assert await third.event() == ("said", {"text": "last"})
        with pytest.raises(Exception, match="403"):
            await first.enter("secret")


async def test_message_pack_clients_get_the_same_messages(bus: MemoryBus) -> None:
    node = Node(bus)
    async with (
        node.app.test_client_async() as client,
        client.calls("/api?user=ada") as api,
        client.websocket("/api?user=ada", subprotocols=["jsonrpc-2.0+msgpack"]) as raw,
    ):
        assert raw.subprotocol == "jsonrpc-2.0+msgpack"
        await raw.send(msgspec.msgpack.encode({"jsonrpc": "2.0", "id": 1, "method": "leave", "params": ["x"]}))
        await raw.receive()
        await api.leave("x")
        await node.calls.notify(Said("hi"), user="ada")
        data = await raw.receive()
        assert isinstance(data, bytes)
        assert msgspec.msgpack.decode(data)["params"] == {"text": "hi"}
        assert await api.event() == ("said", {"text": "hi"})


async def test_subscribing_in_on_open_keeps_the_subprotocol(bus: MemoryBus) -> None:
    node = Node(bus)

    @node.calls.on_open
    async def enter() -> None:
        await node.calls.subscribe("room:tea", member="ada")
        await node.calls.notify(Said("welcome"))

    async with (
        node.app.test_client_async() as client,
        client.websocket("/api", subprotocols=["jsonrpc-2.0"]) as raw,
    ):
        assert raw.subprotocol == "jsonrpc-2.0"
        assert "welcome" in str(await raw.receive())
        assert list(await node.channels.presence("room:tea")) == ["ada"]
        await node.calls.notify(Said("hi"), channel="room:tea")
        assert "hi" in str(await raw.receive())
    await until(lambda: not bus.rooms.present("room:tea"))


async def test_subscriptions_of_a_failed_opening_are_left(bus: MemoryBus) -> None:
    node = Node(bus)

    @node.calls.on_open
    async def enter() -> None:
        await node.calls.subscribe("room:tea")
        abort(403)

    async with node.app.test_client_async() as client:
        async with client.websocket("/api") as raw:
            assert await close_code(raw) == 1008
        assert node.channels.stats().subscribers == 0


async def test_a_user_is_refused_while_the_broker_is_unavailable(bus: MemoryBus) -> None:
    """Otherwise the connection would miss messages to its user."""
    node = Node(bus)
    async with node.app.test_client_async() as client, client.calls("/api?user=ada") as api:
        await api.leave("x")
        bus.cut()
        with pytest.raises(BrokerUnavailable):
            await node.calls.notify(Said("hi"), user="ada")
        async with client.websocket("/api?user=bob") as raw:
            assert await close_code(raw) == 1011


async def test_missed_messages_close_the_connection(bus: MemoryBus) -> None:
    """A client that reconnects reads the state again; a client that stayed would not learn of the gap."""
    node = Node(bus)
    async with node.app.test_client_async() as client, client.calls("/api?user=ada") as api:
        await api.leave("x")
        bus.cut()
        bus.mend()
        assert await close_code(api.websocket) == 1013


async def test_a_message_has_exactly_one_destination(bus: MemoryBus) -> None:
    node = Node(bus)
    with pytest.raises(UsageError, match="one destination"):
        await node.calls.notify(Said("hi"), user="ada", channel="room:tea")


async def test_without_channels_what_needs_them_is_an_error() -> None:
    app = App(__name__)
    calls = app.calls("/api")
    calls.emits(Said)
    with pytest.raises(UsageError, match=r"Channels\(app\)"):
        await calls.notify(Said("hi"), channel="room:tea")

    @calls.on_open
    async def enter() -> None:
        with pytest.raises(UsageError, match=r"Channels\(app\)"):
            await calls.subscribe("room:tea")
        with pytest.raises(UsageError, match="ask in a method"):
            await calls.request("confirm")
        abort(401)

    async with app.test_client_async() as client:
        with pytest.raises(RefusedHandshake):
            await client.websocket("/api").__aenter__()


async def test_nothing_is_left_of_a_refused_handshake(bus: MemoryBus) -> None:
    node = Node(bus)

    @node.calls.on_open
    def refuse() -> None:
        abort(401)

    async with node.app.test_client_async() as client:
        with pytest.raises(RefusedHandshake):
            await client.websocket("/api?user=ada").__aenter__()
        assert node.calls.connections == []
        assert node.channels.stats().subscribers == 0


async def test_a_subscription_continues_from_a_position_with_its_own_messages(bus: MemoryBus) -> None:
    node = Node(bus)
    node.channels.namespace("log", history=10)
    recovered: list[bool | None] = []

    @node.calls.method()
    async def follow(since: str) -> None:
        subscription = await node.calls.subscribe("log:1", since=since, encode=lambda publication: publication.data)
        recovered.append(subscription.recovered)

    async with node.app.test_client_async() as client, client.websocket("/api") as raw:
        start = (await node.channels.history("log:1")).top
        await node.channels.publish("log:1", "missed")
        await raw.send_json({"jsonrpc": "2.0", "method": "follow", "params": [str(start)], "id": 1})
        assert await raw.receive() == "missed"
        assert (await raw.receive_json())["id"] == 1
    assert recovered == [True]
