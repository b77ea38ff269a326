"""Every hook of every pipe of an application, in its order: on requests and on websockets, whatever their end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emmett import App, HTTPException, Pipe, WebsocketClosed, abort, redirect, requires, websocket
from tests.asgi.peers import WebsocketPeer, fetch, http_scope
from tests.pipeline.recording import PlainWrapper, Record, Wrapper

Handler = Callable[[], Awaitable[Any]]
LEVELS = ("app", "module", "inner", "route")


def build(record: Record, handler: Handler, *, plain: bool = False) -> App:
    """An application with pipes at all levels: `handler` answers requests and websockets at `/module/inner/`."""
    wrapper = PlainWrapper if plain else Wrapper
    app = App(__name__)
    module = app.module(__name__, "module", url_prefix="module")
    inner = module.module(__name__, "inner", url_prefix="inner")
    for level, name in ((app, "app"), (module, "module"), (inner, "inner")):
        level.pipeline = [wrapper(name, record)]

    def decorator() -> bool:
        record.note("decorator")
        return True

    async def answer() -> Any:
        await record.visit("handler")
        return await handler()

    inner.route("/", name="request", pipeline=[wrapper("route", record)])(requires(decorator)(answer))
    inner.websocket("/", name="websocket", pipeline=[wrapper("route", record)])(answer)
    return app


def opened(kind: str) -> list[str]:
    return [f"{level}.{hook}" for level in LEVELS for hook in ("open", f"open_{kind}")]


def closed(kind: str) -> list[str]:
    return [f"{level}.{hook}" for level in reversed(LEVELS) for hook in (f"close_{kind}", "close")]


ENTERED = [f"{level}.pipe>" for level in LEVELS] + ["decorator", "handler"]


SUCCEEDED = [f"{level}.{point}" for level in reversed(LEVELS) for point in ("pipe<", "success")]
FAILED = [f"{level}.failure" for level in reversed(LEVELS)]
REDIRECTED = [f"{level}.success" for level in reversed(LEVELS)]


async def returning() -> str:
    return "done"


async def failing() -> None:
    raise LookupError("a fault")


async def aborting() -> None:
    abort(404)


async def redirecting() -> None:
    redirect("/elsewhere")


WAYS = [
    (returning, 200, 403, SUCCEEDED),
    (failing, 500, 500, FAILED),
    (aborting, 404, 404, FAILED),
    (redirecting, 303, 303, REDIRECTED),
]


@pytest.mark.parametrize(("handler", "status", "_", "way_back"), WAYS)
async def test_the_hooks_of_a_request_run_in_order(handler: Handler, status: int, _: int, way_back: list[str]) -> None:
    record = Record()
    answer = await fetch(build(record, handler), "/module/inner/")
    assert answer.status == status
    assert record.points == opened("request") + ENTERED + way_back + closed("request")


@pytest.mark.parametrize(("handler", "_", "status", "way_back"), WAYS)
async def test_the_hooks_of_a_websocket_run_in_order(
    handler: Handler, _: int, status: int, way_back: list[str]
) -> None:
    record = Record()
    peer = WebsocketPeer(build(record, handler), "/module/inner")
    assert (await peer.refused())[0] == status
    assert record.points == opened("ws") + ENTERED + way_back + closed("ws")


async def test_plain_functions_work_as_hooks_too() -> None:
    record = Record()
    assert (await fetch(build(record, returning, plain=True), "/module/inner")).text == "done"
    expected = [f"{level}.open" for level in LEVELS] + ENTERED
    expected += [f"{level}.success" for level in reversed(LEVELS)] + [f"{level}.close" for level in reversed(LEVELS)]
    assert record.points == expected


@pytest.mark.parametrize("way_out", ["return", "raise", "abort"])
async def test_a_pipe_that_stops_the_flow_still_has_opened_pipes_closed(way_out: str) -> None:
    class Gatekeeper(Pipe):
        async def pipe(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            record.note("stop")
            if way_out == "raise":
                raise LookupError("a fault")
            if way_out == "abort":
                abort(401)
            return "not today"

        async def on_pipe_success(self) -> None:
            record.note("never")

        on_pipe_failure = on_pipe_success

    record = Record()
    app = build(record, returning)
    gate = app.module(__name__, "gate")
    gate.pipeline = [Wrapper("outer", record), Gatekeeper(), Wrapper("behind", record)]
    gate.route("/gate", name="request")(returning)
    gate.websocket("/gate", name="websocket")(returning)
    outer = ["outer.pipe<", "outer.success", "app.pipe<", "app.success"]
    if way_out != "return":
        outer = ["outer.failure", "app.failure"]

    answer = await fetch(app, "/gate")
    assert answer.status == {"return": 200, "raise": 500, "abort": 401}[way_out]
    assert answer.text == {"return": "not today", "raise": "Internal Server Error", "abort": "Unauthorized"}[way_out]
    middle = [point for point in record.points if ".open" not in point and ".close" not in point]
    assert middle == ["app.pipe>", "outer.pipe>", "stop", *outer]
    # It had been opened, so it must be closed.
    assert record.points.count("behind.open") == record.points.count("behind.close") == 1

    record.points.clear()
    peer = WebsocketPeer(app, "/gate")
    assert (await peer.refused())[0] == {"return": 403, "raise": 500, "abort": 401}[way_out]
    middle = [point for point in record.points if ".open" not in point and ".close" not in point]
    assert middle == ["app.pipe>", "outer.pipe>", "stop", *outer]


async def test_a_pipe_that_stops_an_accepted_websocket_closes_it() -> None:
    class Greeter(Pipe):
        async def pipe_ws(self, next_pipe: Any, /, **kwargs: Any) -> None:
            await websocket.send("we are full")

    app = App(__name__)
    app.pipeline = [Greeter()]
    app.websocket("/")(returning)
    peer = WebsocketPeer(app)
    assert await peer.receive() == "we are full"
    assert await peer.closed() == (1000, "")


async def test_a_failed_open_hook_ends_the_flow_and_opened_pipes_are_closed() -> None:
    for kind in ("request", "ws"):
        record = Record()
        record.fail(f"inner.open_{kind}", HTTPException(503, "no database"))
        app = build(record, returning)
        if kind == "request":
            assert (await fetch(app, "/module/inner")).text == "no database"
        else:
            assert await WebsocketPeer(app, "/module/inner").refused() == (503, b"no database")
        levels = LEVELS[:3]
        assert record.points[:6] == [f"{level}.{hook}" for level in levels for hook in ("open", f"open_{kind}")]
        # Of the pipe that failed, only `close` runs, because only its `open` had run.
        assert record.points[6:] == [
            "inner.close",
            *(f"{level}.{hook}" for level in ("module", "app") for hook in (f"close_{kind}", "close")),
        ]


async def test_a_failed_close_hook_does_not_prevent_the_others() -> None:
    record = Record()
    record.fail("route.close_request", LookupError("a fault"))
    answer = await fetch(build(record, returning), "/module/inner")
    assert answer.status == 500
    assert record.points[-len(closed("request")) :] == closed("request")


async def test_a_cancelled_request_runs_its_failure_and_close_hooks() -> None:
    record = Record()
    record.hold("handler")
    app = build(record, returning)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    task = asyncio.ensure_future(app(http_scope("GET", "/module/inner"), receive, send))
    await record.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert record.points == opened("request") + ENTERED + FAILED + closed("request")
    assert sent == []


async def test_a_cancelled_websocket_runs_its_failure_and_close_hooks() -> None:
    record = Record()
    record.hold("handler")
    peer = WebsocketPeer(build(record, returning), "/module/inner")
    await record.reached.wait()
    peer.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await peer.task
    assert record.points == opened("ws") + ENTERED + FAILED + closed("ws")
    assert (await peer.events.get())["status"] == 503


async def test_a_peer_that_leaves_ends_the_flow_with_failure_hooks() -> None:
    record = Record()

    async def listen() -> None:
        while True:
            await websocket.receive()

    peer = WebsocketPeer(build(record, listen), "/module/inner")
    await peer.accepted()
    peer.leave(1001)
    await peer.ended()
    assert record.points == opened("ws") + ENTERED + FAILED + closed("ws")


async def test_a_handler_that_returns_when_the_peer_leaves_has_succeeded() -> None:
    record = Record()

    async def listen() -> None:
        async for _ in websocket:
            pass

    peer = WebsocketPeer(build(record, listen), "/module/inner")
    await peer.accepted()
    peer.leave(1001)
    await peer.ended()
    assert record.points == opened("ws") + ENTERED + SUCCEEDED + closed("ws")


async def test_pipes_are_closed_before_the_connection_ends() -> None:
    record = Record()
    record.hold("app.close")
    peer = WebsocketPeer(build(record, returning), "/module/inner")
    await record.reached.wait()
    assert not peer.task.done()
    assert peer.events.empty()
    peer.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await peer.task


async def test_a_pipe_may_catch_the_end_of_the_connection() -> None:
    ends: list[int] = []

    class Farewell(Pipe):
        async def pipe_ws(self, next_pipe: Any, /, **kwargs: Any) -> None:
            try:
                await next_pipe(**kwargs)
            except WebsocketClosed as error:
                ends.append(error.code)

    app = App(__name__)
    app.pipeline = [Farewell()]

    @app.websocket("/")
    async def listen() -> None:
        await websocket.receive()

    peer = WebsocketPeer(app)
    await peer.accepted()
    peer.leave(4001)
    await peer.ended()
    assert ends == [4001]


async def test_a_pipe_can_change_the_arguments_of_the_handler() -> None:
    class Load(Pipe):
        async def pipe(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            return await next_pipe(thing=f"<{kwargs.pop('id')}>", **kwargs)

    app = App(__name__)
    app.pipeline = [Load()]

    @app.route("/things/<int:id>/<str:size>", name="request")
    async def show(thing: str, size: str) -> str:
        return f"{thing} {size}"

    @app.websocket("/things/<int:id>/<str:size>", name="websocket")
    async def tell(thing: str, size: str) -> None:
        await websocket.send(f"{thing} {size}")

    assert (await fetch(app, "/things/7/big")).text == "<7> big"
    assert await (peer := WebsocketPeer(app, "/things/7/big")).receive() == "<7> big"
    assert await peer.closed() == (1000, "")
