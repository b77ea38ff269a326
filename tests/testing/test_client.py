from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from emmett import App, abort, redirect, request, response, websocket
from emmett.errors import ConfigurationError, UsageError
from emmett.testing import MemoryServer
from emmett.testing.client import AsyncTestClient
from emmett.testing.deadline import deadline
from emmett.testing.redirects import RedirectError


def make_app() -> App:
    app = App(__name__)

    @app.route(["/", "/home"], methods=["get", "post", "put", "patch", "delete", "options"])
    async def index() -> dict[str, Any]:
        return {
            "method": request.method,
            "query": dict(request.query_params),
            "headers": dict(request.headers),
            "body": (await request.body).decode(),
            "scheme": request.scheme,
        }

    @app.route("/nothing")
    async def nothing() -> None:
        response.status = 204

    @app.route("/form", methods="post")
    async def form() -> dict[str, Any]:
        return dict(await request.body_params)

    @app.route("/to/<any:where>", methods=["get", "post"])
    async def to(where: str) -> None:
        redirect(f"/{where}", status=int(str(request.query_params.status or 303)))

    @app.route("/away", methods=["get", "post"])
    async def away() -> None:
        redirect("http://other.example/")

    @app.route("/loop")
    async def loop() -> None:
        response.cookies["seen"] = "1"
        redirect("/loop")

    @app.route("/broken")
    async def broken() -> None:
        raise LookupError("oops")

    @app.route("/login")
    async def login() -> str:
        response.cookies["user"] = "ada"
        response.cookies["user"]["path"] = "/"
        response.cookies["safe"] = "1"
        response.cookies["safe"]["secure"] = True
        return ""

    @app.route("/logout")
    async def logout() -> str:
        response.cookies["user"] = ""
        response.cookies["user"]["path"] = "/"
        response.cookies["user"]["max-age"] = 0
        return ""

    @app.route("/never")
    async def never() -> None:
        await asyncio.Event().wait()

    @app.websocket("/cookies")
    async def cookies() -> None:
        await websocket.send(websocket.headers.get("cookie", "none"))

    return app


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options"])
async def test_every_method_can_be_sent(method: str) -> None:
    async with make_app().test_client_async() as client:
        answer = await getattr(client, method)("/")
        assert (answer.status, answer.json()["method"], answer.method) == (200, method.upper(), method.upper())


async def test_head_has_the_fields_of_get_and_no_body() -> None:
    async with make_app().test_client_async() as client:
        head, get = await client.head("/"), await client.get("/")
        assert (head.status, head.content) == (200, b"")
        assert abs(int(head.headers["content-length"]) - len(get.content)) <= 1


async def test_params_headers_and_body_arrive() -> None:
    async with make_app().test_client_async(headers={"X-Both": "1", "X-Client": "1"}) as client:
        answer = await client.post("/?a=1", params={"b": "é"}, headers={"x-both": "2"}, content="text")
        told = answer.json()
        assert (told["query"], told["body"], told["scheme"]) == ({"a": "1", "b": "é"}, "text", "http")
        sent = told["headers"]
        assert (sent["x-both"], sent["x-client"], sent["host"]) == ("2", "1", "localhost")
        assert (sent["user-agent"], sent["accept"]) == ("emmett-test-client", "*/*")


async def test_forms_and_json_are_read_by_the_application() -> None:
    async with make_app().test_client_async() as client:
        assert (await client.post("/form", data={"a": "1 2"})).json() == {"a": "1 2"}
        assert (await client.post("/form", json={"b": [None]})).json() == {"b": [None]}


async def test_a_response_may_have_no_content() -> None:
    async with make_app().test_client_async() as client:
        answer = await client.get("/nothing")
        assert (answer.status, answer.content) == (204, b"")


async def test_another_host_and_tls_can_be_used() -> None:
    async with make_app().test_client_async(base_url="https://shop.example:8443") as client:
        told = (await client.get("/")).json()
        assert (told["scheme"], told["headers"]["host"]) == ("https", "shop.example:8443")
        told = (await client.get("http://other.example/")).json()
        assert (told["scheme"], told["headers"]["host"]) == ("http", "other.example")


async def test_errors_of_the_application_are_responses(caplog: pytest.LogCaptureFixture) -> None:
    async with make_app().test_client_async() as client:
        assert (await client.get("/missing")).status == 404
        assert (await client.get("/form")).headers["allow"] == "POST"
        with caplog.at_level(logging.ERROR, "emmett.request"):
            assert (await client.get("/broken")).status == 500
    (record,) = caplog.records
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], LookupError)


