import asyncio
from contextvars import ContextVar
from typing import Any

from emmett import App
from emmett.calls.calls import Calls
from tests.calls.kit import wire_to

mark: ContextVar[str] = ContextVar("mark", default="clean")


def make_app(**settings: Any) -> tuple[App, Calls]:
    app = App(__name__)
    return app, app.calls("/api", **settings)


async def test_a_batch_has_its_replies_in_one_frame() -> None:
    app, calls = make_app()
    events: list[int] = []

    @calls.method()
    async def sum_up(values: list[int], wait: bool = False) -> int:
        if wait:
            await asyncio.sleep(0)
        return sum(values)

    @calls.event()
    async def hello(number: int) -> None:
        events.append(number)

    async with wire_to(app) as wire:
        await wire.websocket.send(
            """[{"jsonrpc": "2.0", "method": "sum_up", "params": [[1,2,4], true], "id": "1"},
            {"jsonrpc": "2.0", "method": "hello", "params": [7]},
            {"foo": "boo"},
            {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
            {"jsonrpc": "2.0", "method": "sum_up", "params": [[1]], "id": "1"},
            {"jsonrpc": "2.0", "method": "sum_up", "params": {"values": [5]}, "id": 9}]"""
        )
        replies = {(each["id"], each.get("result"), each.get("error", {}).get("code")) for each in await wire.receive()}
        assert replies == {("1", 7, None), (None, None, -32600), ("5", None, -32601), ("1", None, -32600), (9, 5, None)}
        assert events == [7]
        # A batch of events alone has no reply.
        await wire.websocket.send('[{"jsonrpc": "2.0", "method": "hello", "params": [8]}]')
        assert await wire.ask(id=1, method="sum_up", params=[[2]]) == {"id": 1, "result": 2}
        assert events == [7, 8]


async def test_a_batch_that_is_too_long_is_refused() -> None:
    app, calls = make_app(max_batch=2)

    @calls.method()
    async def one() -> int:
        return 1

    message = '{"jsonrpc": "2.0", "method": "one", "id": 1}'
    async with wire_to(app) as wire:
        await wire.websocket.send(f"[{message}, {message}, {message}]")
        reply = await wire.receive()
        assert (reply["id"], reply["error"]["code"]) == (None, -32600)
        assert "at most 2" in reply["error"]["data"]
