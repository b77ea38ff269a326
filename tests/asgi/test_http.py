"""Requests over ASGI: the scope, bodies in and out, peers that leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emmett import App, Response, request, response
from emmett.asgi.http import client_of
from tests.asgi.peers import fetch, http_scope


def body_app(**limits: int) -> App:
    app = App(__name__)
    for name, value in limits.items():
        setattr(app.config.http, name, value)

    @app.route("/body", methods="post")
    async def body() -> bytes:
        return await request.body

    @app.route("/stream", methods="post")
    async def stream() -> AsyncIterator[bytes]:
        chunks = [chunk async for chunk in request.body]

        async def answer() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield b"<%b>" % chunk

        return answer()

    @app.route("/params", methods="post")
    async def params() -> dict[str, Any]:
        return await request.body_params

    return app


FORM = [("content-type", "application/x-www-form-urlencoded")]


class Server:
    """Passes the events of one request to an application, and records the events that it sends."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self.events = list(events)
        self.sent: list[Any] = []
        # How many messages the peer takes before it leaves.
        self.takes = 1_000_000

    async def receive(self) -> dict[str, Any]:
        if not self.events:
            # The peer stays connected, but sends nothing more.
            await asyncio.get_running_loop().create_future()
        return self.events.pop(0)

    async def send(self, message: Any) -> None:
        if len(self.sent) >= self.takes:
            raise ConnectionResetError
        self.sent.append(message)

    async def run(self, app: App, path: str, method: str = "POST", **changes: Any) -> list[Any]:
        await app(http_scope(method, path, **changes), self.receive, self.send)
        return self.sent


