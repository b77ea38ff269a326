"""What a handler of a plain HTTP request answers, on the default server and as ASGI application on others."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from emmett import App, Response, abort, redirect, request, response
from tests.integration.browsing import visit
from tests.integration.raw_client import connect
from tests.integration.servers import SERVERS

# uvicorn's older implementation of websockets uses an API that is deprecated.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
    pytest.mark.parametrize("server", SERVERS),
]

TEXT = "text/plain; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"
JSON = "application/json"
BINARY = "application/octet-stream"


@dataclasses.dataclass
class Point:
    x: int
    y: int


def results_app() -> App:
    app = App(__name__)
    results = {
        "text": "é",
        "bytes": b"\x00\xff",
        "dict": {"a": [1, None]},
        "list": [],
        "dataclass": Point(1, 2),
        "none": None,
        "response": Response("made", 202, {"X-Own": "yes"}, "text/x-own"),
    }
    for name, result in results.items():
        app.route(name=name, paths=f"/{name}")(lambda result=result: result)

    @app.route()
    async def changed() -> str:
        response.status = 418
        response.headers["X-One"] = "1"
        response.headers["x-one"] = "2"
        response.content_type = PLAIN
        return "changed"

    @app.route()
    async def merged() -> Response:
        response.status = 418
        response.headers["X-One"] = "of the request"
        response.headers["X-Two"] = "of the request"
        response.cookies["name"] = "value"
        return Response("merged", headers={"X-One": "own"})

    @app.route()
    async def empty() -> str:
        response.status = 204
        return "never sent"

    @app.route()
    async def split() -> str:
        response.headers["X-Split"] = "a\r\nSet-Cookie: b=c"
        return "never sent"

    return app


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_results_become_responses(server: str, method: str) -> None:
    async with visit(server, results_app()) as client:
        for path, status, content_type, body in (
            ("/text", 200, TEXT, "é".encode()),
            ("/bytes", 200, BINARY, b"\x00\xff"),
            ("/dict", 200, JSON, b'{"a":[1,null]}'),
            ("/list", 200, JSON, b"[]"),
            ("/dataclass", 200, JSON, b'{"x":1,"y":2}'),
            ("/none", 200, None, b""),
            ("/response", 202, "text/x-own", b"made"),
            ("/changed", 418, PLAIN, b"changed"),
            ("/merged", 418, TEXT, b"merged"),
            ("/unknown", 404, PLAIN, b"Not Found"),
        ):
            got = await client.request(method, path)
            assert (path, got.status_code) == (path, status)
            assert (path, got.headers.get("content-type")) == (path, content_type)
            assert (path, got.headers.get("content-length")) == (path, str(len(body)))
            assert (path, got.content) == (path, body if method == "GET" else b"")
            # Each field occurs once, even if both set it.
            assert {len(got.headers.get_list(name)) for name in ("date", "content-length")} == {1}


async def test_status_and_headers_can_be_set(server: str, caplog: pytest.LogCaptureFixture) -> None:
    async with visit(server, results_app()) as client:
        assert (await client.get("/changed")).headers.get_list("x-one") == ["2"]
        for _ in range(2):
            merged = await client.get("/merged")
            assert (merged.headers["x-one"], merged.headers["x-two"]) == ("own", "of the request")
            assert merged.headers.get_list("set-cookie") == ["name=value"]
        # The shared response kept nothing of the previous request.
        shared = await client.get("/response")
        assert shared.headers["x-own"] == "yes"
        assert "set-cookie" not in shared.headers
        empty = await client.get("/empty")
        assert (empty.status_code, empty.content) == (204, b"")
        assert not {"content-length", "content-type", "transfer-encoding"} & set(empty.headers)
        split = await client.get("/split")
        assert split.status_code == 500
        assert "set-cookie" not in split.headers


async def test_redirects_are_sent(server: str) -> None:
    app = App(__name__)

    @app.route("/from/<int:status>", methods=["get", "post", "put"])
    async def leave(status: int) -> None:
        response.cookies["been"] = "here"
        response.cookies["been"]["path"] = "/"
        redirect("/to/café?a=b c", status)

    @app.route("/default", methods="post")
    async def default() -> None:
        redirect("/to/x")

    @app.route("/to/<str:name>", methods=["get", "put"])
    async def arrive(name: str) -> list[str | bytes]:
        return [request.method, name, request.cookies["been"].value, (await request.body).decode()]

    async with visit(server, app) as client:
        got = await client.get("/from/302")
        assert (got.status_code, got.content) == (302, b"")
        assert got.headers["location"] == "/to/caf%C3%A9?a=b%20c"
        assert (await client.post("/default")).status_code == 303
        for status, method in ((303, "GET"), (307, "PUT"), (308, "PUT")):
            got = await client.put(f"/from/{status}", content=b"" if method == "GET" else b"b", follow_redirects=True)
            assert got.json() == [method, "café", "here", "" if method == "GET" else "b"]


async def test_error_pages_are_sent(server: str) -> None:
    app = App(__name__)

    @app.on_error(404)
    def missing() -> dict[str, str]:
        return {"missing": request.path}

    @app.on_error(405)
    async def method() -> str:
        return "the other way"

    @app.on_error(500)
    async def failed() -> str:
        response.headers["X-Page"] = "500"
        return "sorry"

    @app.on_error(503)
    async def fails_too() -> str:
        raise RuntimeError("secret")

    @app.route("/abort/<int:status>")
    async def aborts(status: int) -> None:
        abort(status, headers={"X-Why": "because"})

    @app.route("/words/<int:status>")
    async def words(status: int) -> None:
        abort(status, "its own words")

    @app.route()
    async def fails() -> None:
        raise RuntimeError("secret")

    async with visit(server, app) as client:
        for path, status, content_type, body in (
            ("/nowhere", 404, JSON, '{"missing":"/nowhere"}'),
            ("/abort/404", 404, JSON, '{"missing":"/abort/404"}'),
            ("/words/404", 404, PLAIN, "its own words"),
            ("/fails", 500, TEXT, "sorry"),
            ("/abort/503", 503, PLAIN, "Service Unavailable"),
            ("/abort/403", 403, PLAIN, "Forbidden"),
            ("/abort/451", 451, PLAIN, "Unavailable For Legal Reasons"),
            ("/abort/599", 599, PLAIN, "status 599"),
        ):
            got = await client.get(path)
            assert (path, got.status_code, got.text) == (path, status, body)
            assert got.headers["content-type"] == content_type
            assert got.headers.get("x-why") == ("because" if path.startswith("/abort") else None)
        assert (await client.get("/fails")).headers["x-page"] == "500"
        got = await client.delete("/fails")
        assert (got.status_code, got.text, got.headers["allow"]) == (405, "the other way", "GET, HEAD, POST")


async def test_a_failure_is_logged_and_not_shown_to_the_client(server: str, caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    caplog.set_level(logging.INFO, "emmett")

    @app.route("/fails")
    async def fails() -> str:
        response.headers["X-Half"] = "done"
        raise RuntimeError("secret")

    @app.route("/strange")
    async def strange() -> object:
        return object()

    @app.route("/fine")
    async def fine() -> str:
        return "fine"

    async with visit(server, app) as client:
        for path in ("/fails", "/strange"):
            caplog.clear()
            got = await client.get(path)
            assert (got.status_code, got.text) == (500, "Internal Server Error")
            told = [record for record in caplog.records if record.name == "emmett.request"]
            assert [(record.levelname, record.exc_info is not None) for record in told] == [("ERROR", True)]
            assert repr(path) in told[0].getMessage()
            assert (await client.get("/fine")).text == "fine"


async def test_a_stream_arrives_as_it_is_produced(server: str) -> None:
    app = App(__name__)
    seen = asyncio.Event()

    @app.route()
    async def later() -> AsyncIterator[bytes]:
        async def parts() -> AsyncIterator[bytes]:
            yield b"first"
            # Not before the first chunk has reached the client.
            await seen.wait()
            yield request.path.encode()
            yield b""
            yield b"x" * 300_000

        response.content_type = "text/x-parts"
        return parts()

    @app.route()
    def plain() -> Iterator[bytes]:
        for number in range(1000):
            yield b"%d," % number

    async with visit(server, app) as client:
        for _ in range(2):
            async with client.stream("GET", "/later") as got:
                assert got.headers["content-type"] == "text/x-parts"
                chunks = got.aiter_raw()
                assert await anext(chunks) == b"first"
                seen.set()
                assert b"".join([chunk async for chunk in chunks]) == b"/later" + b"x" * 300_000
            seen.clear()
        assert (await client.get("/plain")).text == "".join(f"{number}," for number in range(1000))
        head = await client.head("/later")
        assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "text/x-parts")


async def test_a_stream_ends_when_the_client_leaves(server: str) -> None:
    app = App(__name__)
    ended: asyncio.Queue[str] = asyncio.Queue()
    # Otherwise a server that fails this test would never stop.
    over = asyncio.Event()

    async def watched(waiting: Callable[[], Awaitable[object]]) -> AsyncIterator[bytes]:
        try:
            while not over.is_set():
                yield b"x" * 1000
                await waiting()
        finally:
            ended.put_nowait("too late" if over.is_set() else request.path)

    app.route("/endless", name="endless")(lambda: watched(lambda: asyncio.sleep(0)))
    app.route("/silent", name="silent")(lambda: watched(over.wait))

    async with SERVERS[server](app) as running:
        try:
            for path in ("/endless", "/silent"):
                async with connect(running.port) as client:
                    client.write(b"GET %b HTTP/1.1\r\nHost: localhost\r\n\r\n" % path.encode())
                    assert (await client.read_head())[0] == 200
                    await client.reader.readexactly(1)
                assert await ended.get() == path
        finally:
            over.set()


async def test_a_failed_stream_is_cut_off(server: str) -> None:
    app = App(__name__)

    @app.route()
    async def broken() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("secret")

    @app.route()
    async def fine() -> str:
        return "fine"

    async with visit(server, app) as client:
        received = b""
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("GET", "/broken") as got:
                assert got.status_code == 200
                async for chunk in got.aiter_raw():
                    received += chunk
        # The client can tell that the response is incomplete.
        assert received == b"first"
        assert (await client.get("/fine")).text == "fine"


CONTENT = bytes(range(256)) * 1024


@pytest.fixture
def app_with_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    """An application with a folder of static files next to its module."""
    files = tmp_path / "static"
    (files / "js").mkdir(parents=True)
    (files / "small.txt").write_bytes(b"0123456789")
    (files / "large.bin").write_bytes(CONTENT)
    (files / "js" / "café app.js").write_text("let a")
    (tmp_path / "secret.txt").write_text("secret")
    (files / "link.txt").symlink_to(tmp_path / "secret.txt")
    module = ModuleType("app_with_files")
    module.__file__ = str(tmp_path / "app.py")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return App(module.__name__)


async def test_static_files_are_served(server: str, app_with_files: App) -> None:
    async with visit(server, app_with_files) as client:
        for path, content_type, content in (
            ("/static/small.txt", PLAIN, b"0123456789"),
            ("/static/large.bin", BINARY, CONTENT),
            ("/static/js/caf%C3%A9%20app.js", "text/javascript; charset=utf-8", b"let a"),
        ):
            got = await client.get(path)
            assert (got.status_code, got.headers["content-type"]) == (200, content_type)
            assert got.content == content
            assert got.headers["content-length"] == str(len(content))
            assert got.headers["accept-ranges"] == "bytes"
            assert got.headers["cache-control"] == "no-cache"
            head = await client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            for name in ("content-length", "content-type", "etag", "last-modified"):
                assert head.headers[name] == got.headers[name]
        got = await client.post("/static/small.txt")
        assert (got.status_code, got.headers["allow"]) == (405, "GET, HEAD")


async def test_missing_files_are_404(server: str, app_with_files: App) -> None:
    async with SERVERS[server](app_with_files) as running:
        for path in (
            "missing.txt", "js", "js/", "", "link.txt", "../secret.txt", "%2e%2e/secret.txt", "..%2fsecret.txt",
            "js/../../secret.txt", "..%5csecret.txt", "small.txt/", "small.txt%00.js", "%2Fetc%2Fpasswd",
        ):  # fmt: skip
            # httpx would normalise these paths.
            async with connect(running.port) as client:
                client.write(f"GET /static/{path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                status, _, body = await client.read_response()
            assert (path, status, body) == (path, 404, b"Not Found")


async def test_a_current_copy_is_not_sent_again(server: str, app_with_files: App) -> None:
    async with visit(server, app_with_files) as client:
        for path in ("/static/small.txt", "/static/large.bin"):
            first = await client.get(path)
            etag, modified = first.headers["etag"], first.headers["last-modified"]
            assert parsedate_to_datetime(modified).tzinfo is not None
            for condition, status in (
                ({"If-None-Match": etag}, 304),
                ({"If-None-Match": f'"other", W/{etag}'}, 304),
                ({"If-None-Match": "*"}, 304),
                ({"If-None-Match": '"other"'}, 200),
                ({"If-Modified-Since": modified}, 304),
                ({"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"}, 200),
                ({"If-None-Match": '"other"', "If-Modified-Since": modified}, 200),
                ({"If-Match": '"other"'}, 412),
            ):
                got = await client.get(path, headers=condition)
                assert (condition, got.status_code) == (condition, status)
                assert got.headers["etag"] == etag
                if status == 304:
                    assert got.content == b""
                    assert "content-type" not in got.headers
        changed = app_with_files.root_path / "static" / "small.txt"
        before = (await client.get("/static/small.txt")).headers["etag"]
        changed.write_bytes(b"another text")
        got = await client.get("/static/small.txt", headers={"If-None-Match": before})
        assert (got.status_code, got.content) == (200, b"another text")
        assert got.headers["etag"] != before


async def test_ranges_are_sent(server: str, app_with_files: App) -> None:
    size = len(CONTENT)
    async with visit(server, app_with_files) as client:
        etag = (await client.get("/static/large.bin")).headers["etag"]
        for asked, start, end in (
            ("bytes=0-0", 0, 1),
            ("bytes=100-199", 100, 200),
            ("bytes=100-", 100, size),
            ("bytes=-100", size - 100, size),
            (f"bytes=0-{size * 2}", 0, size),
        ):
            for condition in ({}, {"If-Range": etag}):
                got = await client.get("/static/large.bin", headers={"Range": asked, **condition})
                assert (asked, got.status_code) == (asked, 206)
                assert got.content == CONTENT[start:end]
                assert got.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
                assert got.headers["content-length"] == str(end - start)
        for asked, condition in (("bytes=0-9", {"If-Range": '"other"'}), ("lines=1-2", {}), ("bytes=9-1", {})):
            got = await client.get("/static/large.bin", headers={"Range": asked, **condition})
            assert (asked, got.status_code, len(got.content)) == (asked, 200, size)
        got = await client.get("/static/large.bin", headers={"Range": f"bytes={size}-"})
        assert (got.status_code, got.headers["content-range"]) == (416, f"bytes */{size}")