async def test_a_refused_request_has_a_response() -> None:
    async with make_app().test_client_async() as client:
        await client.get("/")
        answer = await client.get("/", headers={"Host": "a/b"})
        assert (answer.status, answer.context) == (400, None)
        with pytest.raises(UsageError, match="400 of GET http://localhost/> came from the server"):
            client.context.request  # noqa: B018


async def test_redirects_are_returned_unless_followed() -> None:
    async with make_app().test_client_async() as client:
        answer = await client.get("/to/nothing")
        assert (answer.status, answer.headers["location"], answer.history) == (303, "/nothing", [])
        answer = await client.get("/to/to/nothing", follow_redirects=True)
        assert (answer.status, answer.url) == (204, "http://localhost/nothing")
        assert [(each.status, each.url) for each in answer.history] == [
            (303, "http://localhost/to/to/nothing"),
            (303, "http://localhost/to/nothing"),
        ]
        assert [len(each.history) for each in answer.history] == [0, 1]


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "x"), (308, "POST", "x")],
)
async def test_a_redirect_may_change_a_post(status: int, method: str, body: str) -> None:
    async with make_app().test_client_async(follow_redirects=True) as client:
        told = (await client.post("/to/home", params={"status": status}, content="x")).json()
        assert (told["method"], told["body"]) == (method, body)
        assert ("content-type" in told["headers"]) is (body == "x")


async def test_secrets_are_not_sent_to_another_host() -> None:
    async with make_app().test_client_async(follow_redirects=True) as client:
        secrets = {"headers": {"Authorization": "Bearer x"}, "cookies": {"a": "1"}}
        near = (await client.get("/to/home", **secrets)).json()["headers"]  # type: ignore[arg-type]
        far = (await client.get("/away", **secrets)).json()["headers"]  # type: ignore[arg-type]
        assert (near["authorization"], near["cookie"]) == ("Bearer x", "a=1")
        assert far["host"] == "other.example"
        assert not {"authorization", "cookie"} & set(far)


async def test_the_number_of_redirects_is_limited() -> None:
    async with make_app().test_client_async() as client:
        with pytest.raises(RedirectError, match="over 20 redirects, the last one to http://localhost/loop"):
            await client.get("/loop", follow_redirects=True)
        # Cookies set on the way are kept.
        assert client.cookies["seen"] == "1"
        assert (await client.get("/loop")).status == 303


@pytest.mark.parametrize("name", ["version", "path", "expires", "max-age", "secure", "Partitioned"])
async def test_a_cookie_may_have_the_name_of_an_attribute(name: str) -> None:
    app = App(__name__)

    @app.route("/set")
    async def set_cookie() -> None:
        response.cookies[name] = "1"

    @app.route("/get")
    async def get_cookie() -> str:
        return request.cookies[name].value

    @app.websocket("/talk")
    async def talk() -> None:
        await websocket.send(websocket.cookies[name].value)

    async with app.test_client_async() as client:
        answer = await client.get("/set")
        assert answer.cookies[name].value == client.cookies[name] == "1"
        assert (await client.get("/get")).text == "1"
        client.cookies[name] = "2"
        async with client.websocket("/talk") as socket:
            assert await socket.receive() == "2"


async def test_cookies_are_kept_sent_back_and_forgotten() -> None:
    async with make_app().test_client_async(cookies={"first": "0"}) as client:
        answer = await client.get("/login")
        assert (answer.cookies["user"].value, answer.cookies["user"]["path"]) == ("ada", "/")
        assert dict(client.cookies) == {"first": "0", "user": "ada", "safe": "1"}
        assert (await client.get("/")).json()["headers"]["cookie"] == "first=0; user=ada"
        assert "safe=1" in (await client.get("https://localhost/")).json()["headers"]["cookie"]
        assert "cookie" not in (await client.get("http://other.example/")).json()["headers"]
        async with client.websocket("/cookies", cookies={"more": "2"}) as ws:
            assert await ws.receive() == "first=0; user=ada; more=2"
        await client.get("/logout")
        client.cookies["own"] = "é"
        assert (await client.get("/")).json()["headers"]["cookie"] == 'first=0; own="\\303\\251"'
        client.cookies.clear()
        assert "cookie" not in (await client.get("/")).json()["headers"]


async def test_a_late_response_is_an_error() -> None:
    app = make_app()
    app.config.server.shutdown_timeout = 0.01
    async with app.test_client_async() as client:
        with pytest.raises(
            TimeoutError, match=r"^no response to GET /never within 0\.01 s; nothing of it has arrived$"
        ):
            await client.get("/never", timeout=0.01)
        assert (await client.get("/nothing")).status == 204


