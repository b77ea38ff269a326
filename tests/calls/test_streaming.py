import asyncio
from collections.abc import AsyncIterator

import pytest

from emmett import App
from emmett.calls.calls import Calls
from emmett.errors import CallError
from tests.calls.kit import wire_to


@pytest.fixture
def app() -> App:
    return App(__name__)


@pytest.fixture
def calls(app: App) -> Calls:
    return app.calls("/api")


async def test_items_come_as_progress_and_the_reply_ends_them(app: App, calls: Calls) -> None:
    @calls.method()
    async def words(text: str) -> AsyncIterator[str]:
        for word in text.split():
            yield word

    async with wire_to(app) as wire:
        await wire.send(id=0, method="words", params={"text": "a b"})
        assert [await wire.receive() for _ in range(3)] == [
            {"method": "$/progress", "params": {"token": 0, "value": "a"}},
            {"method": "$/progress", "params": {"token": 0, "value": "b"}},
            {"id": 0, "result": None},
        ]
        await wire.send(id=0, method="words", params={"text": "a", "progressToken": "mine"})
        assert (await wire.receive())["params"] == {"token": "mine", "value": "a"}
        assert await wire.receive() == {"id": 0, "result": None}


async def test_each_item_is_sent_when_it_is_produced(app: App, calls: Calls) -> None:
    steps: asyncio.Queue[int] = asyncio.Queue()

    @calls.method()
    async def numbers() -> AsyncIterator[int]:
        while True:
            yield await steps.get()

    async with app.test_client_async() as client, client.calls("/api") as api:
        stream = api.numbers()
        items = aiter(stream)
        for number in range(3):
            steps.put_nowait(number)
            assert await anext(items) == number
        await stream.cancel()
        with pytest.raises(CallError, match="cancelled"):
            await anext(items)


async def test_cancelling_the_call_closes_the_generator(app: App, calls: Calls) -> None:
    closed = asyncio.Event()

    @calls.method()
    async def endless() -> AsyncIterator[int]:
        try:
            yield 1
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with wire_to(app) as wire:
        await wire.send(id=1, method="endless")
        await wire.receive()
        assert (await wire.ask(method="$/cancelRequest", params={"id": 1}))["error"]["code"] == -32800
        assert closed.is_set()


async def test_an_error_after_some_items_ends_the_stream(app: App, calls: Calls) -> None:
    @calls.method()
    async def fails() -> AsyncIterator[int]:
        yield 1
        raise CallError(9, "no more")

    async with app.test_client_async() as client, client.calls("/api") as api:
        got: list[int] = []
        with pytest.raises(CallError, match="no more"):
            async for item in api.fails():
                got.append(item)
        assert got == [1]


async def test_two_streams_may_run_at_once(app: App, calls: Calls) -> None:
    @calls.method()
    async def count(to: int) -> AsyncIterator[int]:
        for number in range(to):
            await asyncio.sleep(0)
            yield number

    async with app.test_client_async() as client, client.calls("/api") as api:

        async def collect(to: int) -> list[int]:
            return [item async for item in api.count(to)]

        assert await asyncio.gather(*(collect(to) for to in range(8))) == [list(range(to)) for to in range(8)]


async def test_too_many_streams_are_refused(app: App) -> None:
    calls = app.calls("/few", "few", max_streams=1)

    @calls.method()
    async def endless() -> AsyncIterator[int]:
        yield 1
        await asyncio.Event().wait()

    async with app.test_client_async() as client, client.calls("/few") as api:
        first = api.endless()
        assert await anext(aiter(first)) == 1
        with pytest.raises(CallError) as error:
            await api.endless()
        assert error.value.code == -32029
        await first.cancel()
        with pytest.raises(CallError, match="cancelled"):
            await first
        second = api.endless()
        assert await anext(aiter(second)) == 1
        await second.cancel()


async def test_a_function_may_return_a_stream(app: App, calls: Calls) -> None:
    async def numbers() -> AsyncIterator[int]:
        yield 1

    @calls.method()
    async def opened() -> AsyncIterator[int]:
        return numbers()

    @calls.method()
    def plain() -> AsyncIterator[int]:
        return numbers()

    async with app.test_client_async() as client, client.calls("/api") as api:
        assert [item async for item in api.opened()] == [1]
        assert [item async for item in api.plain()] == [1]
