import asyncio
from typing import Any

import pytest

from emmett import Websocket, websocket
from emmett.errors import CallError, UsageError, WebsocketClosed
from tests.calls.kit import Said, UserJoined, make_app, wire_to


async def test_a_call_can_notify_its_client() -> None:
    app, calls = make_app()
    calls.emits(Said)

    @calls.method()
    async def say(text: str) -> None:
        await calls.notify(Said(text))

    async with app.test_client_async() as client, client.calls("/api") as api:
        await api.say("hi")
        assert await api.event() == ("said", {"text": "hi"})


async def test_another_connection_and_all_of_a_user_can_be_notified() -> None:
    app, calls = make_app(user=lambda: websocket.query_params.user)
    calls.emits(Said)
    kept: dict[str, Websocket] = {}

    @calls.method()
    async def keep(name: str) -> None:
        kept[name] = websocket.connection

    async with (
        app.test_client_async() as client,
        client.calls("/api?user=ada") as first,
        client.calls("/api?user=ada") as second,
        client.calls("/api?user=bob") as other,
    ):
        for name, api in (("first", first), ("second", second), ("other", other)):
            await api.keep(name)
        await calls.notify(Said("one"), to=kept["other"])
        await calls.notify(Said("all"), user="ada")
        assert await other.event() == ("said", {"text": "one"})
        assert await first.event() == await second.event() == ("said", {"text": "all"})
        assert len(calls.connections) == 3
        with pytest.raises(UsageError, match="to= or user="):
            await calls.notify(Said("nobody"))
    with pytest.raises(UsageError, match="not an open connection"):
        await calls.notify(Said("late"), to=kept["other"])


async def test_undeclared_types_are_refused() -> None:
    _, calls = make_app()
    calls.emits(Said)
    with pytest.raises(UsageError, match=r"calls.emits.*Said"):
        await calls.notify(UserJoined("Ada"))


async def test_a_call_can_send_requests_to_the_client() -> None:
    app, calls = make_app()

    @calls.method()
    async def delete(name: str) -> str:
        sure = await calls.request("confirm", {"text": f"Delete {name}?"}, type=bool)
        return "deleted" if sure else "kept"

    async with app.test_client_async() as client, client.calls("/api") as api:
        api.answers("confirm", lambda text: text == "Delete a?")
        assert await api.delete("a") == "deleted"
        assert await api.delete("b") == "kept"


async def test_the_reply_of_the_client_is_validated() -> None:
    app, calls = make_app()

    @calls.method()
    async def ask() -> str:
        try:
            return str(await calls.request("confirm", type=bool, timeout=3600))
        except CallError as error:
            return str(error)

    async with wire_to(app) as wire:

        async def answer(**members: Any) -> Any:
            request = await wire.ask(id=1, method="ask")
            assert (request["method"], request["params"], type(request["id"])) == ("confirm", {}, str)
            # A reply to a request that was never sent is dropped.
            await wire.send(id="s99", result=True)
            await wire.send(result=True)
            return (await wire.ask(id=request["id"], **members))["result"]

        assert await answer(result=True) == "True"
        assert await answer(error=None, result=False) == "False"
        assert await answer(error={"code": 5, "message": "no"}) == "no (5)"
        assert "cannot be read" in await answer(result="yes")
        assert "cannot be read" in await answer(error="no")


async def test_a_client_that_does_not_answer_is_an_error() -> None:
    app, calls = make_app(max_in_flight=2)
    outcomes: asyncio.Queue[object] = asyncio.Queue()
    tasks: list[asyncio.Task[None]] = []

    @calls.event()
    async def ask(seconds: float) -> None:
        tasks.append(asyncio.create_task(asking(seconds)))

    async def asking(seconds: float) -> None:
        try:
            outcomes.put_nowait(await calls.request("confirm", timeout=seconds))
        except (CallError, WebsocketClosed) as error:
            outcomes.put_nowait(error)

    async with app.test_client_async() as client:
        async with client.websocket("/api") as raw:
            await raw.send('{"jsonrpc":"2.0","method":"ask","params":[0.001]}')
            late = await outcomes.get()
            assert isinstance(late, CallError)
            assert "within 0.001 s" in str(late)
            for _ in range(3):
                await raw.send('{"jsonrpc":"2.0","method":"ask","params":[3600]}')
            surplus = await outcomes.get()
            assert isinstance(surplus, CallError)
            assert "2 requests already wait" in str(surplus)
        assert isinstance(await outcomes.get(), WebsocketClosed)
        assert isinstance(await outcomes.get(), WebsocketClosed)
