"""The error pages of an application."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, HTTPException, Response, abort, redirect, request, response
from emmett.dispatch import run_request
from emmett.errors import RequestError
from tests.http.builders import make_request, read


async def ask(app: App, path: str = "/", method: str = "GET") -> tuple[int, str, Response]:
    answer = await run_request(app.table, make_request(method, path))
    return answer.status, (await read(answer.body)).decode(), answer


def aborting_app() -> App:
    app = App(__name__)

    @app.route("/<int:status>")
    async def end(status: int) -> None:
        abort(status)

    @app.route("/words")
    async def words() -> None:
        abort(404, "the handler's own words")

    @app.route("/fails")
    async def fails() -> None:
        raise LookupError("secret")

    return app


@pytest.mark.parametrize("is_async", [True, False])
@pytest.mark.parametrize(("path", "status"), [("/404", 404), ("/nowhere", 404), ("/410", 410), ("/fails", 500)])
async def test_a_page_is_rendered_like_a_result(path: str, status: int, is_async: bool) -> None:
    app = aborting_app()

    async def later() -> str:
        return f"<h1>{request.path}</h1>"

    app.on_error(status)(later if is_async else lambda: f"<h1>{request.path}</h1>")
    answer = await ask(app, path)
    assert answer[:2] == (status, f"<h1>{path}</h1>")
    assert answer[2].content_type == "text/plain; charset=utf-8"


async def test_other_statuses_keep_their_default_page() -> None:
    app = aborting_app()
    app.on_error(404)(lambda: "page")
    assert (await ask(app, "/410"))[:2] == (410, "Gone")
    assert (await ask(app, "/words"))[:2] == (404, "the handler's own words")


async def test_a_page_for_405_keeps_allow() -> None:
    app = App(__name__)
    app.route("/", name="index", methods="get")(lambda: "")
    app.on_error(405)(lambda: "not like this")
    status, text, answer = await ask(app, "/", "DELETE")
    assert (status, text, answer.headers["allow"]) == (405, "not like this", "GET, HEAD")


@pytest.mark.parametrize("has_page", [True, False])
@pytest.mark.parametrize(
    ("said", "of_error", "merged"),
    [
        ("Cookie", None, "Cookie"),
        (None, "accept", "accept"),
        ("Cookie, origin", "accept, cookie", "accept, cookie, origin"),
        ("Cookie", "*", "*"),
    ],
)
async def test_the_vary_fields_of_an_error_and_its_response_are_merged(
    has_page: bool, said: str | None, of_error: str | None, merged: str
) -> None:
    app = App(__name__)

    @app.route("/")
    async def end() -> None:
        if said is not None:
            response.headers["vary"] = said
        raise HTTPException(402, headers={"Vary": of_error} if of_error else None)

    if has_page:
        app.on_error(402)(lambda: "page")
    status, text, answer = await ask(app)
    assert (status, text, answer.headers["vary"]) == (402, "page" if has_page else "Payment Required", merged)


@pytest.mark.parametrize(
    ("result", "text", "content_type"),
    [
        ({"error": 404}, '{"error":404}', "application/json"),
        (b"bytes", "bytes", "application/octet-stream"),
        (None, "", None),
        (Response("shared", 200, {"X-Page": "1"}, "text/plain"), "shared", "text/plain"),
    ],
)
async def test_a_page_may_return_whatever_a_handler_may(result: Any, text: str, content_type: str | None) -> None:
    app = aborting_app()
    app.on_error(404)(lambda: result)
    for _ in range(2):
        status, body, answer = await ask(app, "/404")
        assert (status, body, answer.content_type) == (404, text, content_type)
    if isinstance(result, Response):
        # The object that the page returns serves many requests.
        assert result.status == 200
        assert answer.headers["x-page"] == "1"


@pytest.mark.parametrize("body", ["", "log in"])
async def test_an_error_page_may_set_several_cookies(body: str) -> None:
    app = App(__name__)

    @app.route("/")
    async def index() -> None:
        abort(401, body, [("Set-Cookie", "a=1"), ("Set-Cookie", "b=2; Path=/"), ("Vary", "a"), ("Vary", "b")])

    for page in (False, True):
        if page:
            app.on_error(401)(lambda: Response("page", headers=[("Set-Cookie", "c=3"), ("Set-Cookie", "d=4")]))
        fields = (await run_request(app.table, make_request())).fields()
        lines = [value for name, value in fields if name == "set-cookie"]
        assert lines == (["c=3", "d=4"] if page and not body else ["a=1", "b=2; Path=/"])
        assert dict(fields)["vary"] == "a, b"


async def test_headers_of_the_failed_handler_about_its_body_are_dropped() -> None:
    app = App(__name__)

    @app.route("/")
    async def api() -> None:
        response.content_type = "application/json"
        response.body = "[half"
        response.cookies["kept"] = "yes"
        abort(404)

    for page, text, content_type in ((lambda: "<h1>", "<h1>", "text/plain; charset=utf-8"), (lambda: None, "", None)):
        app.table.error_pages[404] = page
        _, body, answer = await ask(app)
        assert (body, answer.content_type) == (text, content_type)
        assert (b"set-cookie", b"kept=yes") in answer.raw_headers()


async def test_a_page_may_set_the_response() -> None:
    app = aborting_app()

    @app.on_error(404)
    async def page() -> str:
        assert response.status == 404
        response.content_type = "text/plain"
        response.headers["Cache-Control"] = "no-store"
        return "gone"

    _, _, answer = await ask(app, "/404")
    assert (answer.content_type, answer.headers["cache-control"]) == ("text/plain", "no-store")


@pytest.mark.parametrize("error", [LookupError("in the page"), None])
async def test_a_failing_page_is_replaced_by_the_default_page(
    error: Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    app = aborting_app()

    @app.on_error(404)
    async def page() -> Any:
        if error is not None:
            raise error
        return object()

    assert (await ask(app, "/404"))[:2] == (404, "Not Found")
    assert caplog.records[0].getMessage() == "the error page for 404 failed"


async def test_a_failure_is_logged_even_if_there_is_a_page(caplog: pytest.LogCaptureFixture) -> None:
    app = aborting_app()
    app.on_error(500)(lambda: "sorry")
    assert (await ask(app, "/fails"))[:2] == (500, "sorry")
    assert [record.getMessage() for record in caplog.records] == ["GET '/fails' failed"]


async def test_a_page_may_redirect() -> None:
    """For example, an anonymous visitor is sent to the login page."""
    app = aborting_app()
    app.on_error(401)(lambda: redirect("/login"))
    status, _, answer = await ask(app, "/401")
    assert (status, answer.headers["location"]) == (303, "/login")


async def test_a_page_may_redirect_from_a_task_group() -> None:
    app = aborting_app()

    @app.on_error(401)
    async def page() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(leave())

    async def leave() -> None:
        redirect("/login")

    status, _, answer = await ask(app, "/401")
    assert (status, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize(
    "error",
    [HTTPException(99), HTTPException(600), HTTPException(400, headers={"a": "b\r\nc: d"}), RequestError(0, "none")],
)
async def test_a_response_that_cannot_be_sent_is_a_500(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)

    @app.route("/")
    async def index() -> None:
        raise error

    assert (await ask(app))[:2] == (500, "Internal Server Error")
    assert [record.getMessage() for record in caplog.records] == ["GET '/' cannot be answered as requested"]


async def test_an_http_exception_from_a_task_group_is_a_response() -> None:
    app = App(__name__)

    @app.route("/")
    async def index() -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(leave())

    async def leave() -> None:
        abort(409, "busy")

    assert (await ask(app))[:2] == (409, "busy")


async def test_a_task_group_with_another_error_is_a_500(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)

    @app.route("/")
    async def index() -> None:
        raise ExceptionGroup("several", [HTTPException(409), LookupError()])

    assert (await ask(app))[:2] == (500, "Internal Server Error")
    assert [record.getMessage() for record in caplog.records] == ["GET '/' failed"]
