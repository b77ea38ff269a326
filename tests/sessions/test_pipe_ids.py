"""Ids of sessions: new at login, invalid after logout, and requests that race with both."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, redirect, session
from emmett.errors import UsageError
from emmett.sessions import SessionPipe, StoreUnavailable
from emmett.sessions.memory_store import MemoryStore
from tests.sessions.visiting import NAME, PIPES, Browser, Clock, make_app, stored_pipe

every_kind = pytest.mark.parametrize("kind", PIPES)


class Gate:
    """A place where a handler waits until the test releases it."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.open = asyncio.Event()

    async def wait(self) -> None:
        self.arrived.set()
        await self.open.wait()


def members(sessions: SessionPipe, gate: Gate | None = None) -> App:
    """An application with a login."""
    app = make_app(sessions)

    @app.route("/")
    async def index() -> dict[str, Any]:
        return dict(session)

    @app.route("/set/<str:key>")
    async def put(key: str) -> str:
        session[key] = "yes"
        return "done"

    @app.route("/login/<str:name>")
    async def login(name: str) -> None:
        await sessions.renew()
        session.user = name
        redirect("/")

    @app.route("/logout")
    async def logout() -> None:
        await sessions.end()
        redirect("/")

    @app.route("/slow/<str:key>")
    async def slow(key: str) -> str:
        assert gate is not None
        session[key] = "yes"
        await gate.wait()
        return "done"

    @app.route("/elevate")
    async def elevate() -> str:
        assert gate is not None
        await gate.wait()
        await sessions.renew()
        return str(session.user)

    @app.route("/login-fails")
    async def login_fails() -> None:
        await sessions.renew()
        session.user = "ann"
        raise LookupError("a mistake")

    @app.route("/logout-fails")
    async def logout_fails() -> None:
        await sessions.end()
        session.user = "ann"
        raise LookupError("a mistake")

    @app.route("/goodbye")
    async def goodbye() -> str:
        await sessions.end()
        session.message = "goodbye"
        return "done"

    return app


@every_kind
async def test_a_login_changes_the_id_and_keeps_the_values(kind: str) -> None:
    browser = Browser(members(PIPES[kind](Clock())))
    await browser.ask("/set/cart")
    before = browser.token
    assert (await browser.ask("/login/ann")).status == 303
    assert browser.token not in (None, before)
    assert await browser.text() == '{"cart":"yes","user":"ann"}'


async def test_a_planted_id_does_not_get_the_login() -> None:
    """Session fixation: the attacker knows the id that the victim logs in with."""
    app = members(stored_pipe(Clock()))
    attacker = Browser(app)
    await attacker.ask("/set/cart")
    victim = Browser(app, attacker.cookies)
    await victim.ask("/login/ann")
    assert await victim.text() == '{"cart":"yes","user":"ann"}'
    assert await attacker.text() == "{}"


@every_kind
async def test_a_visitor_without_a_session_can_log_in(kind: str) -> None:
    browser = Browser(members(PIPES[kind](Clock())))
    await browser.ask("/login/ann")
    assert len(browser.set_cookies) == 1
    assert await browser.text() == '{"user":"ann"}'


@every_kind
async def test_a_logout_ends_the_session(kind: str) -> None:
    browser = Browser(members(PIPES[kind](Clock())))
    await browser.ask("/login/ann")
    stolen = dict(browser.cookies)
    await browser.ask("/logout")
    assert browser.set_cookies == [f"{NAME}=; HttpOnly; Max-Age=0; Path=/; SameSite=Lax"]
    assert browser.token is None
    assert await browser.text() == "{}"
    # Whether a copy of the cookie remains valid depends on where the session is stored; docs/sessions.md says so.
    assert await Browser(browser.app, stolen).text() == ("{}" if kind == "memory" else '{"user":"ann"}')


@every_kind
async def test_a_logout_without_a_session_does_nothing(kind: str) -> None:
    assert (await Browser(members(PIPES[kind](Clock()))).ask("/logout")).status == 303


@every_kind
async def test_values_written_after_the_end_belong_to_a_new_session(kind: str) -> None:
    browser = Browser(members(PIPES[kind](Clock())))
    await browser.ask("/login/ann")
    before = browser.token
    await browser.ask("/goodbye")
    assert browser.token not in (None, before)
    assert len(browser.set_cookies) == 1
    assert await browser.text() == '{"message":"goodbye"}'


@every_kind
async def test_a_handler_may_fail_after_renew_and_end(kind: str) -> None:
    browser = Browser(members(PIPES[kind](Clock())))
    await browser.ask("/set/cart")
    before = browser.token
    assert (await browser.ask("/login-fails")).status == 500
    assert browser.token not in (None, before)
    assert await browser.text() == '{"cart":"yes"}'
    assert (await browser.ask("/logout-fails")).status == 500
    assert browser.token is None


@every_kind
async def test_values_with_an_underscore_end_with_their_id(kind: str) -> None:
    browser = Browser(members(PIPES[kind](Clock())))
    for key in ("_secret", "__", "cart_"):
        await browser.ask(f"/set/{key}")
    # An exception drops the changes of its handler, including that renew() removed values.
    assert (await browser.ask("/login-fails")).status == 500
    assert await browser.text() == '{"_secret":"yes","__":"yes","cart_":"yes"}'
    await browser.ask("/login/ann")
    assert await browser.text() == '{"cart_":"yes","user":"ann"}'


