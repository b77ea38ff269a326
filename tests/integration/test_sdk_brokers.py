"""SDK clients of two nodes with real brokers between them: recovery, presence and orders across nodes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.centrifuge.kit import SECRET, Service, token
from tests.nats import running_nats
from tests.valkey import running_valkey


@contextlib.contextmanager
def running_broker(kind: str) -> Iterator[str]:
    if kind == "nats":
        with running_nats() as nats:
            yield nats.url
    else:
        with running_valkey() as valkey:
            yield valkey.url


@contextlib.contextmanager
def forgetting_broker(kind: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """Run a server, and yield its URL and a function that restarts it without its data."""
    if kind == "nats":
        with running_nats() as nats:

            def restart_nats() -> None:
                nats.kill()
                nats.start_empty()

            yield nats.url, restart_nats
    else:
        with running_valkey() as valkey:

            def restart_valkey() -> None:
                valkey.kill()
                valkey.start()
                with valkey.client() as client:
                    client.flushall()

            yield valkey.url, restart_valkey


@pytest.fixture(params=["valkey", "nats"], scope="module")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with running_broker(request.param) as found:
        yield found


def node(url: str) -> Service:
    service = Service(url, secret=SECRET)
    service.open_namespace("room", history=100, presence=True, join_leave=True)
    return service


async def test_a_client_reconnects_to_another_node(url: str) -> None:
    one, two = node(url), node(url)
    async with one.run(), two.run():
        async with one.connected(token=token(sub="42")) as client:
            first = await client.subscribe("room:1")
            for number in range(3):
                await one.channels.publish("room:1", number)
            seen: list[int] = []
            while len(seen) < 3:
                found = await client.push()
                seen += [found["pub"]["data"]] if "pub" in found else []
        for number in range(3, 9):
            await one.channels.publish("room:1", number)
        async with two.connected(token=token(sub="42")) as client:
            position = {"epoch": first.get("epoch"), "offset": first.get("offset", 0) + 3}
            result = await client.subscribe("room:1", recover=True, **position)
            assert result["recovered"] is True
            seen += [each["data"] for each in result["publications"]]
            await one.channels.publish("room:1", 9)
            while len(seen) < 10:
                found = await client.push()
                seen += [found["pub"]["data"]] if "pub" in found else []
            assert seen == list(range(10))
            history = (await client.ask(history={"channel": "room:1", "limit": 2, "reverse": True}))["history"]
            assert [each["data"] for each in history["publications"]] == [9, 8]
            history = (await client.ask(history={"channel": "room:1", "limit": 2}))["history"]
            assert [each["data"] for each in history["publications"]] == [0, 1]
            assert len(await one.centrifuge.server.presence("room:1")) == 1
            lost = await client.error(subscribe={"channel": "room:2", "recover": True, "epoch": "x", "flag": 2})
            assert lost == 112
            await one.centrifuge.server.disconnect("42")
            assert await client.ended() == (3503, "force disconnect")


@pytest.mark.parametrize("kind", ["valkey", "nats"])
async def test_a_broker_that_loses_positions_ends_subscriptions(kind: str) -> None:
    """The server is restarted empty: subscriptions end with 2500, and connections with subscriptions by the server."""
    with forgetting_broker(kind) as (url, restart):
        service = Service(url, secret=SECRET, personal_channels=True)
        service.open_namespace("room", history=100)
        service.channels.namespace("", history=100)
        # Only this client has its own channel.
        personal, anonymous = token(sub="42"), token()
        async with (
            service.run(),
            service.connected(token=anonymous) as client,
            service.connected(token=personal) as server_side,
        ):
            first = await client.subscribe("room:1")
            for channel, each in (("room:1", client), ("#42", server_side)):
                await service.channels.publish(channel, 1)
                assert (await each.push())["pub"]["data"] == 1
            await asyncio.to_thread(restart)
            ending = {"code": 2500, "reason": "insufficient state"}
            assert await client.push() == {"channel": "room:1", "unsubscribe": ending}
            assert await server_side.ended() == (3010, "insufficient state")
            again = await client.subscribe("room:1", recover=True, epoch=first["epoch"], offset=1)
            assert again["was_recovering"] is True
            assert "recovered" not in again
            assert again["epoch"] != first["epoch"]
            await service.channels.publish("room:1", 2)
            assert (await client.push())["pub"]["data"] == 2


async def test_in_cache_mode_only_the_newest_publication_is_recovered(url: str) -> None:
    one, two = Service(url, cache=["price"]), Service(url, cache=["price"])
    one.open_namespace("price", history=5)
    two.open_namespace("price", history=5)
    async with one.run(), two.run(), one.connected() as client, two.connected() as other:
        result = await client.subscribe("price:1", recover=True)
        assert (result["recovered"], result.get("publications", [])) == (True, [])
        await client.ask(unsubscribe={"channel": "price:1"})
        # More than the history keeps: without cache mode, the client would have missed something.
        for number in range(9):
            await one.channels.publish("price:1", number)
        for each in (client, other):
            result = await each.subscribe("price:1", recover=True, epoch=result["epoch"])
            assert (result["recovered"], result["offset"]) == (True, 9)
            assert [found["data"] for found in result["publications"]] == [8]
            await each.ask(unsubscribe={"channel": "price:1"})
            same = await each.subscribe("price:1", recover=True, epoch=result["epoch"], offset=9)
            assert (same["recovered"], same.get("publications", [])) == (True, [])
            strange = await client.error(
                subscribe={"channel": "price:2", "recover": True, "epoch": "gone", "offset": 3, "flag": 2}
            )
            assert strange == 112
        await two.channels.publish("price:1", 9)
        for each in (client, other):
            assert (await each.push())["pub"]["offset"] == 10
