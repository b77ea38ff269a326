"""From a request to its response: routes that match or not, results, errors, error pages, redirects."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from emmett import App, HTTPException, Pipe, Response, abort, redirect, request, response, session, url
from emmett.ctx import current_session
from emmett.datastructures import sdict
from emmett.dispatch import run_request
from emmett.errors import RequestError, UsageError
from tests.http.builders import make_request, read


async def ask(app: App, path: str = "/", method: str = "GET", **options: Any) -> Response:
    return await run_request(app.table, make_request(method, path, **options))


async def text_of(answer: Response) -> str:
    return (await read(answer.body)).decode()


@dataclasses.dataclass
class Point:
    x: int


async def chunks() -> AsyncIterator[bytes]:
    yield b"one"
    yield b"two"


def plain_chunks() -> Iterator[bytes]:
    yield b"one"
    yield b"two"


RESULTS: list[tuple[Any, str, str | None]] = [
    ("<p>é</p>", "<p>é</p>", "text/plain; charset=utf-8"),
    (b"bytes", "bytes", "application/octet-stream"),
    ({"a": [1]}, '{"a":[1]}', "application/json"),
    ([1, "é"], '[1,"é"]', "application/json"),
    (Point(3), '{"x":3}', "application/json"),
    (None, "", None),
    (Response("teapot", 418, content_type="text/plain"), "teapot", "text/plain"),
]


@pytest.mark.parametrize(("result", "text", "content_type"), RESULTS)
@pytest.mark.parametrize("is_async", [True, False])
async def test_results_become_responses(result: Any, text: str, content_type: str | None, is_async: bool) -> None:
    app = App(__name__)

    async def later() -> Any:
        return result

    app.route("/", name="handler")(later if is_async else lambda: result)
    answer = await ask(app)
    assert (await text_of(answer), answer.content_type) == (text, content_type)
    assert answer.status == (418 if isinstance(result, Response) else 200)


@pytest.mark.parametrize("handler", [chunks, plain_chunks])
async def test_a_generator_is_streamed(handler: Any) -> None:
    app = App(__name__)
    app.route("/")(handler)
    answer = await ask(app)
    assert answer.is_stream
    assert await text_of(answer) == "onetwo"


@pytest.mark.parametrize("result", [5, object(), {1, 2}, ("a",)])
async def test_a_result_that_cannot_be_rendered_is_a_500(result: Any, caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    app.route("/", name="handler")(lambda: result)
    answer = await ask(app)
    assert (answer.status, await text_of(answer)) == (500, "Internal Server Error")
    assert f"a handler returned a{'n' * (type(result) is int or type(result) is object)}" in caplog.text


OUTPUTS: dict[str, list[Any]] = {
    "bytes": [b"x", bytearray(b"x"), memoryview(b"x")],
    "str": ["x"],
    "iter": [chunks, plain_chunks],
    "other": [{"a": 1}, [b"x"], Point(1), None, 5],
}


@pytest.mark.parametrize("output", ["auto", "bytes", "str", "iter"])
async def test_a_result_of_another_type_than_declared_is_a_500(output: Any, caplog: pytest.LogCaptureFixture) -> None:
    for kind, results in OUTPUTS.items():
        for result in results:
            if output == "auto" and result == 5:
                continue
            app = App(__name__)
            app.route("/", name="handler", output=output)(result if callable(result) else lambda result=result: result)
            answer = await ask(app)
            assert answer.status == (200 if output in (kind, "auto") else 500), (output, result)
            await answer.aclose()
    if output != "auto":
        assert f"handler has output={output!r} but returned dict" in caplog.text


@pytest.mark.parametrize("output", ["bytes", "str", "iter"])
async def test_responses_and_aborts_fit_every_declared_output(output: Any) -> None:
    app = App(__name__)
    app.route("/response", output=output)(lambda: Response("x", 202))

    @app.route("/redirect", output=output)
    async def away() -> None:
        redirect("/elsewhere")

    assert (await ask(app, "/response")).status == 202
    assert (await ask(app, "/redirect")).status == 303


def verbs_app() -> App:
    app = App(__name__)
    app.route("/default", name="default")(lambda: "default")
    app.route("/get", name="get", methods="get")(lambda: "get")
    app.route("/put", name="put", methods=["put"])(lambda: "put")
    app.route("/put", name="delete", methods=["delete"])(lambda: "delete")
    app.route("/<int:id>", name="number", methods=["delete", "get"])(lambda id: str(id))
    app.route("/secure", name="secure", schemes="https")(lambda: "secure")
    return app


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/default", "GET, HEAD, POST"),
        ("POST", "/get", "GET, HEAD"),
        ("GET", "/put", "DELETE, PUT"),
        ("HEAD", "/put", "DELETE, PUT"),
        ("PATCH", "/7", "DELETE, GET, HEAD"),
        ("OPTIONS", "/default", "GET, HEAD, POST"),
        ("get", "/get", "GET, HEAD"),
        ("BREW", "/get", "GET, HEAD"),
    ],
)
async def test_a_method_that_the_path_does_not_support_is_405(method: str, path: str, allowed: str) -> None:
    answer = await ask(verbs_app(), path, method)
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert await text_of(answer) == f"{method} is not allowed here; allowed are {allowed}"


@pytest.mark.parametrize("path", ["/nowhere", "/default/", "/7.5", "/put/7", "//default", "/secure"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
async def test_an_unknown_path_is_404(method: str, path: str) -> None:
    answer = await ask(verbs_app(), path, method)
    assert (answer.status, await text_of(answer)) == (404, "Not Found")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert "allow" not in answer.headers


@pytest.mark.parametrize("path", ["/default", "/get", "/7"])
async def test_head_is_answered_as_get_is(path: str) -> None:
    app = verbs_app()
    get, head = await ask(app, path), await ask(app, path, "HEAD")
    assert head.raw_headers() == get.raw_headers()
    assert head.status == 200


async def test_the_handler_sees_that_it_is_head() -> None:
    app = App(__name__)
    app.route("/", name="index", methods="get")(lambda: request.method)
    assert await text_of(await ask(app, "/", "HEAD")) == "HEAD"


async def test_a_route_may_be_for_head_only() -> None:
    app = App(__name__)
    app.route("/", name="get", methods="get")(lambda: "a large page")
    app.route("/", name="head", methods="head")(lambda: "")
    assert (await ask(app, "/", "HEAD")).raw_headers() != (await ask(app)).raw_headers()


async def test_abort_ends_the_handler_with_a_response() -> None:
    app = App(__name__)

    @app.route("/<int:status>")
    async def end(status: int) -> None:
        response.cookies["kept"] = "yes"
        response.status = 201
        abort(status)

    @app.route("/words")
    async def words() -> None:
        response.content_type = "text/html"
        abort(403, "<members> only", {"X-Reason": "age"})

    @app.route("/typed")
    async def typed() -> None:
        abort(400, b'{"error":1}', {"Content-Type": "application/json"})

    for status, phrase in ((404, "Not Found"), (418, "I'm a Teapot"), (599, "status 599"), (200, ""), (299, "")):
        answer = await ask(app, f"/{status}")
        assert (answer.status, await text_of(answer)) == (status, phrase)
        assert (b"set-cookie", b"kept=yes") in answer.raw_headers()
    answer = await ask(app, "/words")
    assert (await text_of(answer), answer.headers["x-reason"]) == ("<members> only", "age")
    # Text that may come from a visitor must not run as a page.
    assert answer.content_type == "text/plain; charset=utf-8"
    answer = await ask(app, "/typed")
    assert (await text_of(answer), answer.content_type) == ('{"error":1}', "application/json")


async def test_redirect_keeps_cookies_and_drops_the_body() -> None:
    app = App(__name__)

    @app.route("/", methods="post")
    async def choose() -> str:
        response.cookies["theme"] = "dark"
        response.cookies["theme"]["path"] = "/"
        response.headers["X-Trace"] = "7"
        response.body = "half a page"
        redirect("/café")

    answer = await ask(app, "/", "POST")
    assert (answer.status, await text_of(answer)) == (303, "")
    assert answer.headers["location"] == "/caf%C3%A9"
    assert answer.headers["x-trace"] == "7"
    assert (b"set-cookie", b"theme=dark; Path=/") in answer.raw_headers()


async def test_a_failure_is_logged_and_not_shown_to_the_client(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)

    @app.route("/fails")
    async def fails() -> None:
        raise LookupError("secret")

    answer = await ask(app, "/fails")
    assert (answer.status, await text_of(answer)) == (500, "Internal Server Error")
    assert "secret" not in str(answer.raw_headers())
    assert [(record.name, record.levelno) for record in caplog.records] == [("emmett.request", logging.ERROR)]
    assert caplog.records[0].getMessage() == "GET '/fails' failed"


@pytest.mark.parametrize("error", [SystemExit(3), BaseExceptionGroup("several", [SystemExit(3), LookupError()])])
async def test_system_exit_in_a_handler_is_a_500(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """`sys.exit()`, perhaps in a library, must not end the service for everyone else."""
    app = App(__name__)

    @app.route("/exits")
    async def exits() -> None:
        raise error

    app.on_error(500)(lambda: "sorry")
    answer = await ask(app, "/exits")
    assert (answer.status, await text_of(answer)) == (500, "sorry")
    assert [record.getMessage() for record in caplog.records] == ["GET '/exits' failed"]


async def test_an_interrupt_of_the_process_is_raised() -> None:
    app = App(__name__)

    @app.route("/")
    async def index() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run_request(app.table, make_request("GET", "/"))


async def test_errors_that_a_peer_causes_have_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)

    @app.route("/", methods="post")
    async def params() -> Any:
        return await request.body_params

    fields = [("content-type", "application/json")]
    answer = await ask(app, "/", "POST", headers=fields, body=b"[1]")
    assert answer.status == 400
    assert "must be an object" in await text_of(answer)
    assert not caplog.records


async def test_a_cancellation_is_raised() -> None:
    app = App(__name__)
    started = asyncio.Event()

    @app.route("/")
    async def waits() -> None:
        started.set()
        await asyncio.Event().wait()

    app.on_error(500)(lambda: "page")
    task = asyncio.create_task(ask(app))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_on_stream_runs_before_a_stream_and_may_refuse_it() -> None:
    calls: list[str] = []

    class Streaming(Pipe):
        def __init__(self, name: str, error: Exception | None = None) -> None:
            self.name = name
            self.error = error

        async def on_stream(self) -> None:
            calls.append(self.name)
            if self.error is not None:
                raise self.error

    closed: list[str] = []

    async def tidy() -> AsyncIterator[bytes]:
        try:
            yield b"x"
        finally:
            closed.append("stream")

    app = App(__name__)
    app.pipeline = [Streaming("app")]
    app.route("/stream", pipeline=[Streaming("route")])(chunks)
    app.route("/text", name="text")(lambda: "x")
    app.route("/refused", pipeline=[Streaming("no", HTTPException(403))])(tidy)
    await (await ask(app, "/text")).aclose()
    assert calls == []
    await (await ask(app, "/stream")).aclose()
    assert calls == ["app", "route"]
    assert (await ask(app, "/refused")).status == 403
    assert closed == []  # the stream had not begun


async def test_nothing_is_left_of_the_previous_request() -> None:
    """A server may run a request in the context of the previous one on the same connection."""

    class Session(Pipe):
        def open_request(self) -> None:
            current_session.set(sdict(user="ada"))

    app = App(__name__)
    app.route("/one", name="one", pipeline=[Session()])(lambda: session.user)

    @app.route("/two")
    async def two() -> None:
        response.headers["x-two"] = "2"
        with pytest.raises(UsageError, match="inside a session pipe"):
            _ = session.user

    assert await text_of(await ask(app, "/one")) == "ada"
    assert (await ask(app, "/two")).status == 200
    assert "x-two" not in (await ask(app, "/one")).headers


async def test_url_uses_the_running_application() -> None:
    app, other = App(__name__), App(__name__)
    blog = app.module(__name__, "blog", url_prefix="blog")
    blog.route("/post", name="post")(lambda: url(".post"))
    app.on_error(404)(lambda: url("blog.post"))
    other.on_error(404)(lambda: url("static", "a.css"))
    assert await text_of(await ask(app, "/blog/post")) == "/blog/post"
    # No route has matched, but the application is known.
    assert await text_of(await ask(app, "/nowhere")) == "/blog/post"
    assert await text_of(await ask(other, "/nowhere")) == "/static/a.css"


def test_a_request_error_is_no_http_exception() -> None:
    assert not issubclass(RequestError, HTTPException)


class Preflights(Pipe):
    """Answers preflights with a response that lists the methods and the request."""

    def __init__(self, name: str) -> None:
        self.name = name

    def on_preflight(self, methods: frozenset[str]) -> Response:
        return Response(f"{self.name} {request.path} {','.join(sorted(methods))}", 200)


async def preflight(app: App, path: str, method: str) -> tuple[int, str]:
    answer = await ask(app, path, "OPTIONS", headers=[("Access-Control-Request-Method", method)])
    return answer.status, await text_of(answer)


async def test_a_pipe_answers_the_preflight_of_its_routes() -> None:
    app = App(__name__)
    app.pipeline = [Preflights("outer"), Preflights("inner")]
    app.route("/a", name="read", methods="get")(lambda: "a")
    app.route("/a", name="write", methods="put")(lambda: "a")
    app.route("/own", methods="options")(lambda: "own")
    module = app.module(__name__, "inside")
    module.pipeline = [Preflights("module")]
    module.route("/b", name="b")(lambda: "b")
    assert await preflight(app, "/a", "PUT") == (200, "outer /a GET,PUT")
    assert await preflight(app, "/b", "POST") == (200, "outer /b GET,HEAD,POST")
    assert await preflight(app, "/own", "GET") == (200, "own")
    assert await preflight(app, "/a", "HEAD") == (200, "outer /a GET,PUT")
    assert (await preflight(app, "/a", "DELETE"))[0] == 405
    assert (await preflight(app, "/a", "put"))[0] == 405
    assert (await preflight(app, "/nowhere", "GET"))[0] == 404
    assert (await ask(app, "/a", "OPTIONS")).status == 405


async def test_without_such_a_pipe_a_preflight_is_an_ordinary_request() -> None:
    app = App(__name__)
    app.route("/a")(lambda: "a")
    assert (await preflight(app, "/a", "GET"))[0] == 405


async def test_the_end_of_every_request_is_reported() -> None:
    app = App(__name__)
    seen: list[tuple[str, int]] = []
    app.route("/a")(lambda: "a")
    app.table.on_request_end = lambda ended: seen.append((ended.path, response.status))
    await ask(app, "/a")
    await ask(app, "/nowhere")
    assert seen == [("/a", 200), ("/nowhere", 404)]


async def test_the_limits_of_a_route_apply_once_it_is_found() -> None:
    app = App(__name__)

    async def size() -> str:
        return str(len(await request.body))

    app.route("/small", name="small", methods="post", max_body_size=3)(size)
    app.route("/large", name="large", methods="post")(size)
    assert (await ask(app, "/small", "POST", body=b"abcd")).status == 413
    for path in ("/small", "/large"):
        assert await text_of(await ask(app, path, "POST", body=b"abc")) == "3"
    assert await text_of(await ask(app, "/large", "POST", body=b"abcd")) == "4"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize(("http_version", "fields"), [("1.1", True), ("2", False)])
async def test_a_path_for_websockets_is_426(method: str, http_version: str, fields: bool) -> None:
    app = App(__name__)
    app.websocket("/talk")(talk)
    request = make_request(method, "/talk")
    request.http_version = http_version
    answer = await run_request(app.table, request)
    assert (answer.status, await text_of(answer)) == (
        426,
        "this path is for websockets: connect with ws:// instead of http://",
    )
    sent = dict(answer.raw_headers())
    assert (sent.get(b"upgrade"), sent.get(b"connection")) == ((b"websocket", b"Upgrade") if fields else (None, None))


async def talk() -> None: ...
