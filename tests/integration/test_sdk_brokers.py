"""SDK clients of two nodes with real brokers between them: recovery, presence and orders across nodes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

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


@pytest.fixture(params=["valkey", "nats"], scope="module")
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    with running_broker(request.param) as found:
        yield found


def node(url: str) -> Service:
    service = Service(url, secret=SECRET)
    service.open_namespace("room", history=100, presence=True, join_leave=True)
    return service


async def test_a_client_comes_back_to_another_node(url: str) -> None:
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
