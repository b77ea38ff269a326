"""What reaches a handler of a plain HTTP request, on the default server and as ASGI application on others."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emmett import App, Pipe, request, response, session, url
from emmett.ctx import current_session
from emmett.datastructures import sdict
from tests.integration.browsing import visit
from tests.integration.raw_client import connect
from tests.integration.servers import SERVERS

# uvicorn's older implementation of websockets uses an API that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
    pytest.mark.parametrize("server", SERVERS),
]

# These servers break the connection if the handler responds before it has read the whole body.
WITHOUT_DRAINING = {"hypercorn", "granian"}
FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


async def in_pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    """Return a body without Content-Length, which is sent chunked."""
    for piece in pieces:
        yield piece
        await asyncio.sleep(0)


PATHS: dict[str, Any] = {
    "/int/42": {"value": 42},
    "/int/-42": None,
    "/int/4x": None,
    "/float/4.5": {"value": 4.5},
    "/float/4": None,
    "/str/a-b.c": {"value": "a-b.c"},
    "/str/caf%C3%A9%20au%20lait": {"value": "café au lait"},
    "/str/a%3Fb%23c%25": {"value": "a?b#c%"},
    "/str/a/b": None,
    "/str/": None,
    "/alpha/abc": {"value": "abc"},
    "/alpha/a1": None,
    "/any/a/b/c.txt": {"value": "a/b/c.txt"},
    "/date/2024-02-29": {"value": "2024-02-29"},
    "/date/2023-02-29": None,
    "/optional": {"value": None},
    "/optional/7": {"value": 7},
    "/optional/": None,
    "/two/x/and/8": {"name": "x", "number": 8},
    "/second": {"value": "by another path"},
    "/named_by_its_function": {"value": "no path"},
}


async def test_routes_have_variables(server: str) -> None:
    app = App(__name__)

    async def tell(**variables: Any) -> dict[str, Any]:
        return variables

    for kind in ("int", "float", "str", "alpha", "any", "date"):
        app.route(f"/{kind}/<{kind}:value>", name=kind)(tell)
    app.route("/optional(/<int:value>)?", name="optional")(tell)
    app.route("/two/<str:name>/and/<int:number>", name="two")(tell)

    @app.route(["/first", "/second"])
    def several() -> dict[str, str]:
        return {"value": "by another path"}

    @app.route()
    def named_by_its_function() -> dict[str, str]:
        return {"value": "no path"}

    async with visit(server, app) as client:
        for path, answer in PATHS.items():
            got = await client.get(path)
            assert (path, got.json() if got.is_success else None) == (path, answer)
            assert got.status_code in {200, 404}


def methods_app() -> App:
    app = App(__name__)

    @app.route("/thing", name="read", methods=["get"])
    async def read() -> str:
        return f"read by {request.method}"

    @app.route("/thing", name="change", methods=["put", "patch"])
    async def change() -> str:
        return f"changed by {request.method}"

    @app.route("/thing", name="remove", methods="delete")
    async def remove() -> None:
        response.status = 204

    @app.route("/ordinary")
    async def ordinary() -> str:
        return f"ordinary {request.method}"

    return app


async def test_methods_select_routes(server: str) -> None:
    async with visit(server, methods_app()) as client:
        assert (await client.get("/thing")).text == "read by GET"
        assert (await client.put("/thing")).text == "changed by PUT"
        assert (await client.patch("/thing")).text == "changed by PATCH"
        removed = await client.delete("/thing")
        assert (removed.status_code, removed.content) == (204, b"")
        assert (await client.get("/ordinary")).text == "ordinary GET"
        assert (await client.post("/ordinary")).text == "ordinary POST"


async def test_unknown_methods_are_405_and_unknown_paths_404(server: str) -> None:
    async with visit(server, methods_app()) as client:
        for method, path, status, allow in (
            ("POST", "/thing", 405, "DELETE, GET, HEAD, PATCH, PUT"),
            ("OPTIONS", "/thing", 405, "DELETE, GET, HEAD, PATCH, PUT"),
            ("DELETE", "/ordinary", 405, "GET, HEAD, POST"),
            ("GET", "/unknown", 404, None),
            ("DELETE", "/unknown", 404, None),
            ("GET", "/ordinary/", 404, None),
            ("GET", "/Ordinary", 404, None),
        ):
            got = await client.request(method, path)
            assert (path, got.status_code, got.headers.get("allow")) == (path, status, allow)
            assert got.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_attributes_of_the_request_are_set(server: str) -> None:
    app = App(__name__)

    @app.route("/where/<any:rest>")
    async def where(rest: str) -> dict[str, Any]:
        age = datetime.datetime.now(datetime.UTC) - request.now
        return {
            "method": request.method,
            "scheme": request.scheme,
            "path": request.path,
            "host": request.host,
            "version": request.http_version,
            "client": request.client is not None and request.client[0],
            "header": request.headers["X-CUSTOM"],
            "missing header": request.headers.get("x-missing", "default"),
            "content type": request.content_type,
            "just now": datetime.timedelta(0) <= age < datetime.timedelta(minutes=1),
            "same now": request.now == request.now,
        }

    async with visit(server, app) as client:
        fields = {"X-Custom": "value", "Host": "example.test:81", "Content-Type": "Text/Plain; charset=x"}
        got = await client.get("/where/caf%C3%A9?a=b", headers=fields)
    assert got.json() == {
        "method": "GET",
        "scheme": "http",
        "path": "/where/café",
        "host": "example.test:81",
        "version": "1.1",
        "client": "127.0.0.1",
        "header": "value",
        "missing header": "default",
        "content type": "text/plain",
        "just now": True,
        "same now": True,
    }


QUERIES: dict[str, Any] = {
    "": {},
    "one=1": {"one": "1"},
    "many=a&many=b&many=": {"many": ["a", "b", ""]},
    "blank=&bare": {"blank": "", "bare": ""},
    "text=a+b%20c%2Bd&caf%C3%A9=%E2%98%83": {"text": "a b c+d", "café": "☃"},
    "bytes=%FF": {"bytes": "�"},
    "sign=a=b": {"sign": "a=b"},
}


async def test_the_query_is_parsed(server: str) -> None:
    app = App(__name__)

    @app.route("/")
    async def index() -> dict[str, Any]:
        assert request.query_params.not_in_any_of_them is None
        return dict(request.query_params)

    async with visit(server, app) as client:
        for query, params in QUERIES.items():
            got = await client.get(f"/?{query}" if query else "/")
            assert (query, got.json()) == (query, params)


def body_app() -> App:
    app = App(__name__)
    app.config.http.max_body_size = 1000
    app.config.http.max_body_fields = 10

    @app.route("/params", methods=["post", "put"])
    async def params() -> dict[str, Any]:
        assert (await request.body_params).not_in_any_of_them is None
        return dict(await request.body_params)

    @app.route("/whole", methods="post")
    async def whole() -> bytes:
        first = await request.body
        assert await request.body is first
        return first

    @app.route("/stream", methods="post")
    async def stream() -> str:
        size = 0
        async for chunk in request.body:
            assert chunk
            size += len(chunk)
        return str(size)

    @app.route("/ignore", methods="post")
    async def ignore() -> str:
        return "not read"

    return app


BODIES: list[tuple[str, bytes, Any]] = [
    (JSON, b'{"a": [1, null], "b": {"c": "\xc3\xa9"}}', {"a": [1, None], "b": {"c": "é"}}),
    ("application/vnd.api+json; charset=utf-8", b'{"a": 1}', {"a": 1}),
    (JSON, b"", {}),
    (JSON, b'{"a": ', 400),
    (JSON, b"[1]", 400),
    (JSON, b'"\xff"', 400),
    (FORM, b"a=1&b=x+y&b=%E2%98%83&c=", {"a": "1", "b": ["x y", "☃"], "c": ""}),
    (FORM, b"", {}),
    (FORM, b"&".join([b"a=1"] * 10), {"a": ["1"] * 10}),
    (FORM, b"&".join([b"a=1"] * 11), 413),
    ("text/plain", b"a=1", {}),
]


async def test_body_params_are_parsed(server: str) -> None:
    async with visit(server, body_app()) as client:
        for content_type, body, answer in BODIES:
            for content in (body, in_pieces(body[:3], body[3:])):
                got = await client.post("/params", content=content, headers={"Content-Type": content_type})
                if isinstance(answer, int):
                    assert (body, got.status_code) == (body, answer)
                    assert got.headers["content-type"] == "text/plain; charset=utf-8"
                else:
                    assert (body, got.status_code, got.json()) == (body, 200, answer)


async def test_bodies_are_read(server: str) -> None:
    async with visit(server, body_app()) as client:
        for path, answer in (("/whole", b"\x00\xff" * 500), ("/stream", b"1000")):
            for content in (b"\x00\xff" * 500, in_pieces(*[b"\x00\xff" * 50] * 10)):
                got = await client.post(path, content=content)
                assert (path, got.status_code, got.content) == (path, 200, answer)
        assert (await client.post("/whole", content=b"")).content == b""


@pytest.mark.parametrize("framing", ["Content-Length: 1001", "Transfer-Encoding: chunked"])
async def test_a_response_may_come_before_the_body_is_read(server: str, framing: str) -> None:
    length = 1001
    chunked = framing.endswith("chunked")
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (length, b"x" * length) if chunked else b"x" * length
    async with SERVERS[server](body_app()) as running:
        for path, content_type, status in (
            ("/params", FORM, 413),
            ("/whole", FORM, 413),
            ("/stream", FORM, 413),
            ("/params", "multipart/mixed; boundary=x", 415),
            ("/ignore", FORM, 200),
        ):
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\n{framing}\r\n\r\n"
            # In one piece, so that no server closes before all of it has arrived.
            async with connect(running.port) as client:
                client.write(head.encode() + body)
                got, fields, text = await client.read_response()
            assert (path, got) == (path, status)
            if status == 413:
                assert b"1000 bytes" in text
                assert fields["content-type"] == "text/plain; charset=utf-8"


async def test_the_connection_can_be_used_after_an_unread_body(server: str) -> None:
    if server in WITHOUT_DRAINING:
        pytest.skip("the server breaks the connection, and the client may never see the answer")
    pieces = [b"x" * 50_000] * 60
    async with visit(server, body_app()) as client:
        for path, status in (("/params", 413), ("/whole", 413), ("/stream", 413), ("/ignore", 200)):
            for content in (b"".join(pieces), in_pieces(*pieces)):
                got = await client.post(path, content=content, headers={"Content-Type": FORM})
                assert (path, got.status_code) == (path, status)
        assert (await client.post("/whole", content=b"still there")).text == "still there"


async def test_cookies_are_read(server: str) -> None:
    app = App(__name__)

    @app.route("/set")
    async def give() -> str:
        response.cookies["plain"] = "value"
        response.cookies["plain"]["path"] = "/"
        response.cookies["plain"]["httponly"] = True
        response.cookies["plain"]["samesite"] = "Lax"
        response.cookies["special"] = 'a "quoted"; value, with é'
        response.cookies["special"]["path"] = "/"
        return ""

    @app.route("/drop")
    async def drop() -> str:
        response.cookies["plain"] = ""
        response.cookies["plain"]["path"] = "/"
        response.cookies["plain"]["max-age"] = 0
        return ""

    @app.route("/show")
    async def show() -> dict[str, str]:
        return {name: morsel.value for name, morsel in request.cookies.items()}

    async with visit(server, app) as client:
        lines = (await client.get("/set")).headers.get_list("set-cookie")
        assert len(lines) == 2
        assert lines[0].startswith("plain=value; ")
        assert {part.lower() for part in lines[0].split("; ")[1:]} == {"path=/", "httponly", "samesite=lax"}
        assert (await client.get("/show")).json() == {"plain": "value", "special": 'a "quoted"; value, with é'}
        await client.get("/drop")
        assert (await client.get("/show")).json() == {"special": 'a "quoted"; value, with é'}
        client.cookies.clear()
        sent = {"Cookie": "one=1; broken; =x; two=a=b; one=later ones do not count"}
        assert (await client.get("/show", headers=sent)).json() == {"one": "1", "two": "a=b"}


async def test_concurrent_requests_do_not_mix(server: str) -> None:
    app = App(__name__)
    together = 50
    meeting = asyncio.Barrier(together)

    async def seen() -> list[Any]:
        await asyncio.sleep(0)
        return [request.query_params.name, request.headers["x-name"], request.cookies["name"].value, request.path]

    @app.route("/<int:number>")
    async def index(number: int) -> dict[str, Any]:
        # All requests are running before any of them continues.
        await meeting.wait()
        response.status = 200 + number
        response.headers["X-Number"] = str(number)
        response.cookies["number"] = str(number)
        body, in_a_task, again = await asyncio.gather(request.body, asyncio.create_task(seen()), seen())
        return {"number": number, "seen": in_a_task, "again": again, "body": body.decode()}

    async with visit(server, app) as client:

        async def ask(number: int) -> None:
            name = f"visitor {number}"
            fields = {"X-Name": name, "Cookie": f"name={number}"}
            got = await client.post(f"/{number}", params={"name": name}, headers=fields, content=name)
            seen = [name, name, str(number), f"/{number}"]
            assert got.json() == {"number": number, "seen": seen, "again": seen, "body": name}
            assert (got.status_code, got.headers["x-number"]) == (200 + number, str(number))
            assert got.headers.get_list("set-cookie") == [f"number={number}"]

        # Statuses without a body are omitted.
        numbers = [number for number in range(together + 2) if 200 + number not in (204, 205)]
        async with asyncio.TaskGroup() as tasks:
            for number in numbers:
                tasks.create_task(ask(number))


async def test_nothing_is_left_of_the_previous_request(server: str) -> None:
    app = App(__name__)

    class Sessions(Pipe):
        async def open_request(self) -> None:
            current_session.set(sdict(user="ada"))

    @app.route("/with", pipeline=[Sessions()])
    async def with_session() -> str:
        response.headers["X-Left"] = "over"
        return str(session.user)

    @app.route("/without")
    async def without_session() -> str:
        return repr(session)

    async with visit(server, app) as client:
        for _ in range(2):
            assert (await client.get("/with")).text == "ada"
            got = await client.get("/without")
            assert got.text.startswith("<`session` is available only")
            assert "x-left" not in got.headers


async def test_url_builds_urls_of_the_running_application(server: str) -> None:
    app = App(__name__)
    blog = app.module("blog", "blog", url_prefix="blog")
    inner = blog.module("inner", "inner", url_prefix="inner")

    @app.route(["/", "/start"])
    async def index() -> list[str]:
        return [
            url("index"),
            url("index.1"),
            url("blog.post", [7, "a ü?"], {"page": 2, "tag": ["x", "ü"], "none": None}, "end"),
            url("blog.inner.show"),
            url("static", "js/app.js"),
            url("/plain", ["a", 1]),
            url("index", scheme="https"),
            url("index", host="elsewhere.test"),
            url.ws("room", "lobby"),
            url.ws("room", "lobby", {"q": 1}, scheme="wss"),
        ]

    @blog.route("/<int:number>/<str:slug>")
    async def post(number: int, slug: str) -> list[str]:
        return [url(".post", [number + 1, slug]), url("index"), url(".inner.show")]

    @inner.route()
    async def show() -> list[str]:
        return [url(".show"), url("blog.post", [1, "x"])]

    @app.websocket("/rooms/<str:name>")
    async def room(name: str) -> None:
        raise AssertionError("nobody connects here")

    async with visit(server, app) as client:
        here = {"Host": "here.test:8080"}
        assert (await client.get("/", headers=here)).json() == [
            "/",
            "/start",
            "/blog/7/a%20%C3%BC%3F?page=2&tag=x&tag=%C3%BC#end",
            "/blog/inner/show",
            "/static/js/app.js",
            "/plain/a/1",
            "https://here.test:8080/",
            "http://elsewhere.test/",
            "/rooms/lobby",
            "wss://here.test:8080/rooms/lobby?q=1",
        ]
        assert (await client.get("/blog/7/x")).json() == ["/blog/8/x", "/", "/blog/inner/show"]
        assert (await client.get("/blog/inner/show")).json() == ["/blog/inner/show", "/blog/1/x"]