async def test_start_up_and_shutdown_run_around_the_block() -> None:
    app, events = make_app(), []
    app.on_startup(lambda: events.append("up"))
    app.on_shutdown(lambda: events.append("down"))
    client = app.test_client_async()
    for _ in range(2):
        async with client:
            await client.get("/nothing")
            events.append("request")
    assert events == ["up", "request", "down"] * 2


async def test_a_failed_or_hanging_startup_is_raised() -> None:
    app = make_app()
    app.on_startup(asyncio.Event().wait)
    with pytest.raises(TimeoutError, match=r"the start-up of the application did not end within 0\.01 s"):
        async with app.test_client_async(timeout=0.01):
            pass
    client = app.test_client_async()
    app._startup[:] = [lambda: 1 / 0]
    with pytest.raises(ZeroDivisionError):
        await client.__aenter__()
    assert app.table.on_request_end is None
    app._startup.clear()
    async with client:
        assert (await client.get("/nothing")).status == 204


async def test_a_failed_shutdown_is_raised() -> None:
    app = make_app()
    app.on_shutdown(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        async with app.test_client_async():
            pass
    assert app.table.on_request_end is None


async def test_a_hanging_shutdown_is_raised() -> None:
    app = make_app()
    app.config.server.shutdown_timeout = 0.01
    app.on_shutdown(asyncio.Event().wait)
    with pytest.raises(TimeoutError, match="the shutdown of the application did not end within"):
        async with app.test_client_async() as client:
            client._timeout = 0.01


@pytest.mark.parametrize(("timeout", "shutdown_timeout", "drain"), [(5.0, 30.0, 5.0), (5.0, 2.0, 2.0)])
async def test_the_end_waits_for_handlers_and_then_for_the_application(
    timeout: float,  # noqa: ASYNC109 - the timeout of the client
    shutdown_timeout: float,
    drain: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drains: list[float | None] = []
    deadlines: list[float] = []

    class Server(MemoryServer):
        def __init__(self, app: App, *, drain_timeout: float | None = None) -> None:
            drains.append(drain_timeout)
            super().__init__(app, drain_timeout=drain_timeout)

    def note(seconds: float, describe: Callable[[str], str]) -> AbstractAsyncContextManager[None]:
        deadlines.append(seconds)
        return deadline(seconds, describe)

    monkeypatch.setattr("emmett.testing.client.MemoryServer", Server)
    monkeypatch.setattr("emmett.testing.client.deadline", note)
    app = make_app()
    app.config.server.shutdown_timeout = shutdown_timeout
    async with app.test_client_async(timeout=timeout):
        deadlines.clear()
    assert drains == [drain]
    assert min(deadlines) == timeout + drain


async def test_a_client_must_be_opened_exactly_once() -> None:
    client = make_app().test_client_async()
    with pytest.raises(UsageError, match=r"write `async with app\.test_client_async"):
        await client.get("/")
    with pytest.raises(UsageError, match=r"write `async with app\.test_client_async"):
        async with client.websocket("/cookies"):
            pass
    async with client:
        with pytest.raises(UsageError, match="already open"):
            await client.__aenter__()


async def test_open_connections_are_closed_at_the_end() -> None:
    ended = asyncio.Event()
    app = make_app()

    @app.websocket()
    async def forever() -> None:
        try:
            await websocket.receive()
        finally:
            ended.set()

    async with app.test_client_async() as client:
        manager = client.websocket("/forever")
        ws = await manager.__aenter__()
    assert ended.is_set()
    assert ws.close_code is None or ws.close_code == 1006
    await manager.__aexit__(None, None, None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"base_url": "localhost"}, "expected http://host"),
        ({"base_url": "http://localhost/path"}, "expected no path"),
        ({"timeout": 0}, "expected a number of seconds above 0"),
    ],
)
def test_invalid_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        AsyncTestClient(make_app(), **options)


async def test_an_invalid_timeout_is_refused() -> None:
    async with make_app().test_client_async() as client:
        with pytest.raises(ConfigurationError, match="expected a number of seconds above 0"):
            await client.get("/", timeout=-1)


async def test_a_response_may_come_before_the_body_is_read() -> None:
    app = App(__name__)

    @app.route(methods="post")
    async def upload() -> None:
        abort(403, "not you")

    async with app.test_client_async() as client:
        answer = await client.post("/upload", content=b"x" * 500_000)
        assert (answer.status, answer.text) == (403, "not you")
