"""Options of subscriptions: channels by number, and filters of tags."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from emmett.centrifuge.codec import JSON
from emmett.centrifuge.encodings import JSON_ENCODING
from emmett.centrifuge.messages import FilterNode
from emmett.centrifuge.push_kinds import (
    MAX_SHARED,
    MAX_SHARED_SIZE,
    ChannelNumbers,
    FilteredEncoder,
    PushKinds,
    SharedEncoder,
)
from emmett.channels import Kind, Publication
from emmett.channels.encoding import ends_at_gap
from tests.centrifuge.kit import Service
from tests.channels.kit import topics, until

BTC = {"key": "ticker", "cmp": "eq", "val": "BTC"}


@pytest.fixture
def service() -> Service:
    service = Service()
    service.open_namespace("room", history=100, presence=True, join_leave=True)
    return service


async def test_channels_may_have_numbers(service: Service) -> None:
    async with service.run(), service.connected() as client, service.connected() as plain:
        first = await client.subscribe("room:1", flag=1)
        second = await client.subscribe("room:2", flag=1)
        assert 0 < first["id"] != second["id"] > 0
        assert "id" not in await plain.subscribe("room:1")
        joins = [await client.push(), await client.push(), await client.push()]
        assert sorted(each["id"] for each in joins) == sorted([first["id"], first["id"], second["id"]])
        assert all("join" in each and "channel" not in each for each in joins)
        await service.channels.publish("room:1", 1)
        assert await client.push() == {"id": first["id"], "pub": {"data": 1, "offset": 1}}
        assert (await plain.push())["channel"] == "room:1"
        assert await plain.push() == {"channel": "room:1", "pub": {"data": 1, "offset": 1}}
        # All subscribers that ask for a number share it.
        async with service.connected() as third:
            assert (await third.subscribe("room:1", flag=1))["id"] == first["id"]
        await client.ask(unsubscribe={"channel": "room:1"})
        numbers = service.centrifuge.push_kinds.numbers
        await until(lambda: len(numbers) == 1)
        assert (await client.subscribe("room:1", flag=1))["id"] > second["id"]
    assert len(numbers) == 0


async def test_a_failed_subscription_leaves_no_number(service: Service) -> None:
    async with service.run(), service.connected() as client:
        lost = {"channel": "room:1", "flag": 3, "recover": True, "epoch": "x"}
        assert await client.error(subscribe=lost) == 112
        assert len(service.centrifuge.push_kinds.numbers) == 0


def test_a_number_is_kept_as_long_as_it_has_subscribers() -> None:
    numbers = ChannelNumbers()
    assert [numbers.take("a"), numbers.take("b"), numbers.take("a")] == [1, 2, 1]
    numbers.release("a")
    assert (numbers.find("a"), numbers.find("c")) == (1, 0)
    numbers.release("a")
    assert (numbers.find("a"), numbers.take("a")) == (0, 3)


async def test_only_selected_publications_are_sent(service: Service) -> None:
    async with service.run(), service.connected() as client:
        start = await client.subscribe("room:1", tf=BTC, flag=1)
        server = service.centrifuge.server
        assert "join" in await client.push()
        for number, ticker in enumerate(["ETH", "BTC", "", "BTC", "ETH"]):
            await server.publish("room:1", number, tags={"ticker": ticker} if ticker else None)
        for number in (1, 3):
            pub = {"data": number, "offset": number + 1, "tags": {"ticker": "BTC"}}
            assert await client.push() == {"id": start["id"], "pub": pub}
        await client.ask(unsubscribe={"channel": "room:1"})
        # The position also advances with publications that are left out.
        result = await client.subscribe("room:1", tf=BTC, recover=True, epoch=start["epoch"], offset=2)
        assert [each["data"] for each in result["publications"]] == [3]
        assert (result["recovered"], result["offset"]) == (True, 2)
        await client.ask(unsubscribe={"channel": "room:1"})
        result = await client.subscribe("room:1", tf=BTC, recover=True, epoch=start["epoch"], offset=4)
        assert "publications" not in result
        assert (result["recovered"], result["offset"]) == (True, 5)


async def test_equal_filters_share_what_is_encoded(service: Service) -> None:
    async with service.run(), service.connected() as one, service.connected() as two:
        for client in (one, two):
            await client.subscribe("room:1", tf=BTC)
        assert len(topics(service.channels)["room:1"].stream.groups) == 1
        await two.subscribe("room:2", tf={"op": "not", "nodes": [BTC]})
        assert len(service.centrifuge.push_kinds._filtered) == 2
    gc.collect()
    assert len(service.centrifuge.push_kinds._filtered) == 0


@pytest.mark.parametrize("tf", [{}, {"op": "or"}, {"key": "a", "cmp": "gt", "val": "x"}])
async def test_a_bad_filter_is_refused(tf: Any, service: Service) -> None:
    async with service.run(), service.connected() as client:
        found = (await client.ask(subscribe={"channel": "room:1", "tf": tf, "flag": 1}))["error"]
        assert found["code"] == 107
        assert found["message"].startswith("bad request: tag filter")
        assert len(service.centrifuge.push_kinds.numbers) == 0
        assert await client.subscribe("room:1")


def test_encoders_end_at_a_gap() -> None:
    kinds = PushKinds([JSON])
    for is_compact in (False, True):
        for tags in (None, FilterNode(key="a", cmp="ex")):
            encode = kinds.find(JSON, JSON_ENCODING.encode, is_compact, tags)
            assert ends_at_gap(encode)
            assert encode(Publication("room:1", "", Kind.GAP)) is None


def test_each_publication_is_encoded_once_for_all_filters() -> None:
    encoded: list[int] = []

    def encode(publication: Publication) -> str:
        encoded.append(int(publication.data))
        return "x" * encoded[-1]

    shared = SharedEncoder(encode)
    filters = [FilteredEncoder(shared, lambda tags: True) for _ in range(3)]
    publications = [Publication("a", str(number), Kind.MESSAGE, None) for number in range(40)]
    for each in filters:
        assert [each(publication) for publication in publications] == ["x" * number for number in range(40)]
    assert encoded == list(range(40))
    # Too many encoded publications, or too large ones, are not kept.
    for number in (*range(100), MAX_SHARED_SIZE - 1, 9, 8):
        shared(Publication("a", str(number), Kind.MESSAGE, None))
    assert (len(shared._known), shared._size) == (2, 17)
    for _ in range(100):
        shared(Publication("a", "1", Kind.MESSAGE, None))
    assert len(shared._known) == MAX_SHARED
    assert shared._size == sum(len(message) for _, message in shared._known.values())


async def test_a_deeply_nested_filter_is_refused(service: Service) -> None:
    tf: dict[str, Any] = {"key": "a", "cmp": "ex"}
    for _ in range(100):
        tf = {"op": "not", "nodes": [tf]}
    async with service.run(), service.connected() as client:
        assert await client.error(subscribe={"channel": "room:1", "tf": tf}) == 107
        assert service.subscribers == 0
