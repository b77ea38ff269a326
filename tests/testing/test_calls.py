from collections.abc import AsyncIterator

import pytest

from emmett import App, websocket
from emmett.errors import CallError, UsageError, WebsocketClosed


def make_app() -> App:
    app = App(__name__)
    calls = app.calls("/api")

    @calls.method()
    async def add(a: int, b: int) -> int:
        return a + b

    @calls.method("call")
    async def awkward() -> str:
        return "by its name"

    @calls.method()
    async def words(text: str) -> AsyncIterator[str]:
        for word in text.split():
            yield word

    @calls.method()
    async def leave() -> None:
        await websocket.close(4000, "bye")

    @calls.method()
    async def ask() -> int:
        return int(await calls.request("number"))

    @calls.event()
    async def nothing(a: int) -> None: ...

    return app


async def test_methods_streams_and_errors_work() -> None:
    async with make_app().test_client_async() as client, client.calls("/api") as api:
        assert await api.add(1, 2) == 3
        assert await api.add(a=1, b=2) == 3
        assert await api.call("call") == "by its name"
        assert [word async for word in api.words("a b")] == ["a", "b"]
        # Items of a stream may be skipped.
        assert await api.words("a b") is None
        with pytest.raises(CallError) as error:
            await api.add("1", 2)
        assert error.value.code == -32602
        with pytest.raises(CallError, match="Method not found"):
            await api.nothing_like_it()
        await api.notify("nothing", 1)
        await api.notify("nothing", a=1)


async def test_arguments_are_by_position_or_by_name() -> None:
    async with make_app().test_client_async() as client, client.calls("/api") as api:
        with pytest.raises(UsageError, match="by position or all by name"):
            await api.add(1, b=2)
        with pytest.raises(UsageError, match="by position or all by name"):
            await api.notify("nothing", 1, a=2)


async def test_the_end_of_the_connection_is_raised() -> None:
    async with make_app().test_client_async() as client, client.calls("/api") as api:
        with pytest.raises(WebsocketClosed) as closed:
            await api.leave()
        assert (closed.value.code, closed.value.reason) == (4000, "bye")


async def test_a_request_of_the_server_without_an_answer_says_what_to_do() -> None:
    async with make_app().test_client_async() as client, client.calls("/api") as api:
        with pytest.raises(UsageError, match=r"api.answers"):
            await api.ask()
        api.answers("number", lambda: 5)
        assert await api.ask() == 5


async def test_a_reply_without_a_call_is_an_error() -> None:
    async with make_app().test_client_async() as client, client.calls("/api") as api:
        await api.websocket.send("nonsense")
        with pytest.raises(CallError, match="Parse error"):
            await api.event()
