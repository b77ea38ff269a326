"""Pipes around real websockets, on the default server and as ASGI application on others: the same order of hooks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

from emmett import App, Pipe, WebsocketClosed, abort, redirect, requires, websocket
from emmett.pipeline import NextPipe
from tests.integration import raw_client
from tests.integration.servers import SERVERS, Running, gone, run_emmett
from tests.pipeline.recording import Record, Wrapper

# uvicorn's older implementation uses an API of websockets that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
]
EVERY = pytest.mark.parametrize("server", SERVERS)
# When they stop, granian leaves open websockets unchanged, and hypercorn cancels its own tasks with a traceback.
UNTOLD = {"granian", "hypercorn"}

Handler = Callable[[], Awaitable[None]]
LEVELS = ("app", "module", "inner", "route")


class Ends(Pipe):
    """The outermost pipe, which is closed last and reports the end of the flow."""

    def __init__(self) -> None:
        self.flows: asyncio.Queue[None] = asyncio.Queue()

    def close(self) -> None:
        self.flows.put_nowait(None)


def build(record: Record, handler: Handler) -> tuple[App, Ends]:
    """An application with a pipe at each level; `handler` is at `/module/inner/talk`."""
    app = App(__name__)
    ends = Ends()
    app.pipeline = [ends, Wrapper("app", record)]
    module = app.module(__name__, "module", url_prefix="module")
    module.pipeline = [Wrapper("module", record)]
    inner = module.module(__name__, "inner", url_prefix="inner")
    inner.pipeline = [Wrapper("inner", record)]

    async def talk() -> None:
        record.note("handler")
        await handler()

    inner.websocket("/talk", pipeline=[Wrapper("route", record)])(talk)
    return app, ends


def through(*way_back: str) -> list[str]:
    """Return all points of a flow; `way_back` names those that each pipe passes on the way back."""
    return [
        *(f"{level}.{hook}" for level in LEVELS for hook in ("open", "open_ws")),
        *(f"{level}.pipe>" for level in LEVELS),
        "handler",
        *(f"{level}.{point}" for level in reversed(LEVELS) for point in way_back),
        *(f"{level}.{hook}" for level in reversed(LEVELS) for hook in ("close_ws", "close")),
    ]


SUCCEEDED = through("pipe<", "success")
FAILED = through("failure")


async def echoing() -> None:
    while True:
        await websocket.send(await websocket.receive())


async def iterating() -> None:
    async for message in websocket:
        await websocket.send(message)


async def closing() -> None:
    await websocket.send(await websocket.receive())
    await websocket.close(4001, "enough")


async def aborting() -> None:
    await echo_once()
    abort(403)


async def failing() -> None:
    await echo_once()
    raise LookupError("a fault")


async def cancelled() -> None:
    await echo_once()
    raise asyncio.CancelledError


async def echo_once() -> None:
    await websocket.send(await websocket.receive())


@EVERY
@pytest.mark.parametrize(
    ("handler", "code", "points"),
    [
        (echo_once, 1000, SUCCEEDED),
        (closing, 4001, SUCCEEDED),
        (aborting, 1008, FAILED),
        (failing, 1011, FAILED),
        (cancelled, 1011, FAILED),
    ],
)
async def test_a_returning_handler_runs_the_hooks_in_order(
    server: str, handler: Handler, code: int, points: list[str]
) -> None:
    record = Record()
    app, ends = build(record, handler)
    async with SERVERS[server](app) as running, connect(f"{running.url}/module/inner/talk") as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        await client.wait_closed()
        assert client.close_code == code
        await ends.flows.get()
    assert record.points == points


async def leave(client: ClientConnection) -> None:
    await client.close(4002, "bye")


async def break_off(client: ClientConnection) -> None:
    client.transport.abort()


@EVERY
@pytest.mark.parametrize("leaving", [leave, break_off])
@pytest.mark.parametrize(("handler", "points"), [(echoing, FAILED), (iterating, SUCCEEDED)])
async def test_a_departing_peer_runs_the_failure_hooks_in_order(
    server: str, leaving: Callable[[ClientConnection], Awaitable[None]], handler: Handler, points: list[str]
) -> None:
    record = Record()
    app, ends = build(record, handler)
    async with SERVERS[server](app) as running, connect(f"{running.url}/module/inner/talk") as client:
        await client.send("hello")
        assert await client.recv() == "hello"
        await leaving(client)
        await ends.flows.get()
        assert record.points == points


async def refusal(running: Running, path: str, *fields: bytes) -> int:
    """Request a websocket that will be refused, and return the status."""
    async with raw_client.connect(running.port) as client:
        client.write(raw_client.upgrade_request(path, *fields))
        return (await client.read_head())[0]


async def returning() -> None:
    return


async def redirecting() -> None:
    redirect("/elsewhere")


async def failing_at_once() -> None:
    raise LookupError("a fault")


@EVERY
async def test_a_handler_that_ends_before_accepting_runs_the_hooks(server: str) -> None:
    for handler, status, points in (
        (returning, 403, SUCCEEDED),
        (redirecting, 303, through("success")),
        (lambda: abort(404), 404, FAILED),
        (failing_at_once, 500, FAILED),
    ):
        record = Record()
        app, ends = build(record, handler)
        async with SERVERS[server](app) as running:
            assert await refusal(running, "/module/inner/talk") == status
            await ends.flows.get()
        assert record.points == points


@EVERY
@pytest.mark.parametrize("point", ["inner.open", "inner.open_ws"])
async def test_a_failed_open_hook_refuses_and_closes_opened_pipes(server: str, point: str) -> None:
    record = Record()
    record.fail(point, LookupError("a fault"))
    app, ends = build(record, returning)
    async with SERVERS[server](app) as running:
        assert await refusal(running, "/module/inner/talk") == 500
        await ends.flows.get()
    expected = ["app.open", "app.open_ws", "module.open", "module.open_ws", "inner.open"]
    if point == "inner.open_ws":
        expected += ["inner.open_ws", "inner.close"]
    assert record.points == [*expected, "module.close_ws", "module.close", "app.close_ws", "app.close"]


@EVERY
async def test_a_pipe_may_end_the_flow(server: str) -> None:
    record = Record()

    class Stops(Pipe):
        async def pipe(self, next_pipe: NextPipe, /, **variables: Any) -> None:
            if variables["how"] == "greets":
                await websocket.send("we are full")
            elif variables["how"] == "closes":
                await websocket.accept()
                await websocket.close(4003, "full")
            elif variables["how"] == "aborts":
                abort(429, headers={"Retry-After": "5"})

    app = App(__name__)
    ends = Ends()
    app.pipeline = [ends, Wrapper("outer", record), Stops(), Wrapper("behind", record)]

    @app.websocket("/<str:how>")
    async def talk(how: str) -> None:
        raise AssertionError("never reached")

    async with SERVERS[server](app) as running:
        assert await refusal(running, "/returns") == 403
        assert await refusal(running, "/aborts") == 429
        async with connect(f"{running.url}/greets") as client:
            assert await client.recv() == "we are full"
            await client.wait_closed()
            assert client.close_code == 1000
        async with connect(f"{running.url}/closes") as client:
            await client.wait_closed()
            assert (client.close_code, client.close_reason) == (4003, "full")
        for _ in range(4):
            await ends.flows.get()
    inside = [point for point in record.points if "pipe" in point or "success" in point or "failure" in point]
    passed = ["outer.pipe>", "outer.pipe<", "outer.success"]
    assert inside == [*passed, "outer.pipe>", "outer.failure", *passed, *passed]
    # Opened pipes are closed even if the flow never reached them.
    assert record.points.count("behind.open") == record.points.count("behind.close") == 4


@EVERY
async def test_a_pipe_can_catch_the_end_and_change_the_arguments(server: str) -> None:
    ended: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    class Catches(Pipe):
        async def pipe_ws(self, next_pipe: NextPipe, /, **variables: Any) -> None:
            variables["number"] += 1
            try:
                await next_pipe(**variables, extra=websocket.query_params.extra)
            except WebsocketClosed as closed:
                ended.put_nowait((closed.code, closed.reason))

    app = App(__name__)

    @app.websocket("/<int:number>", pipeline=[Catches()])
    async def talk(number: int, extra: str) -> None:
        await websocket.send(f"{number} {extra}")
        await echoing()

    async with SERVERS[server](app) as running:
        async with connect(f"{running.url}/41?extra=more") as client:
            assert await client.recv() == "42 more"
            await client.close(4002, "bye")
        code, _ = await ended.get()
        # hypercorn does not report the code.
        assert code == (1006 if server == "hypercorn" else 4002)


@pytest.mark.loops("asyncio", "uvloop")
@pytest.mark.parametrize("leaving", [leave, break_off])
async def test_close_hooks_are_awaited_before_the_connection_ends(
    leaving: Callable[[ClientConnection], Awaitable[None]],
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    class Slow(Pipe):
        async def close_ws(self) -> None:
            begun.set()
            await go_on.wait()
            done.append("slow")

    class Outer(Pipe):
        async def close(self) -> None:
            await asyncio.sleep(0)
            done.append("outer")

    app = App(__name__)
    app.pipeline = [Outer(), Slow()]
    app.websocket("/talk")(iterating)
    async with run_emmett(app) as running:
        assert running.server is not None
        state = running.server.server_state
        async with connect(f"{running.url}/talk") as client:
            await client.send("hello")
            await client.recv()
            await leaving(client)
            await begun.wait()
            await client.wait_closed()
        # The peer has left, and a new one connects and leaves meanwhile.
        async with connect(f"{running.url}/talk") as other:
            assert len(state.connections) == 2
            await leaving(other)
        assert done == []
        assert len(state.tasks()) == 2
        go_on.set()
        await gone(running)
        assert done == ["slow", "outer"] * 2 or done == ["slow", "slow", "outer", "outer"]


@EVERY
async def test_requires_admits_or_refuses(server: str) -> None:
    app = App(__name__)

    def has_cookie() -> bool:
        return "user" in websocket.cookies

    async def has_key() -> bool:
        await asyncio.sleep(0)
        return websocket.query_params.key == "secret"

    async def explain() -> None:
        await websocket.send("members only")

    async def tell() -> None:
        await websocket.send("welcome")

    app.websocket("/cookie", name="cookie", pipeline=[requires(has_cookie)])(tell)
    app.websocket("/login", name="login", pipeline=[requires(has_cookie, "/login")])(tell)
    app.websocket("/explains", name="explains", pipeline=[requires(has_cookie, explain)])(tell)
    app.websocket("/silent", name="silent", pipeline=[requires(has_cookie, lambda: "no answer")])(tell)

    @app.websocket()
    @requires(has_cookie)
    @requires(has_key)
    async def decorated() -> None:
        await websocket.send("welcome")

    user = {"Cookie": "user=ada"}
    async with SERVERS[server](app) as running:
        for path in ("/cookie", "/login", "/silent", "/decorated", "/decorated?key=secret"):
            assert (path, await refusal(running, path)) == (path, 403)
        assert await refusal(running, "/decorated?key=wrong", b"Cookie: user=ada") == 403
        for path in ("/cookie", "/login", "/explains", "/silent", "/decorated?key=secret"):
            async with connect(f"{running.url}{path}", additional_headers=user) as client:
                assert (path, await client.recv()) == (path, "welcome")
        async with connect(f"{running.url}/explains") as client:
            assert await client.recv() == "members only"
            await client.wait_closed()
            assert client.close_code == 1000


@pytest.mark.parametrize("server", [name for name in SERVERS if name not in UNTOLD])
async def test_flows_end_when_the_server_stops(server: str) -> None:
    record = Record()
    app, ends = build(record, echoing)
    async with contextlib.AsyncExitStack() as clients:
        async with SERVERS[server](app) as running:
            client = await clients.enter_async_context(connect(f"{running.url}/module/inner/talk"))
            await client.send("hello")
            assert await client.recv() == "hello"
        await ends.flows.get()
    assert record.points == FAILED
