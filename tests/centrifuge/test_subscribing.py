from __future__ import annotations

import asyncio
from typing import Any

from emmett.centrifuge import allow
from emmett.channels.brokers.memory import MemoryBus
from tests.centrifuge.kit import SECRET, Service, soon, token
from tests.channels.kit import TestBroker, turns


def recoverable(**options: Any) -> Service:
    service = Service(TestBroker(MemoryBus()), **options)
    service.open_namespace("room", history=5, presence=True, join_leave=True)
    service.open_namespace("price", history=5)
    service.open_namespace("plain")
    return service


async def publish(service: Service, channel: str, *data: Any) -> None:
    for each in data:
        await service.channels.publish(channel, each, check=False)


def data_of(result: Any) -> list[Any]:
    return [each["data"] for each in result.get("publications", [])]


async def test_a_subscription_without_history_has_no_position() -> None:
    service = recoverable()
    async with service.run(), service.connected() as client:
        assert await client.subscribe("plain:1", recover=True, epoch="x", offset=4) == {}
        await publish(service, "plain:1", "hi", {"a": 1})
        assert [(await client.push())["pub"] for _ in range(2)] == [{"data": "hi"}, {"data": {"a": 1}}]


async def test_a_client_recovers_what_it_missed_once_and_in_order() -> None:
    service = recoverable()
    async with service.run():
        async with service.connected() as client:
            first = await client.subscribe("room:1")
            assert (first["recoverable"], first["positioned"], "offset" in first) == (True, True, False)
            await publish(service, "room:1", 1)
            while "pub" not in await client.push():
                pass
        await publish(service, "room:1", 2, 3, 4)
        async with service.connected() as client:
            result = await client.subscribe("room:1", recover=True, epoch=first["epoch"], offset=1)
            assert (result["was_recovering"], result["recovered"], result["offset"]) == (True, True, 1)
            assert [(each["offset"], each["data"]) for each in result["publications"]] == [(2, 2), (3, 3), (4, 4)]
            await publish(service, "room:1", 5)
            pushed = [await client.push(), await client.push()]
            assert [each["pub"] for each in pushed if "pub" in each] == [{"data": 5, "offset": 5}]


async def test_what_is_published_during_a_recovery_follows_it() -> None:
    service = recoverable()
    broker = service.channels._broker
    assert isinstance(broker, TestBroker)
    async with service.run(), service.connected() as client:
        await publish(service, "price:1", 1, 2)
        answers = broker.close_answers()
        await client.send({"id": 50, "subscribe": {"channel": "price:1", "recover": True, "offset": 1}})
        await turns()
        await publish(service, "price:1", 3)
        answers.set()
        await turns()
        await publish(service, "price:1", 4)
        found = await client.receive()
        seen = data_of(found["subscribe"])
        while len(seen) < 3:
            seen.append((await client.push())["pub"]["data"])
        assert seen == [2, 3, 4]


async def test_a_lost_position_is_not_recovered_in_part() -> None:
    service = recoverable()
    async with service.run(), service.connected() as client:
        await publish(service, "room:1", *range(9))
        result = await client.subscribe("room:1", recover=True, epoch="", offset=2)
        assert (result["was_recovering"], "recovered" in result, data_of(result)) == (True, False, [])
        assert result["offset"] == 9
        await client.ask(unsubscribe={"channel": "room:1"})
        # With this flag the client gets an error instead of an unrecovered subscription.
        assert await client.error(subscribe={"channel": "room:1", "recover": True, "offset": 2, "flag": 2}) == 112
        result = await client.subscribe("room:1", recover=True, epoch="another", offset=9)
        assert "recovered" not in result


async def test_the_number_of_recovered_publications_is_limited() -> None:
    service = recoverable(max_recovered=2)
    async with service.run(), service.connected() as client:
        await publish(service, "room:1", *range(5))
        assert "recovered" not in await client.subscribe("room:1", recover=True, offset=2)
        await client.ask(unsubscribe={"channel": "room:1"})
        assert data_of(await client.subscribe("room:1", recover=True, offset=3)) == [3, 4]


async def test_in_cache_mode_only_the_newest_publication_is_recovered() -> None:
    service = recoverable(cache="price")
    async with service.run(), service.connected() as client:
        result = await client.subscribe("price:1", recover=True)
        assert (result["recovered"], data_of(result)) == (True, [])
        await client.ask(unsubscribe={"channel": "price:1"})
        await publish(service, "price:1", *range(9))
        result = await client.subscribe("price:1", recover=True, epoch=result["epoch"])
        assert (result["recovered"], data_of(result), result["offset"]) == (True, [8], 9)


async def test_a_gap_makes_the_client_subscribe_again() -> None:
    bus = MemoryBus()
    service = Service(TestBroker(bus))
    service.open_namespace("room", history=5)
    async with service.run(), service.connected() as client:
        first = await client.subscribe("room:1")
        await publish(service, "room:1", 1)
        assert (await client.push())["pub"]["data"] == 1
        bus.cut()
        bus.forget()
        bus.mend()
        assert await client.push() == {
            "channel": "room:1",
            "unsubscribe": {"code": 2500, "reason": "insufficient state"},
        }
        assert service.subscribers == 0
        result = await client.subscribe("room:1", recover=True, epoch=first["epoch"], offset=1)
        assert "recovered" not in result


