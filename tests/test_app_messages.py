"""Messages through the pipes of an application: order, dropped messages, hooks that wait, exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from emmett import App, Pipe, WebsocketClosed, service, websocket
from emmett.pipeline import DROP
from tests.asgi.peers import WebsocketPeer
from tests.coroutines import has_coroutine
from tests.websockets.memory_connection import turns

Handler = Callable[[], Coroutine[Any, Any, Any]]


class Sign(Pipe):
    """Appends its name to each message, `<` when it comes in and `>` when it goes out."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_receive(self, data: Any, /) -> Any:
        return f"{data}<{self.name}"

    async def on_send(self, data: Any, /) -> Any:
        await asyncio.sleep(0)
        return f"{data}>{self.name}"


def build(handler: Handler, *pipes: Pipe, app_pipes: tuple[Pipe, ...] = (), module_pipes: tuple[Pipe, ...] = ()) -> App:
    app = App(__name__)
    app.pipeline = list(app_pipes)
    module = app.module(__name__, "module")
    module.pipeline = list(module_pipes)
    module.websocket("/", pipeline=list(pipes))(handler)
    return app


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


async def test_hooks_run_inwards_on_receive_and_outwards_on_send() -> None:
    app = build(echo, Sign("route"), app_pipes=(Sign("app"),), module_pipes=(Sign("module"),))
    peer = WebsocketPeer(app)
    peer.send("x")
    assert await peer.receive() == "x<app<module<route>route>module>app"
    peer.leave()
    await peer.ended()


def test_the_hooks_of_sign_cover_both_kinds() -> None:
    assert not has_coroutine(Sign.on_receive)
    assert has_coroutine(Sign.on_send)


async def test_a_pipeline_that_is_set_later_applies_too() -> None:
    app = build(echo, Sign("route"))
    app.pipeline = [Sign("app")]
    peer = WebsocketPeer(app)
    peer.send("x")
    assert await peer.receive() == "x<app<route>route>app"
    peer.leave()
    await peer.ended()


async def test_a_dropped_message_reaches_no_other_pipe() -> None:
    seen: list[Any] = []

    class Drop(Pipe):
        async def on_receive(self, data: Any, /) -> Any:
            return DROP if data == "in" else data

        def on_send(self, data: Any, /) -> Any:
            return DROP if data == "out" else data

    class Watch(Pipe):
        def on_receive(self, data: Any, /) -> Any:
            seen.append(("received", data))
            return data

        def on_send(self, data: Any, /) -> Any:
            seen.append(("sent", data))
            return data

    app = build(echo, Watch(), app_pipes=(Watch(), Drop()))
    peer = WebsocketPeer(app)
    peer.send("in", "out", "both")
    assert await peer.receive() == "both"
    assert seen == [
        ("received", "in"),
        ("received", "out"),
        ("received", "out"),
        ("sent", "out"),
        ("received", "both"),
        ("received", "both"),
        ("sent", "both"),
        ("sent", "both"),
    ]
    peer.leave()
    await peer.ended()


async def test_an_exception_from_a_hook_reaches_the_handler() -> None:
    caught: list[str] = []

    class Picky(Pipe):
        def on_receive(self, data: Any, /) -> Any:
            raise LookupError(f"received {data}")

        async def on_send(self, data: Any, /) -> Any:
            raise LookupError(f"sent {data}")

    async def handler() -> None:
        for call in (websocket.receive(), websocket.send("y")):
            try:
                await call
            except LookupError as error:
                caught.append(error.args[0])
        await websocket.receive()

    peer = WebsocketPeer(build(handler, Picky()))
    peer.send("x", "z")
    await peer.accepted()
    assert await peer.closed() == (1011, "")
    assert caught == ["received x", "sent y"]


async def test_concurrent_sends_keep_their_order_when_hooks_wait() -> None:
    first = asyncio.Event()

    class SlowFirst(Pipe):
        async def on_send(self, data: Any, /) -> Any:
            if data == "0":
                await first.wait()
            return data

    async def handler() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(websocket.send(str(number)))

    peer = WebsocketPeer(build(handler, SlowFirst()))
    await peer.accepted()
    await turns(10)
    assert peer.events.empty()
    first.set()
    assert [await peer.receive() for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert await peer.closed() == (1000, "")


async def test_a_receive_that_times_out_in_a_hook_loses_no_message() -> None:
    opened = asyncio.Event()
    entered = asyncio.Event()

    class Slow(Pipe):
        async def on_receive(self, data: Any, /) -> Any:
            entered.set()
            await opened.wait()
            return data

    async def handler() -> None:
        receiving = asyncio.ensure_future(websocket.receive())
        await entered.wait()
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
        opened.set()
        async for message in websocket:
            await websocket.send(message)

    peer = WebsocketPeer(build(handler, Slow()))
    peer.send("one", "two")
    assert [await peer.receive(), await peer.receive()] == ["one", "two"]
    peer.leave()
    await peer.ended()


async def test_a_hook_can_use_its_connection() -> None:
    class Stamp(Pipe):
        async def on_send(self, data: Any, /) -> Any:
            return f"{data} at {websocket.path} of {websocket.host}"

    peer = WebsocketPeer(build(echo, Stamp()))
    peer.send("x")
    assert await peer.receive() == "x at / of localhost"
    peer.leave()
    await peer.ended()


async def test_results_are_sent_as_json() -> None:
    async def handler() -> None:
        await websocket.send({"a": 1})  # type: ignore[arg-type]
        await websocket.send("text stays")
        with pytest.raises(WebsocketClosed):
            await websocket.receive()

    peer = WebsocketPeer(build(handler, service.json))
    assert [await peer.receive(), await peer.receive()] == ['{"a":1}', "text stays"]
    peer.leave()
    await peer.ended()


async def test_pipes_without_message_hooks_cost_nothing() -> None:
    class Opener(Pipe):
        def open(self) -> None: ...

    app = build(echo, Opener())
    match = app.table.websockets.match("/", scheme="ws", host="")
    assert match.endpoint is not None
    assert (match.endpoint.on_receive, match.endpoint.on_send) == (None, None)
