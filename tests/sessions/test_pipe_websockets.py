"""Sessions in websockets: read from the handshake, read-only, closed at logout."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from typing import Any

import pytest

from emmett import App, Pipe, abort, session, websocket
from emmett.errors import UsageError
from emmett.sessions import SessionPipe, StoreUnavailable
from emmett.sessions.memory_store import MemoryStore
from tests.sessions.visiting import NAME, PIPES, Browser, Clock, cookie_pipe, make_app, opened, stored_pipe

every_kind = pytest.mark.parametrize("kind", PIPES)
LOGGED_OUT = ("close", 1008, "logged out")


def chat(sessions: SessionPipe) -> App:
    """An application with a login and a websocket that reads the session."""
    app = make_app(sessions)

    @app.route("/login/<str:name>")
    async def login(name: str) -> str:
        await sessions.renew()
        session.user = name
        return "done"

    @app.route("/logout")
    async def logout() -> str:
        await sessions.end()
        return "done"

    @app.route("/close/<str:name>")
    async def close(name: str) -> str:
        found = await sessions.close_websockets(lambda it: it.user == name, code=4001, reason="come back")
        return str(found)

    @app.websocket("/chat")
    async def talk() -> None:
        await websocket.send(f"hello {session.user}")
        async for _ in websocket:
            pass

    return app


async def logged_in(app: App, name: str) -> Browser:
    browser = Browser(app)
    await browser.ask(f"/login/{name}")
    return browser


@every_kind
async def test_a_websocket_can_read_the_session(kind: str) -> None:
    app = chat(PIPES[kind](Clock()))
    browser = await logged_in(app, "ann")
    async with browser.connect("/chat") as ann, Browser(app).connect("/chat") as nobody:
        assert await opened(ann) == ["hello ann"]
        assert await opened(nobody) == ["hello None"]


@every_kind
@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 200, "\xff"])
async def test_an_invalid_cookie_is_an_empty_session(kind: str, token: str, caplog: pytest.LogCaptureFixture) -> None:
    browser = Browser(chat(PIPES[kind](Clock())), {NAME: token})
    async with browser.connect("/chat") as connection:
        assert await opened(connection) == ["hello None"]
    assert not caplog.records


@every_kind
async def test_an_expired_session_is_empty(kind: str) -> None:
    clock = Clock()
    browser = await logged_in(chat(PIPES[kind](clock)), "ann")
    clock.now += 100
    async with browser.connect("/chat") as connection:
        assert await opened(connection) == ["hello None"]


@every_kind
async def test_the_session_is_read_only(kind: str) -> None:
    sessions = PIPES[kind](Clock())
    app = chat(sessions)

    @app.websocket("/write")
    async def write() -> None:
        with pytest.raises(UsageError, match=r"read-only in a websocket.*change it in a request"):
            session.user = "bob"
        for call in (sessions.renew, sessions.end):
            with pytest.raises(UsageError, match="websocket cannot set a cookie"):
                await call()
        await websocket.send(f"still {sessions.current.user}")

    browser = await logged_in(app, "ann")
    async with browser.connect("/write") as connection:
        assert await opened(connection) == ["still ann"]


@every_kind
async def test_a_logout_closes_the_sockets_of_this_session(kind: str) -> None:
    app = chat(PIPES[kind](Clock()))
    ann, elsewhere = await logged_in(app, "ann"), await logged_in(app, "ann")
    async with (
        ann.connect("/chat") as one,
        ann.connect("/chat") as two,
        elsewhere.connect("/chat") as other,
        Browser(app).connect("/chat") as nobody,
    ):
        for each in (one, two, other, nobody):
            await opened(each)
        await ann.ask("/logout")
        assert one.events[-1] == two.events[-1] == LOGGED_OUT
        assert one.websocket.closed
        assert not other.websocket.closed
        assert not nobody.websocket.closed


@every_kind
async def test_sockets_follow_their_session_to_its_new_id(kind: str) -> None:
    app = chat(PIPES[kind](Clock()))
    browser = await logged_in(app, "ann")
    async with browser.connect("/chat") as connection:
        await opened(connection)
        await browser.ask("/login/ann")
        await browser.ask("/logout")
        assert connection.events[-1] == LOGGED_OUT


@every_kind
async def test_all_matching_sessions_can_be_closed(kind: str) -> None:
    app = chat(PIPES[kind](Clock()))
    phone, laptop, bob = [await logged_in(app, name) for name in ("ann", "ann", "bob")]
    async with phone.connect("/chat") as one, laptop.connect("/chat") as two, bob.connect("/chat") as other:
        for each in (one, two, other):
            await opened(each)
        assert await bob.text("/close/ann") == "2"
        assert one.events[-1] == two.events[-1] == ("close", 4001, "come back")
        assert not other.websocket.closed
        assert await bob.text("/close/cyd") == "0"


async def test_an_invalid_close_code_is_refused() -> None:
    sessions = stored_pipe(Clock())
    app = chat(sessions)

    @app.route("/wrong")
    async def wrong() -> str:
        for call in (sessions.end, lambda **how: sessions.close_websockets(bool, **how)):
            with pytest.raises(ValueError, match="1005"):
                await call(code=1005)
            with pytest.raises(ValueError, match="123"):
                await call(reason="x" * 124)
        return str(session.user)

    browser = await logged_in(app, "ann")
    assert await browser.text("/wrong") == "ann"


async def test_an_error_of_the_condition_closes_nothing() -> None:
    sessions = stored_pipe(Clock())
    browser = await logged_in(chat(sessions), "ann")
    async with browser.connect("/chat") as connection:
        await opened(connection)
        with pytest.raises(ZeroDivisionError):
            await sessions.close_websockets(lambda it: 1 / 0)
        assert not connection.websocket.closed


async def test_a_peer_that_does_not_read_does_not_delay_a_logout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emmett.sessions.sockets.GRACE", 0.01)
    browser = await logged_in(chat(stored_pipe(Clock())), "ann")
    async with browser.connect("/chat") as slow, browser.connect("/chat") as quick:
        await opened(slow)
        await opened(quick)
        slow.reads.clear()
        await browser.ask("/logout")
        assert quick.events[-1] == LOGGED_OUT
        assert slow.websocket.closed
        assert slow.events[-1] != LOGGED_OUT
        # Its Close frame still waits for its turn.
        slow.reads.set()
        while slow.events[-1] != LOGGED_OUT:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)


class Held(MemoryStore):
    """A store whose answers wait for the test."""

    gate: asyncio.Event | None = None
    asked: asyncio.Event

    async def get(self, key: str) -> bytes | None:
        value = await super().get(key)
        if self.gate is not None:
            self.asked.set()
            await self.gate.wait()
        return value


async def test_a_logout_applies_to_a_handshake_that_loads_the_session(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    store = Held(100, clock)
    sessions = stored_pipe(clock, store)
    browser = await logged_in(chat(sessions), "ann")
    # The request of the logout itself has already loaded its session.
    out, leave = asyncio.Event(), asyncio.Event()
    browser.app.websocket("/refused")(nothing)

    @browser.app.route("/leave")
    async def slowly() -> str:
        out.set()
        await leave.wait()
        await sessions.end()
        return "done"

    leaving = asyncio.create_task(browser.ask("/leave"))
    await out.wait()
    store.gate, store.asked = asyncio.Event(), asyncio.Event()
    async with browser.connect("/refused") as connection:
        await store.asked.wait()
        leave.set()
        await leaving
        store.gate.set()
        await opened(connection)
        assert connection.events == [("refuse", 403, "", {})]
    assert not caplog.records


async def test_an_unavailable_store_refuses_with_503() -> None:
    class Away(MemoryStore):
        async def get(self, key: str) -> bytes | None:
            raise StoreUnavailable

    clock = Clock()
    sessions = stored_pipe(clock, Away(10, clock))
    app = chat(sessions)
    async with Browser(app, {NAME: "A" * 43}).connect("/chat") as connection:
        await opened(connection)
        assert connection.events == [("refuse", 503, "", {})]
    assert len(sessions._live.sockets) == 0
    async with Browser(app).connect("/chat") as connection:
        assert await opened(connection) == ["hello None"]


async def test_inner_pipes_see_the_session() -> None:
    seen: list[Any] = []

    class Guard(Pipe):
        def open_ws(self) -> None:
            seen.append(session.user)

        async def pipe_ws(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            return await next_pipe(**kwargs) if session.user else None

    sessions = cookie_pipe(Clock())
    app = chat(sessions)

    @app.websocket("/members", pipeline=[Guard()])
    async def members() -> None:
        await websocket.send("welcome")

    browser = await logged_in(app, "ann")
    async with browser.connect("/members") as connection:
        assert await opened(connection) == ["welcome"]
    async with Browser(app).connect("/members") as connection:
        await opened(connection)
        assert connection.events == [("refuse", 403, "", {})]
    assert seen == ["ann", None]
    assert len(sessions._live.sockets) == 0


async def test_a_failed_open_hook_of_an_inner_pipe_leaves_nothing() -> None:
    class Faulty(Pipe):
        def open_ws(self) -> None:
            abort(404)

    sessions = stored_pipe(Clock())
    app = chat(sessions)
    app.websocket("/faulty", pipeline=[Faulty()])(nothing)
    browser = await logged_in(app, "ann")
    async with browser.connect("/faulty") as connection:
        await opened(connection)
        assert connection.events == [("refuse", 404, "", {})]
    assert len(sessions._live.sockets) == 0
    assert not sessions._live.sockets._by_id


async def nothing() -> None:
    raise AssertionError("never reached")


@contextlib.contextmanager
def without_collector() -> Any:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@every_kind
async def test_a_thousand_connections_leave_nothing(kind: str) -> None:
    sessions = PIPES[kind](Clock())
    app = chat(sessions)
    browser = await logged_in(app, "ann")
    known = Browser(app, browser.cookies)
    with without_collector():
        gone: list[weakref.ref[Any]] = []

        async def visit(visitor: Browser) -> None:
            async with visitor.connect("/chat") as connection:
                gone.append(weakref.ref(connection.websocket))
                await opened(connection)
            # The connection used by the tests is itself a reference cycle.
            del connection.websocket

        for number in range(1000):
            await asyncio.create_task(visit(known if number % 2 else Browser(app)))
        assert len(gone) == 1000
        assert not [reference for reference in gone if reference() is not None]
    assert len(sessions._live.sockets) == 0
    assert not sessions._live.sockets._by_id
    assert not sessions._live.sockets._sessions