async def test_a_gap_in_a_server_side_subscription_disconnects() -> None:
    bus = MemoryBus()
    service = Service(TestBroker(bus), secret=SECRET, personal_channels=True)
    service.channels.namespace("", history=5)
    async with service.run(), service.connected(token=token(sub="42")) as client:
        await publish(service, "#42", 1)
        assert (await client.push())["pub"]["data"] == 1
        bus.cut()
        bus.forget()
        bus.mend()
        assert await client.ended() == (3010, "insufficient state")


async def test_joins_and_leaves_reach_other_subscribers() -> None:
    service = recoverable()
    async with service.run(), service.connected() as one:
        await one.subscribe("room:1")
        own = (await one.push())["join"]["info"]["client"]
        async with service.connected() as other:
            await other.subscribe("room:1")
            joined = (await one.push())["join"]["info"]
            assert joined["client"] != own
            present = (await one.ask(presence={"channel": "room:1"}))["presence"]["presence"]
            assert present.keys() == {own, joined["client"]}
        assert (await one.push())["leave"]["info"] == joined


async def test_a_subscription_expires_unless_it_is_refreshed() -> None:
    service = Service(secret=SECRET, expire_grace=0.01)
    async with service.run(), service.connected(token=token(sub="42")) as client:
        result = await client.subscribe("a", token=token(sub="42", channel="a", exp=soon(100)))
        assert (result["expires"], result["ttl"] <= 100) == (True, True)
        found = await client.ask(sub_refresh={"channel": "a", "token": token(sub="42", channel="a", exp=soon(200))})
        assert found["sub_refresh"]["ttl"] > 100
        assert await client.error(sub_refresh={"channel": "a", "token": token(sub="42", channel="a", exp=1)}) == 109
        assert await client.error(sub_refresh={"channel": "b", "token": ""}) == 103
        await client.subscribe("b", token=token(sub="42", channel="b", exp=soon(1)))
        assert await client.push() == {"channel": "b", "unsubscribe": {"code": 2501, "reason": "subscription expired"}}


async def test_400_subscriptions_with_tokens_are_answered_in_one_frame() -> None:
    service = Service(secret=SECRET, max_channels=400)
    commands = [
        {"id": 1000 + n, "subscribe": {"channel": f"c:{n}", "token": token(sub="42", channel=f"c:{n}", info="x" * 60)}}
        for n in range(400)
    ]
    async with service.run(), service.connected(token=token(sub="42")) as client:
        assert sum(len(str(command)) for command in commands) > 100_000
        await client.send(*commands)
        assert [await client.receive() for _ in commands] == [{"id": each["id"], "subscribe": {}} for each in commands]


async def test_without_a_token_a_subscription_that_expires_ends_without_grace() -> None:
    service = Service()
    service.centrifuge.on_subscribe(lambda client, channel, data: allow(expires_at=soon(1)))
    async with service.run(), service.connected() as client:
        # If the expiry were sent, an SDK would want a token, and give up without one. After 2501 it subscribes again.
        assert await client.subscribe("a") == {}
        assert await client.push() == {"channel": "a", "unsubscribe": {"code": 2501, "reason": "subscription expired"}}
        assert await client.subscribe("a") == {}


async def test_an_expired_subscription_is_refused() -> None:
    """After code 2501 the SDK would subscribe again and again."""
    service = Service()
    service.centrifuge.on_subscribe(lambda client, channel, data: allow(expires_at=1))
    async with service.run(), service.connected() as client:
        assert await client.error(subscribe={"channel": "a"}) == 110
        assert service.centrifuge.clients[0].channels == []


async def test_a_subscription_by_the_server_that_expires_ends_the_connection() -> None:
    """SDKs do not return to it by themselves."""
    service = Service(api_keys="key")
    async with service.run(), service.connected() as client:
        (own,) = service.centrifuge.clients
        await service.centrifuge.server.subscribe("", "a", client=own.id, expires_at=soon(1))
        assert (await client.push())["channel"] == "a"
        assert await client.ended() == (3006, "subscription expired")


async def test_an_unsubscribe_of_the_server_during_a_subscribe_wins() -> None:
    service = recoverable()
    broker = service.channels._broker
    assert isinstance(broker, TestBroker)
    async with service.run(), service.connected() as client:
        gate = broker.close_gate("subscribe")
        await client.send({"id": 50, "subscribe": {"channel": "room:1"}})
        await turns()
        (own,) = service.centrifuge.clients
        await own.unsubscribe("room:1")
        gate.set()
        assert (await client.receive())["error"]["code"] == 100
        assert own.channels == []
        assert service.subscribers == 0


async def test_an_unavailable_broker_is_a_temporary_error_and_nothing_is_left() -> None:
    service = recoverable()
    broker = service.channels._broker
    assert isinstance(broker, TestBroker)
    async with service.run(), service.connected() as client:
        for method in ("subscribe", "history", "join"):
            broker.failing = {method}
            assert await client.error(subscribe={"channel": "room:1"}) == 100
            assert service.subscribers == 0
        broker.failing = set()
        assert (await client.subscribe("room:1"))["recoverable"] is True


async def test_a_client_that_does_not_read_is_disconnected_as_slow() -> None:
    service = Service(write_high_water=1024, write_limit=2048)
    service.open_namespace("room", queue_messages=2)
    async with service.run(), service.connected() as client:
        await client.subscribe("room:1")
        (own,) = service.centrifuge.clients
        subscriber = own.subscriptions["room:1"].subscriber
        assert subscriber is not None
        subscriber.take = lambda _: False
        await publish(service, "room:1", *range(4))
        assert await client.ended() == (3008, "slow")
        await asyncio.sleep(0)
