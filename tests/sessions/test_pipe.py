"""Sessions in requests: which values are kept, and which cookies are sent when."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emmett import App, Response, abort, redirect, request, response, session
from emmett.errors import RequestError, UsageError
from emmett.sessions import SessionPipe
from tests.sessions.visiting import EXPIRE, NAME, PIPES, Browser, Clock, cookie_pipe, make_app, stored_pipe

every_kind = pytest.mark.parametrize("kind", PIPES)


def shop(pipe: SessionPipe) -> App:
    """An application that stores values in sessions."""
    app = make_app(pipe)

    @app.route("/")
    async def index() -> dict[str, Any]:
        return dict(session)

    @app.route("/set/<str:key>/<str:value>", methods=["get", "post"])
    async def put(key: str, value: str) -> str:
        session[key] = value
        return "done"

    @app.route("/add/<str:item>")
    async def add(item: str) -> str:
        if session.cart is None:
            session.cart = {"items": []}
        session.cart["items"].append(item)
        return "done"

    @app.route("/clear")
    async def clear() -> str:
        session.clear()
        return "done"

    @app.route("/login")
    async def login() -> None:
        session.user = "ann"
        redirect("/")

    @app.route("/abort")
    async def aborts() -> None:
        session.user = "ann"
        abort(403, "no", {"Cache-Control": "public, max-age=60"})

    @app.route("/tasks/<str:kind>")
    async def tasks(kind: str) -> None:
        """End like the other handlers here, but inside a task group."""
        async with asyncio.TaskGroup() as group:
            group.create_task({"login": login, "abort": aborts, "fail": fail, "refuse": refuse}[kind]())

    @app.route("/fail")
    async def fail() -> None:
        session.user = "ann"
        raise LookupError("a mistake")

    @app.route("/refuse")
    async def refuse() -> None:
        session.user = "ann"
        raise RequestError(413, "too large")

    return app


@every_kind
async def test_values_are_available_in_the_next_request(kind: str) -> None:
    browser = Browser(shop(PIPES[kind](Clock())))
    assert await browser.text("/set/user/ann") == "done"
    assert await browser.text() == '{"user":"ann"}'
    await browser.ask("/set/theme/dark", "POST")
    assert await browser.text() == '{"user":"ann","theme":"dark"}'
    assert await Browser(browser.app).text() == "{}"


@every_kind
async def test_the_cookie_is_sent(kind: str) -> None:
    browser = Browser(shop(PIPES[kind](Clock())))
    await browser.ask("/set/user/ann")
    (line,) = browser.set_cookies
    assert line == f"{NAME}={browser.token}; HttpOnly; Max-Age=100; Path=/; SameSite=Lax"
    assert (browser.headers["vary"], browser.headers["cache-control"]) == ("Cookie", "no-store")


@every_kind
async def test_a_visitor_without_values_gets_no_cookie(kind: str) -> None:
    browser = Browser(shop(PIPES[kind](Clock())))
    for path in ("/", "/clear"):
        await browser.ask(path)
        assert browser.set_cookies == []
        assert browser.headers["vary"] == "Cookie"
        assert "cache-control" not in browser.headers


@every_kind
async def test_the_cookie_is_sent_only_after_a_change(kind: str) -> None:
    browser = Browser(shop(PIPES[kind](Clock())))
    await browser.ask("/add/tea")
    assert browser.set_cookies
    await browser.ask("/")
    assert browser.set_cookies == []
    # Including a change inside a value.
    await browser.ask("/add/milk")
    assert browser.set_cookies
    assert await browser.text() == '{"cart":{"items":["tea","milk"]}}'
    await browser.ask("/set/theme/dark")
    await browser.ask("/set/theme/dark")
    assert browser.set_cookies == []


@every_kind
async def test_an_emptied_session_is_deleted(kind: str) -> None:
    browser = Browser(shop(PIPES[kind](Clock())))
    await browser.ask("/set/user/ann")
    token = browser.token
    await browser.ask("/clear")
    assert browser.set_cookies == [f"{NAME}=; HttpOnly; Max-Age=0; Path=/; SameSite=Lax"]
    assert browser.headers["cache-control"] == "no-store"
    if kind == "memory":
        assert await Browser(browser.app, {NAME: token or ""}).text() == "{}"


@every_kind
async def test_the_lifetime_is_renewed_after_half_of_it(kind: str) -> None:
    clock = Clock()
    browser = Browser(shop(PIPES[kind](clock)))
    await browser.ask("/set/user/ann")
    clock.now += EXPIRE / 2
    await browser.ask()
    assert browser.set_cookies == []
    clock.now += 1
    await browser.ask()
    assert browser.set_cookies
    clock.now += EXPIRE - 1
    assert await browser.text() == '{"user":"ann"}'
    clock.now += EXPIRE
    assert await browser.text() == "{}"


@every_kind
@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 200, '"quoted"', "é", "=", "\\"])
async def test_an_invalid_cookie_is_an_empty_session(kind: str, token: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser = Browser(shop(PIPES[kind](Clock())), {NAME: token})
    assert await browser.text() == "{}"
    assert browser.set_cookies == []
    # A session that begins here has its own id.
    await browser.ask("/set/user/ann")
    assert browser.token not in (None, token)
    lines = [line for line in caplog.records if line.name == "emmett.session"]
    assert len(lines) <= 2
    assert all((line.levelname, line.exc_info) == ("DEBUG", None) and len(line.getMessage()) < 200 for line in lines)


async def test_a_session_of_another_application_is_ignored() -> None:
    browser = Browser(shop(cookie_pipe(Clock())))
    await browser.ask("/set/user/ann")
    assert await Browser(shop(cookie_pipe(Clock(), "another secret, also long")), browser.cookies).text() == "{}"
    assert await Browser(shop(stored_pipe(Clock())), browser.cookies).text() == "{}"


async def test_visitors_keep_their_values_through_a_key_rotation() -> None:
    clock = Clock()
    browser = Browser(shop(cookie_pipe(clock, "the old secret, also long")))
    await browser.ask("/set/user/ann")
    browser.app = shop(cookie_pipe(clock, ["the new secret, also long", "the old secret, also long"]))
    assert await browser.text() == '{"user":"ann"}'
    browser.app = shop(cookie_pipe(clock, "the new secret, also long"))
    assert await browser.text() == '{"user":"ann"}'
    assert browser.set_cookies == []


@every_kind
async def test_a_redirect_and_an_abort_keep_the_session(kind: str) -> None:
    for path, status in (("/login", 303), ("/abort", 403), ("/tasks/login", 303), ("/tasks/abort", 403)):
        browser = Browser(shop(PIPES[kind](Clock())))
        assert (await browser.ask(path)).status == status
        assert browser.headers["cache-control"] == "no-store"
        assert browser.headers["vary"] == "Cookie"
        assert await browser.text() == '{"user":"ann"}'


@every_kind
async def test_an_error_drops_changes(kind: str) -> None:
    browser = Browser(shop(PIPES[kind](Clock())))
    await browser.ask("/set/user/bob")
    for path, status in (("/fail", 500), ("/refuse", 413), ("/tasks/fail", 500), ("/tasks/refuse", 413)):
        assert (await browser.ask(path)).status == status
        assert browser.set_cookies == []
        assert browser.headers["vary"] == "Cookie"
        assert await browser.text() == '{"user":"bob"}'


@every_kind
async def test_head_behaves_like_get(kind: str) -> None:
    browser = Browser(shop(PIPES[kind](Clock())))
    assert (await browser.ask("/set/user/ann", "HEAD")).status == 200
    assert await browser.text() == '{"user":"ann"}'


@every_kind
async def test_a_stream_has_the_cookie_and_can_read(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    app = shop(PIPES[kind](Clock()))

    async def lines() -> AsyncIterator[bytes]:
        yield f"{session.user} ".encode()
        try:
            session.user = "bob"
        except UsageError as error:
            yield str(error).encode()

    @app.route("/stream")
    async def stream() -> AsyncIterator[bytes]:
        session.user = "ann"
        return lines()

    browser = Browser(app)
    text = await browser.text("/stream")
    assert text.startswith("ann the session was saved when the handler returned")
    assert await browser.text() == '{"user":"ann"}'


@every_kind
async def test_a_response_object_gets_the_cookie(kind: str) -> None:
    shared = Response("x", headers={"cache-control": "public", "vary": "Accept"})
    app = shop(PIPES[kind](Clock()))

    @app.route("/shared")
    async def share() -> Response:
        session.user = request.query_params.user
        return shared

    browser = Browser(app)
    await browser.ask("/set/user/ann")
    await browser.ask("/shared")
    assert (browser.headers["cache-control"], browser.headers["vary"]) == ("no-store", "Accept, Cookie")
    assert dict(shared.headers) == {"cache-control": "public", "vary": "Accept"}
    assert not shared.cookies


async def test_a_value_that_json_cannot_express_is_an_error_that_names_the_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = shop(cookie_pipe(Clock()))

    @app.route("/bad")
    async def bad() -> None:
        session.fine, session.when = 1, (1, 2)

    browser = Browser(app)
    assert (await browser.ask("/bad")).status == 500
    assert "session['when'] cannot be stored" in caplog.text
    assert browser.set_cookies == []


async def test_a_session_too_large_for_a_cookie_is_an_error(caplog: pytest.LogCaptureFixture) -> None:
    browser = Browser(shop(cookie_pipe(Clock())))
    assert (await browser.ask(f"/set/text/{'x' * 2500}")).status == 200
    assert (await browser.ask(f"/set/text/{'x' * 3500}")).status == 500
    assert "store it on the server, with SessionManager.redis() or SessionManager.memory()" in caplog.text
    assert browser.set_cookies == []
    assert len(await browser.text()) > 2500


@every_kind
async def test_concurrent_requests_of_a_visitor_have_separate_sessions(kind: str) -> None:
    """The session that is saved last is kept."""
    app = shop(PIPES[kind](Clock()))
    arrived, go_on = asyncio.Event(), asyncio.Event()

    @app.route("/slow")
    async def slow() -> str:
        session.slow = "yes"
        arrived.set()
        await go_on.wait()
        return str(session.fast)

    browser = Browser(app)
    await browser.ask("/set/user/ann")
    slowly = asyncio.create_task(browser.text("/slow"))
    await arrived.wait()
    await browser.ask("/set/fast/yes")
    assert await browser.text() == '{"user":"ann","fast":"yes"}'
    # A request that only reads does not write its values back.
    go_on.set()
    assert await slowly == "None"
    assert await browser.text() == '{"user":"ann","slow":"yes"}'


@every_kind
async def test_concurrent_visitors_do_not_mix(kind: str) -> None:
    app = shop(PIPES[kind](Clock()))

    async def visit(name: str) -> str:
        browser = Browser(app)
        await browser.ask(f"/set/user/{name}")
        await browser.ask(f"/add/{name}")
        return await browser.text()

    names = [f"n{number}" for number in range(50)]
    texts = await asyncio.gather(*map(visit, names))
    assert texts == [f'{{"user":"{name}","cart":{{"items":["{name}"]}}}}' for name in names]


async def test_error_pages_read_the_session(caplog: pytest.LogCaptureFixture) -> None:
    app = shop(cookie_pipe(Clock()))

    @app.on_error(403)
    async def forbidden() -> str:
        return f"sorry, {session.user}"

    assert await Browser(app).text("/abort") == "no"

    @app.route("/closed")
    async def closed() -> None:
        session.user = "ann"
        abort(403)

    assert await Browser(app).text("/closed") == "sorry, ann"


async def test_a_cookie_without_secure_over_tls_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    browser = Browser(shop(cookie_pipe(Clock())))
    await browser.ask("/set/user/ann")
    assert not caplog.records
    for name in ("bob", "cyd"):
        await browser.ask(f"/set/user/{name}", scheme="https")
    (line,) = caplog.records
    assert "pass secure=True" in line.getMessage()


async def test_cookies_and_headers_of_the_handler_are_kept() -> None:
    app = shop(cookie_pipe(Clock()))

    @app.route("/both")
    async def both() -> str:
        session.user = "ann"
        response.cookies["theme"] = "dark"
        response.headers["vary"] = "Accept"
        response.headers["cache-control"] = "private, max-age=10"
        return "done"

    browser = Browser(app)
    await browser.ask("/both")
    assert set(browser.cookies) == {"theme", NAME}
    assert (browser.headers["vary"], browser.headers["cache-control"]) == ("Accept, Cookie", "private, max-age=10")


async def test_a_cancelled_request_saves_nothing() -> None:
    app = shop(stored_pipe(Clock()))
    arrived = asyncio.Event()

    @app.route("/wait")
    async def wait() -> None:
        session.user = "bob"
        arrived.set()
        await asyncio.Event().wait()

    browser = Browser(app)
    await browser.ask("/set/user/ann")
    asking = asyncio.create_task(browser.ask("/wait"))
    await arrived.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await browser.text() == '{"user":"ann"}'
