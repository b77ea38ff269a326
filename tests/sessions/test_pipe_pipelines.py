"""Session pipes next to other pipes: two of them, one twice, hooks before and after them."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import App, abort, session
from emmett.ctx import current_session
from emmett.datastructures import sdict
from emmett.errors import UsageError
from emmett.pipeline import Pipe
from tests.sessions.visiting import NAME, Browser, Clock, cookie_pipe, make_app, stored_pipe


async def test_outside_the_pipe_there_is_no_session() -> None:
    app = App(__name__)
    pipe = cookie_pipe(Clock())

    @app.route("/")
    async def index() -> str:
        for use in (lambda: session.user, lambda: pipe.current):
            with pytest.raises(UsageError):
                use()
        for call in (pipe.renew, pipe.end):
            with pytest.raises(UsageError, match="no request or websocket with this session pipe"):
                await call()
        return "done"

    assert await Browser(app).text() == "done"


async def test_two_pipes_may_have_different_cookies() -> None:
    clock = Clock()
    short, long = stored_pipe(clock, name="short"), cookie_pipe(clock, name="long")
    app = make_app(long, short)

    @app.route("/")
    async def index() -> dict[str, Any]:
        assert pipe_of_session() is short.current
        short.current.visits = (short.current.visits or 0) + 1
        long.current.total = (long.current.total or 0) + 1
        return {"short": dict(short.current), "long": dict(long.current)}

    def pipe_of_session() -> Any:
        session.probe = 1
        return short.current if short.current.pop("probe") else None

    @app.route("/end")
    async def end() -> str:
        await short.end()
        await long.renew()
        return "done"

    browser = Browser(app)
    await browser.ask()
    assert await browser.text() == '{"short":{"visits":2},"long":{"total":2}}'
    assert set(browser.cookies) == {"short", "long"}
    await browser.ask("/end")
    assert set(browser.cookies) == {"long"}
    assert await browser.text() == '{"short":{"visits":1},"long":{"total":3}}'


async def test_the_same_pipe_twice_acts_once() -> None:
    pipe = stored_pipe(Clock())
    app = make_app(pipe, pipe)

    @app.route("/count", pipeline=[pipe])
    async def count() -> str:
        session.count = (session.count or 0) + 1
        return str(session.count)

    browser = Browser(app)
    assert [await browser.text("/count") for _ in range(3)] == ["1", "2", "3"]


async def test_two_pipes_with_the_same_cookie_are_an_error(caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(stored_pipe(Clock()), stored_pipe(Clock()))
    app.route("/both")(lambda: "never")
    assert (await Browser(app).ask("/both")).status == 500
    assert f"two session pipes in one pipeline use the cookie '{NAME}'" in caplog.text


async def test_the_session_of_an_outer_pipe_is_replaced() -> None:
    class Custom(Pipe):
        def open_request(self) -> None:
            current_session.set(sdict(user="custom"))

    app = App(__name__)
    app.pipeline = [Custom(), cookie_pipe(Clock())]

    @app.route("/")
    async def index() -> str:
        assert isinstance(session.copy(), sdict)
        return str(session.user)

    assert await Browser(app).text() == "None"


async def test_open_hooks_of_inner_pipes_see_the_session() -> None:
    class Member(Pipe):
        def open_request(self) -> None:
            if session.user is None:
                abort(403)
            session.seen = "yes"

    app = make_app(stored_pipe(Clock()))

    @app.route("/members", pipeline=[Member()])
    async def members() -> str:
        return f"welcome, {session.user}"

    @app.route("/login")
    async def login() -> None:
        session.user = "ann"

    @app.route("/")
    async def index() -> dict[str, Any]:
        return dict(session)

    browser = Browser(app)
    assert (await browser.ask("/members")).status == 403
    assert browser.headers["vary"] == "Cookie"
    await browser.ask("/login")
    assert await browser.text() == '{"user":"ann"}'
    assert await browser.text("/members") == "welcome, ann"
    assert await browser.text() == '{"user":"ann","seen":"yes"}'


async def test_an_outer_pipe_cannot_change_the_saved_session() -> None:
    errors: list[str] = []

    class Late(Pipe):
        async def pipe_request(self, next_pipe: Any, /, **kwargs: Any) -> Any:
            result = await next_pipe(**kwargs)
            try:
                session.user = "late"
            except UsageError as error:
                errors.append(str(error))
            return result

    app = make_app()
    app.pipeline = [Late(), stored_pipe(Clock())]
    app.route("/late")(lambda: "done")
    assert await Browser(app).text("/late") == "done"
    assert [error[:21] for error in errors] == ["the session was saved"]