def part(body: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_request_shows_what_the_scope_says() -> None:
    app = App(__name__)

    @app.route("/<any:path>")
    async def show(path: str) -> dict[str, Any]:
        return {
            "method": request.method,
            "scheme": request.scheme,
            "host": request.host,
            "path": request.path,
            "raw_path": request.raw_path.decode(),
            "query": request.query_params,
            "header": request.headers["X-Custom"],
            "cookie": request.cookies["name"].value,
            "client": request.client,
            "version": request.http_version,
            "length": request.content_length,
        }

    fields = [("Host", "h:81"), ("X-Custom", "a"), ("x-custom", "b"), ("Cookie", "name=value")]
    answer = await fetch(
        app,
        "/café?one=1&many=a&many=b",
        headers=fields,
        raw_path=b"/caf%C3%A9",
        scheme="https",
        http_version="2",
    )
    assert answer.text == (
        '{"method":"GET","scheme":"https","host":"h:81","path":"/café","raw_path":"/caf%C3%A9",'
        '"query":{"one":"1","many":["a","b"]},"header":"a, b","cookie":"value","client":["192.0.2.1",50000],'
        '"version":"2","length":null}'
    )


async def test_a_minimal_scope_is_enough() -> None:
    app = App(__name__)
    app.route("/page")(show_parts)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return part(b"", more=False)

    async def send(message: Any) -> None:
        sent.append(message)

    await app({"type": "http", "method": "GET", "path": "/page", "headers": []}, receive, send)
    assert sent[1]["body"] == b"http /page  None 1.1"


async def show_parts() -> str:
    parts = (request.scheme, request.raw_path.decode(), request.host, request.client, request.http_version)
    return " ".join(map(str, parts))


@pytest.mark.parametrize(("given", "client"), [(None, None), (("h", 5), ("h", 5)), (["h", "5"], ("h", 5))])
def test_the_peer_is_read_however_the_server_names_it(given: Any, client: Any) -> None:
    assert client_of({"client": given}) == client
    assert client_of({}) is None


async def test_the_response_is_sent_as_asgi_events() -> None:
    app = App(__name__)

    @app.route("/")
    async def page() -> str:
        response.status = 202
        response.headers["X-Answer"] = "yes"
        response.cookies["a"] = "1"
        response.cookies["b"] = "2"
        return "é"

    sent = await Server(part(b"", more=False)).run(app, "/", "GET")
    assert sent == [
        {
            "type": "http.response.start",
            "status": 202,
            "headers": [
                (b"x-answer", b"yes"),
                (b"content-type", b"text/plain; charset=utf-8"),
                (b"content-length", b"2"),
                (b"set-cookie", b"a=1"),
                (b"set-cookie", b"b=2"),
            ],
        },
        {"type": "http.response.body", "body": "é".encode()},
    ]


async def test_a_body_may_come_in_parts() -> None:
    parts = [part(b"one"), part(b""), part(b"two"), part(b"three", more=False)]
    sent = await Server(*parts).run(body_app(), "/body")
    assert sent[1]["body"] == b"onetwothree"
    sent = await Server(*parts).run(body_app(), "/stream")
    assert [message["body"] for message in sent[1:]] == [b"<one>", b"<two>", b"<three>", b""]
    assert [message.get("more_body") for message in sent[1:]] == [True, True, True, None]


async def test_an_unread_body_is_not_received() -> None:
    app = App(__name__)
    app.route("/", name="index", methods="post")(lambda: "done")
    server = Server(part(b"one"), part(b"two", more=False))
    await server.run(app, "/")
    assert server.sent[0]["status"] == 200
    assert len(server.events) == 2


@pytest.mark.parametrize("path", ["/body", "/stream", "/params"])
async def test_a_peer_that_leaves_during_its_body_is_no_error_of_the_application(
    path: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(part(b"a=1"), {"type": "http.disconnect"})
    await server.run(body_app(), path, headers=FORM)
    assert server.sent[0]["status"] == 400
    assert not caplog.records


@pytest.mark.parametrize(
    ("events", "headers"),
    [
        ([part(b"x" * 6), part(b"x" * 5)], []),
        # The body is not even read.
        ([], [("content-length", "11")]),
        ([], [("content-length", "9" * 19)]),
    ],
)
async def test_a_body_that_is_too_large_is_refused(events: list[Any], headers: list[Any]) -> None:
    server = Server(*events)
    await server.run(body_app(max_body_size=10), "/body", headers=headers)
    assert server.sent[0]["status"] == 413
    assert b"larger than the 10 bytes allowed" in server.sent[1]["body"]


@pytest.mark.parametrize("length", ["9" * 20, "9" * 5000, "-1", "x", "", "²"])
async def test_an_invalid_content_length_is_ignored(length: str) -> None:
    server = Server(part(b"body", more=False))
    await server.run(body_app(max_body_size=10), "/body", headers=[("content-length", length)])
    assert server.sent[1]["body"] == b"body"


async def test_too_many_form_fields_are_refused() -> None:
    for fields, status in (("a=1&b=2", 200), ("a=1&b=2&c=3", 413)):
        server = Server(part(fields.encode(), more=False))
        await server.run(body_app(max_body_fields=2), "/params", headers=FORM)
        assert server.sent[0]["status"] == status


class Source:
    """A stream of numbers that notes when it is closed."""

    def __init__(self, end: int = 1_000_000) -> None:
        self.numbers = iter(range(end))
        self.closed = 0

    def __aiter__(self) -> Source:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        number = next(self.numbers, None)
        if number is None:
            raise StopAsyncIteration
        return b"%d" % number

    async def aclose(self) -> None:
        self.closed += 1


async def test_a_stream_is_closed_however_it_ends() -> None:
    for method, takes in (("GET", 10), ("GET", 0), ("GET", 1), ("GET", 3), ("HEAD", 10)):
        source = Source(5)
        app = App(__name__)
        app.route("/", name="index")(lambda source=source: Response(source))
        server = Server(part(b"", more=False))
        server.takes = takes
        await server.run(app, "/", method)
        assert source.closed, (method, takes)
        if method == "HEAD":
            assert [message.get("body") for message in server.sent] == [None, b""]
            assert next(source.numbers) == 0


async def test_a_cancelled_stream_is_closed_too() -> None:
    source = Source()
    app = App(__name__)
    app.route("/", name="index")(lambda: Response(source))
    server = Server(part(b"", more=False))
    task = asyncio.create_task(server.run(app, "/", "GET"))
    while len(server.sent) < 3:  # noqa: ASYNC110 - each iteration receives a message
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert source.closed


@pytest.mark.parametrize("waits", [True, False])
async def test_a_stream_ends_when_the_peer_leaves(waits: bool, caplog: pytest.LogCaptureFixture) -> None:
    closed_by: list[asyncio.Task[Any] | None] = []

    async def endless() -> AsyncIterator[bytes]:
        running = asyncio.current_task()
        try:
            yield b"first"
            while True:
                await (asyncio.get_running_loop().create_future() if waits else asyncio.sleep(0))
                yield b"next"
        finally:
            assert asyncio.current_task() is running
            closed_by.append(running)

    app = App(__name__)
    app.route("/")(endless)
    leaving: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    sent: list[Any] = []

    async def send(message: Any) -> None:
        # As in uvicorn and others: once the peer has left, sends are dropped silently.
        sent.append(message)
        if len(sent) == 2:
            leaving.put_nowait(part(b"", more=False))
            leaving.put_nowait({"type": "http.disconnect"})

    await app(http_scope("GET", "/"), leaving.get, send)
    assert [message.get("body") for message in sent[:2]] == [None, b"first"]
    # The response is cut short, without a final message.
    assert all(message.get("more_body") for message in sent[1:])
    assert len(closed_by) == 1
    assert not caplog.records


async def test_a_stream_can_read_the_request_body_as_it_goes() -> None:
    app = App(__name__)

    @app.route("/", methods="post")
    async def shout() -> AsyncIterator[bytes]:
        async for chunk in request.body:
            yield chunk.upper()

    sent = await Server(part(b"one"), part(b"two"), part(b"three", more=False)).run(app, "/")
    assert [message["body"] for message in sent[1:]] == [b"ONE", b"TWO", b"THREE", b""]


async def test_a_failed_stream_is_reported_to_the_server() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise LookupError("a fault")

    app = App(__name__)
    app.route("/")(broken)
    server = Server(part(b"", more=False))
    with pytest.raises(LookupError):
        await server.run(app, "/", "GET")
    # The server must cut the connection, so that the response does not look complete.
    assert [message.get("more_body") for message in server.sent] == [None, True]


async def test_a_head_response_has_the_length_of_get_and_no_body() -> None:
    app = App(__name__)
    app.route("/", name="index")(lambda: "x" * 1000)
    answer = await fetch(app, method="HEAD")
    assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", "1000")