@pytest.mark.parametrize("end", ["/logout", "/login/ann"])
async def test_a_concurrent_request_does_not_restore_an_ended_session(end: str) -> None:
    gate, clock = Gate(), Clock()
    store = MemoryStore(100, clock)
    browser = Browser(members(stored_pipe(clock, store), gate))
    await browser.ask("/login/bob")
    old = dict(browser.cookies)
    slowly = asyncio.create_task(browser.ask("/slow/late"))
    await gate.arrived.wait()
    await browser.ask(end)
    after = dict(browser.cookies)
    gate.open.set()
    await slowly
    assert browser.set_cookies == []
    assert browser.cookies == after
    assert await Browser(browser.app, old).text() == "{}"
    assert await browser.text() == ("{}" if end == "/logout" else '{"user":"ann"}')
    assert len(store) == (0 if end == "/logout" else 1)


async def test_a_concurrent_renewal_does_not_restore_an_ended_session() -> None:
    gate, clock = Gate(), Clock()
    store = MemoryStore(100, clock)
    browser = Browser(members(stored_pipe(clock, store), gate))
    await browser.ask("/login/bob")
    elevating = asyncio.create_task(browser.text("/elevate"))
    await gate.arrived.wait()
    await browser.ask("/logout")
    gate.open.set()
    assert await elevating == "None"
    assert (browser.token, len(store)) == (None, 0)


async def test_of_two_concurrent_renewals_one_keeps_the_session() -> None:
    gate, clock = Gate(), Clock()
    store = MemoryStore(100, clock)
    browser = Browser(members(stored_pipe(clock, store), gate))
    await browser.ask("/login/bob")
    both = [asyncio.create_task(Browser(browser.app, browser.cookies).text("/elevate")) for _ in range(2)]
    await gate.arrived.wait()
    gate.open.set()
    assert sorted(await asyncio.gather(*both)) == ["None", "bob"]
    assert len(store) == 1


async def test_renew_and_end_after_the_response_are_errors() -> None:
    sessions = stored_pipe(Clock())
    app = make_app(sessions)
    errors: list[UsageError] = []

    @app.route("/")
    async def index() -> str:
        session.user = "ann"

        async def later() -> None:
            await saved.wait()
            for call in (sessions.renew, sessions.end):
                with pytest.raises(UsageError, match="saved when the handler returned") as raised:
                    await call()
                errors.append(raised.value)

        tasks.append(asyncio.create_task(later()))
        return "done"

    saved, tasks = asyncio.Event(), list[asyncio.Task[None]]()
    browser = Browser(app)
    await browser.ask()
    saved.set()
    await asyncio.gather(*tasks)
    assert len(errors) == 2
    assert browser.token is not None


class Broken(MemoryStore):
    """A store that fails when the test asks for it."""

    broken: frozenset[str] = frozenset()

    async def get(self, key: str) -> bytes | None:
        return await super().get(key) if "get" not in self.broken else self._break()

    async def put(self, key: str, value: bytes, seconds: float, *, replace: bool) -> bool:
        return await super().put(key, value, seconds, replace=replace) if "put" not in self.broken else self._break()

    async def delete(self, key: str) -> bool:
        return await super().delete(key) if "delete" not in self.broken else self._break()

    def _break(self) -> Any:
        raise StoreUnavailable


async def test_an_unavailable_store_is_503() -> None:
    clock = Clock()
    store = Broken(100, clock)
    app = members(stored_pipe(clock, store))
    store.broken = frozenset({"get", "put", "delete"})
    # A visitor without a session needs no store.
    assert await Browser(app).text() == "{}"
    new = Browser(app)
    assert (await new.ask("/login/ann")).status == 503
    assert new.set_cookies == []
    store.broken = frozenset()
    known = Browser(app)
    await known.ask("/login/bob")
    cookies = dict(known.cookies)
    for broken, paths in (
        ({"get"}, ["/", "/set/a", "/login/ann", "/logout"]),
        ({"put"}, ["/set/a"]),
        ({"delete"}, ["/logout", "/login/ann"]),
    ):
        for path in paths:
            store.broken = frozenset(broken)
            assert (await known.ask(path)).status == 503, (broken, path)
            assert known.cookies == cookies
            store.broken = frozenset()
            assert await known.text() == '{"user":"bob"}'


async def test_a_login_whose_new_id_cannot_be_stored_leaves_no_login_under_the_old_id() -> None:
    clock = Clock()
    store = Broken(100, clock)
    browser = Browser(members(stored_pipe(clock, store)))
    await browser.ask("/set/cart")
    store.broken = frozenset({"put"})
    assert (await browser.ask("/login/ann")).status == 503
    store.broken = frozenset()
    assert await browser.text() == "{}"


async def test_a_login_that_ignores_a_store_failure_leaves_no_login_under_the_old_id() -> None:
    clock = Clock()
    store = Broken(100, clock)
    sessions = stored_pipe(clock, store)
    app = members(sessions)

    @app.route("/stubborn")
    async def stubborn() -> str:
        store.broken = frozenset({"delete"})
        with pytest.raises(StoreUnavailable):
            await sessions.renew()
        store.broken = frozenset()
        session.user = "ann"
        return "done"

    attacker = Browser(app)
    await attacker.ask("/set/cart")
    victim = Browser(app, attacker.cookies)
    await victim.ask("/stubborn")
    assert await victim.text() == '{"cart":"yes","user":"ann"}'
    assert await attacker.text() == '{"cart":"yes"}'
