from __future__ import annotations

import asyncio

import pytest

from emmett.centrifuge import Identity
from emmett.centrifuge.codes import Disconnected
from emmett.centrifuge.seats import Seats
from emmett.errors import BrokerUnavailable
from tests.centrifuge.kit import SECRET, Service, token
from tests.channels.kit import until


def test_seats_are_counted_in_total_and_for_each_user() -> None:
    seats = Seats(4, 2)
    for user in ("ada", "ada", ""):
        seats.take(user)
    with pytest.raises(Disconnected, match="3504"):
        seats.take("ada")
    seats.take("")
    with pytest.raises(Disconnected, match="3504"):
        seats.take("bob")
    seats.release("ada")
    seats.take("bob")
    assert len(seats) == 4
    for user in ("ada", "bob", "", ""):
        seats.release(user)
    assert len(seats) == 0
    assert not seats._of_user


async def test_the_clients_of_a_user_are_limited() -> None:
    service = Service(secret=SECRET, max_user_clients=2)
    mine = token(sub="42")
    async with service.run(), service.connected(token=mine), service.raw() as late:
        async with service.connected(token=mine), service.connected(token=token(sub="43")):
            await late.send({"id": 1, "connect": {"token": mine}})
            assert await late.ended() == (3504, "connection limit")
        await until(lambda: len(service.centrifuge.seats) == 1)
        async with service.connected(token=mine):
            pass


async def test_the_clients_of_an_endpoint_are_limited() -> None:
    service = Service(max_clients=1)
    async with service.run(), service.raw() as late:
        async with service.connected():
            await late.send({"id": 1, "connect": {}})
            assert await late.ended() == (3504, "connection limit")
        await until(lambda: len(service.centrifuge.seats) == 0)


async def test_a_seat_is_taken_while_the_client_is_subscribed_and_released_if_that_fails() -> None:
    service = Service(max_user_clients=1)
    is_down, gate = True, asyncio.Event()

    async def enter(channel: str) -> None:
        if is_down:
            raise BrokerUnavailable("it is away")
        gate.set()

    @service.centrifuge.on_connect
    async def connect(client: object, data: object) -> Identity:
        return Identity("42", channels=["room:1"])

    service.open_namespace("room", history=5)
    async with service.run(), service.raw() as client, service.raw() as late:
        reader = service.channels.running().hub.reader
        top = reader.top

        async def slow_top(channel: str, limits: object) -> object:
            await enter(channel)
            await asyncio.sleep(0)
            return await top(channel, limits)  # type: ignore[arg-type]

        reader.top = slow_top  # type: ignore[assignment,method-assign]
        assert await client.error(connect={}) == 100
        assert len(service.centrifuge.seats) == 0
        is_down = False
        await client.send({"id": 2, "connect": {}})
        await gate.wait()
        await late.send({"id": 1, "connect": {}})
        assert await late.ended() == (3504, "connection limit")
        assert (await client.receive())["connect"]["client"]
