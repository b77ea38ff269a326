"""Publications as deltas, for one subscriber, for many, and for those that miss some."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from emmett.centrifuge.codec import JSON
from emmett.centrifuge.deltas import MAX_STEPS, MAX_STEPS_SIZE, DeltaChain, DeltaEncoder, FirstEncoder
from emmett.centrifuge.fossil import make_delta
from emmett.centrifuge.messages import Push
from emmett.channels import Kind, Namespace, Position, Publication
from emmett.channels.encoding import ends_at_gap
from emmett.channels.namespaces import Namespaces
from emmett.errors import ConfigurationError
from tests.centrifuge.fossil_reader import apply_delta
from tests.centrifuge.kit import RawClient, Service
from tests.channels.kit import topics, turns, until


def value(number: int) -> dict[str, Any]:
    return {"number": number, "text": "ä long text that does not change at all, whatever the number is"}


class DeltaReader:
    """Reads publications of one subscription as SDKs do.

    Attributes:
        deltas: the number of publications that came as deltas.
    """

    def __init__(self, client: RawClient) -> None:
        self.client = client
        self.deltas = 0
        self._last = b""

    def read(self, pub: Any) -> Any:
        """Return the data of a publication."""
        content = pub["data"].encode()
        if pub.get("delta"):
            self.deltas += 1
            content = apply_delta(self._last, content)
        self._last = content
        return json.loads(content)

    async def numbers(self, count: int) -> list[int]:
        """Return the numbers of the next publications."""
        found: list[int] = []
        while len(found) < count:
            push = await self.client.push()
            if "pub" in push:
                data = self.read(push["pub"])
                assert data == value(data["number"])
                found.append(data["number"])
        return found


@pytest.fixture
def service() -> Service:
    service = Service()
    service.open_namespace("room", history=100, presence=True, join_leave=True, delta="fossil")
    service.open_namespace("plain")
    return service


async def publish(service: Service, first: int, end: int, **options: Any) -> None:
    for number in range(first, end):
        await service.channels.publish("room:1", value(number), **options)


async def test_the_first_publication_comes_whole_and_the_others_as_deltas(service: Service) -> None:
    async with service.run(), service.connected() as client:
        assert (await client.subscribe("room:1", delta="fossil"))["delta"] is True
        reader = DeltaReader(client)
        for number in range(5):
            await publish(service, number, number + 1)
            assert await reader.numbers(1) == [number]
        assert reader.deltas == 4


async def test_other_subscribers_get_whole_publications(service: Service) -> None:
    async with service.run(), service.connected() as client:
        assert "delta" not in await client.subscribe("room:1")
        assert "delta" not in await client.subscribe("room:2", delta="other")
        assert "delta" not in await client.subscribe("plain:1", delta="fossil")
        assert await client.error(subscribe={"channel": "room:3", "delta": "fossil", "tf": {}}) == 107
        await publish(service, 0, 1)
        while "pub" not in (push := await client.push()):
            pass
        assert push["pub"] == {"data": value(0), "offset": 1}
        assert service.centrifuge.push_kinds._deltas == {}


async def test_all_subscribers_share_each_delta(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []

    def make(source: bytes, target: bytes) -> bytes | None:
        made.append(target)
        return make_delta(source, target)

    monkeypatch.setattr("emmett.centrifuge.deltas.make_delta", make)
    async with service.run(), service.connected() as one, service.connected() as two, service.connected() as three:
        readers = [DeltaReader(client) for client in (one, two, three)]
        for number, reader in enumerate(readers):
            await reader.client.subscribe("room:1", delta="fossil", flag=number % 2)
        await publish(service, 0, 1)
        await until(lambda: not topics(service.channels)["room:1"].stream.is_busy)
        await turns()
        # The two without a channel number share what is encoded, and both kinds share the deltas.
        assert len(topics(service.channels)["room:1"].stream.groups) == 2
        await publish(service, 1, 10)
        for reader in readers:
            assert await reader.numbers(10) == list(range(10))
            assert reader.deltas == 9
        assert len(made) == 9
    assert service.centrifuge.push_kinds._deltas == {}


async def test_a_later_subscriber_begins_with_a_whole_publication(service: Service) -> None:
    async with service.run(), service.connected() as one, service.connected() as two:
        first, second = DeltaReader(one), DeltaReader(two)
        await one.subscribe("room:1", delta="fossil")
        await publish(service, 0, 3)
        assert await first.numbers(3) == [0, 1, 2]
        await two.subscribe("room:1", delta="fossil")
        await publish(service, 3, 6)
        assert await first.numbers(3) == await second.numbers(3) == [3, 4, 5]
        assert (first.deltas, second.deltas) == (5, 2)


async def test_a_subscriber_that_misses_a_publication_begins_with_a_whole_one_again(service: Service) -> None:
    async with service.run(), service.raw() as client, service.connected() as other:
        id = (await client.connect())["client"]
        reader, readers = DeltaReader(client), DeltaReader(other)
        for each in (client, other):
            await each.subscribe("room:1", delta="fossil")
        await publish(service, 0, 2)
        await publish(service, 2, 3, exclude=id)
        await publish(service, 3, 5)
        await publish(service, 5, 6, exclude=id)
        await publish(service, 6, 7, exclude=id)
        assert await readers.numbers(7) == list(range(7))
        await publish(service, 7, 9)
        assert await reader.numbers(6) == [0, 1, 3, 4, 7, 8]
        assert await readers.numbers(2) == [7, 8]
        assert readers.deltas == 8
        for number in range(9, 30):
            await publish(service, number, number + 1, exclude=id if number % 3 else None)
        assert await reader.numbers(7) == list(range(9, 30, 3))
        assert await readers.numbers(21) == list(range(9, 30))


async def test_recovered_publications_come_whole(service: Service) -> None:
    async with service.run(), service.connected() as client:
        start = await client.subscribe("room:1", delta="fossil")
        await publish(service, 0, 4)
        await client.ask(unsubscribe={"channel": "room:1"})
        position = {"recover": True, "epoch": start["epoch"], "offset": 1}
        result = await client.subscribe("room:1", delta="fossil", **position)
        reader = DeltaReader(client)
        client.pushes.clear()
        assert [reader.read(each) for each in result["publications"]] == [value(1), value(2), value(3)]
        await publish(service, 4, 7)
        assert await reader.numbers(3) == [4, 5, 6]
        assert reader.deltas == 2


async def test_no_publication_is_lost_if_more_come_at_once_than_are_remembered(service: Service) -> None:
    async with service.run(), service.connected() as one, service.connected() as two:
        readers = [DeltaReader(one), DeltaReader(two)]
        for number, reader in enumerate(readers):
            await reader.client.subscribe("room:1", delta="fossil", flag=number)
        await publish(service, 0, 3 * MAX_STEPS)
        await publish(service, 3 * MAX_STEPS, 4 * MAX_STEPS)
        for reader in readers:
            assert await reader.numbers(4 * MAX_STEPS) == list(range(4 * MAX_STEPS))


def test_encoders_track_what_their_subscribers_have() -> None:
    publications = [Publication("a", json.dumps(value(number))) for number in range(MAX_STEPS + 3)]
    chain = DeltaChain(JSON)
    shared, seen = DeltaEncoder(chain, lambda push: None), list[None]()
    first = FirstEncoder(shared, lambda: seen.append(None))
    assert ends_at_gap(shared)
    assert ends_at_gap(first)

    def is_delta(message: Any) -> bool:
        return "delta" in json.loads(message)["push"]["pub"]

    assert [is_delta(shared(each)) for each in publications[:3]] == [False, True, True]
    assert [is_delta(first(each)) for each in publications[2:4]] == [False, True]
    # The shared encoder has not encoded number 3.
    assert not is_delta(shared(publications[4]))
    assert is_delta(shared(publications[5]))
    for each in publications[6:]:
        shared(each)
    # A publication that is no longer remembered counts as new, and breaks the chain.
    assert not is_delta(first(publications[1]))
    assert len(seen) == 3
    join = Publication("a", '{"member":"c","info":null}', Kind.JOIN)
    assert "join" in json.loads(str(first(join)))["push"]
    assert shared(Publication("a", "", Kind.GAP)) is None
    assert len(seen) == 3


def test_the_memory_of_encoders_is_bounded() -> None:
    chain = DeltaChain(JSON)
    for number in range(2 * MAX_STEPS):
        chain.step(Publication("a", str(number)))
    assert len(chain) == MAX_STEPS
    for number in range(5):
        chain.step(Publication("a", f'"{number}{"x" * (MAX_STEPS_SIZE // 2 - 10)}"'))
    assert len(chain) == 2
    chain.step(Publication("a", f'"{"y" * MAX_STEPS_SIZE}"'))
    assert len(chain) == 1


def test_the_delta_option_is_validated() -> None:
    namespaces = Namespaces()
    assert isinstance(namespaces.declare("room", {"delta": "fossil"}), Namespace)
    with pytest.raises(ConfigurationError, match="delta requires slow='disconnect'"):
        namespaces.declare("price", {"delta": "fossil", "slow": "latest"})
    with pytest.raises(ConfigurationError, match="'fossil' or None"):
        namespaces.declare("x", {"delta": "gzip"})  # type: ignore[typeddict-item]


def test_a_publication_that_cannot_be_encoded_is_no_base_of_a_delta() -> None:
    """Its subscribers did not get it, so the next publication is whole."""
    failing = {1}
    encoded: list[Push] = []

    def finish(push: Push) -> None:
        if push.pub is not None and push.pub.offset in failing:
            raise ValueError("it cannot be encoded")
        encoded.append(push)

    shared = DeltaEncoder(DeltaChain(JSON), finish)
    for number in range(4):
        publication = Publication("room:1", json.dumps(value(number)), Kind.MESSAGE, Position("e", number))
        with contextlib.suppress(ValueError):
            assert shared(publication) is not None
    assert [(each.pub.offset, each.pub.delta) for each in encoded if each.pub] == [(0, False), (2, False), (3, True)]
