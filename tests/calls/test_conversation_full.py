"""A connection at its limit of calls in flight still reads messages that may end one of them."""

import asyncio

import pytest

from emmett import App
from emmett.errors import CallError


async def test_a_call_can_be_cancelled_at_the_limit() -> None:
    app = App(__name__)
    calls = app.calls("/api", max_in_flight=2)

    @calls.method()
    async def wait() -> None:
        await asyncio.Event().wait()

    @calls.method()
    async def ping() -> str:
        return "pong"

    async with app.test_client_async() as client, client.calls("/api") as api:
        waiting = [api.wait() for _ in range(2)]
        for call in waiting:
            await call.start()
        await waiting[1].cancel()
        with pytest.raises(CallError, match="cancelled"):
            await waiting[1]
        assert await api.ping() == "pong"
        await waiting[0].cancel()


@pytest.mark.parametrize("in_batch", [False, True])
async def test_a_reply_of_the_client_is_read_at_the_limit(in_batch: bool) -> None:
    app = App(__name__)
    calls = app.calls("/api", max_in_flight=2)

    @calls.method()
    async def ask() -> bool:
        answer: bool = await calls.request("confirm", type=bool, timeout=3600)
        return answer

    async with app.test_client_async() as client, client.websocket("/api") as raw:
        for number in (1, 2):
            await raw.send_json({"jsonrpc": "2.0", "id": number, "method": "ask"})
        asked = [(await raw.receive_json())["id"] for _ in range(2)]
        replies = [{"jsonrpc": "2.0", "id": id_, "result": True} for id_ in asked]
        for each in [replies] if in_batch else replies:
            await raw.send_json(each)
        done = [await raw.receive_json() for _ in range(2)]
        assert sorted((each["id"], each["result"]) for each in done) == [(1, True), (2, True)]
