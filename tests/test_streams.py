from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from emmett import App, request, response
from emmett.asgi.types import ASGIMessage
from emmett.ctx import enter_request
from emmett.errors import UsageError
from emmett.http import Response, render
from emmett.http.sse import Event
from emmett.streams import stream
from tests.http.builders import make_request, read, sent_headers
from tests.http.event_source import Received, receive
from tests.http.static_folders import DATE, write

CONTENT = b"0123456789"


class Source:
    """A generator that passes on events from a test, and records what becomes of it."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[object] = asyncio.Queue()
        self.pulls = 0
        self.closed = asyncio.Event()

    async def run(self) -> AsyncIterator[object]:
        try:
            while True:
                self.pulls += 1
                yield await self.events.get()
        finally:
            await asyncio.sleep(0)
            self.closed.set()


class Visit:
    """One GET request to an application, over ASGI; the client takes a part of the response when the test does."""

    def __init__(self, app: App, method: str = "GET", headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self._incoming: asyncio.Queue[ASGIMessage] = asyncio.Queue()
        self._incoming.put_nowait({"type": "http.request"})
        self._sent: asyncio.Queue[tuple[ASGIMessage, asyncio.Event]] = asyncio.Queue()
        scope = {"type": "http", "method": method, "path": "/", "query_string": b"", "headers": list(headers)}
        self.task = asyncio.create_task(app(scope, self._incoming.get, self._send))

    async def _send(self, message: ASGIMessage) -> None:
        taken = asyncio.Event()
        self._sent.put_nowait((message, taken))
        await taken.wait()

    async def take(self) -> ASGIMessage:
        message, taken = await self._sent.get()
        taken.set()
        return message

    def leave(self) -> None:
        self._incoming.put_nowait({"type": "http.disconnect"})


@pytest.fixture
def app() -> App:
    return App(__name__)


async def test_a_stream_has_chunks_of_bytes_and_text() -> None:
    async def chunks() -> AsyncIterator[bytes | str]:
        yield b"a"
        yield "é"

    made = stream(chunks())
    assert made.is_stream
    assert sent_headers(made) == {b"content-type": b"application/octet-stream"}
    assert await read(made.body) == "aé".encode()


async def test_a_stream_may_have_a_type_and_a_file_name() -> None:
    def lines() -> Iterator[str]:
        yield "1,2\n"

    for source in (lines(), ["1,2\n"], io.BytesIO(b"1,2\n")):
        made = stream(source, "text/csv", filename="naïve.csv")
        assert sent_headers(made) == {
            b"content-type": b"text/csv",
            b"content-disposition": b"attachment; filename=\"na_ve.csv\"; filename*=UTF-8''na%C3%AFve.csv",
        }
        assert await read(made.body) == b"1,2\n"


def test_a_stream_has_the_status_of_the_response() -> None:
    context = Response(status=202, headers={"x-colour": "red"})
    for made in (stream([b"a"]), stream.sse([])):
        rendered = render(made, context)
        assert rendered.status == 202
        assert rendered.headers["x-colour"] == "red"


@pytest.mark.parametrize("source", ["text", b"bytes", bytearray(b"x"), memoryview(b"x"), {"a": 1}, None, 5, object()])
def test_a_source_that_is_not_iterable_is_refused(source: Any) -> None:
    with pytest.raises(UsageError, match=rf"stream\(\.\.\.\) got {type(source).__name__}: .* chunks, plain or async"):
        stream(source)
    with pytest.raises(UsageError, match=rf"stream\.sse\(\.\.\.\) got {type(source).__name__}: .* events, plain or"):
        stream.sse(source)


async def test_events_are_written_as_server_sent_events() -> None:
    async def events() -> AsyncIterator[object]:
        yield "text"
        yield {"a": 1}
        yield Event("b", event="news", id="7")

    made = stream.sse(events())
    assert sent_headers(made) == {
        b"content-type": b"text/event-stream",
        b"cache-control": b"no-store",
        b"x-accel-buffering": b"no",
    }
    chunks = [chunk async for chunk in made.chunks()]
    assert chunks == [b":\n", b"data: text\n\n", b'data: {"a":1}\n\n', b"event: news\nid: 7\ndata: b\n\n"]
    assert receive(b"".join(chunks)) == [
        Received("message", "text", ""),
        Received("message", '{"a":1}', ""),
        Received("news", "b", "7"),
    ]


async def test_events_may_come_from_a_plain_iterable_with_a_retry() -> None:
    assert await read(stream.sse(["a", "b"], retry=1.5).body) == b"retry: 1500\ndata: a\n\ndata: b\n\n"


async def test_heartbeats_are_sent_while_the_source_waits() -> None:
    source = Source()
    chunks = stream.sse(source.run(), heartbeat=0.001).chunks()
    assert [await anext(chunks) for _ in range(3)] == [b":\n"] * 3
    source.events.put_nowait("a")
    # Heartbeats may precede the event, but it is not lost.
    async for chunk in chunks:
        if chunk != b":\n":
            break
    assert chunk == b"data: a\n\n"


async def test_a_response_closed_between_two_heartbeats_closes_the_source() -> None:
    source = Source()
    made = stream.sse(source.run(), heartbeat=0.001)
    chunks = made.chunks()
    # Once the first comment has been sent, the source waits for its first event.
    assert [await anext(chunks) for _ in range(2)] == [b":\n"] * 2
    assert source.pulls == 1
    await made.aclose()
    assert source.closed.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("heartbeat", [0, -1, float("inf"), float("nan")])
def test_an_invalid_heartbeat_is_refused(heartbeat: float) -> None:
    with pytest.raises(ValueError, match=r"heartbeat=.*: expected a number of seconds above 0"):
        stream.sse([], heartbeat=heartbeat)


def test_an_invalid_retry_is_refused() -> None:
    with pytest.raises(ValueError, match="retry=-1"):
        stream.sse([], retry=-1)


async def test_an_event_that_cannot_be_sent_ends_the_stream() -> None:
    source = Source()
    made = stream.sse(source.run())
    source.events.put_nowait(b"bytes")
    with pytest.raises(UsageError, match="data of type bytes"):
        await read(made.body)
    assert source.closed.is_set()


@pytest.mark.loops("asyncio", "uvloop")
async def test_the_source_ends_when_the_client_leaves(app: App) -> None:
    source = Source()
    app.route("/")(lambda: stream.sse(source.run()))
    visit = Visit(app)
    source.events.put_nowait("a")
    assert (await visit.take())["status"] == 200
    assert [(await visit.take())["body"] for _ in range(2)] == [b":\n", b"data: a\n\n"]
    visit.leave()
    await visit.task
    assert source.closed.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.loops("asyncio", "uvloop")
async def test_the_source_ends_when_the_server_cancels_the_request(app: App) -> None:
    source = Source()
    app.route("/")(lambda: stream.sse(source.run()))
    visit = Visit(app)
    for _ in range(2):
        await visit.take()
    visit.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await visit.task
    assert source.closed.is_set()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_the_source_is_not_read_while_the_client_takes_nothing(app: App) -> None:
    source = Source()
    for number in range(10):
        source.events.put_nowait(number)
    app.route("/")(lambda: stream.sse(source.run()))
    visit = Visit(app)
    # The response head, the first comment, then events: taking one makes the stream request the next.
    for pulls in (0, 1, 2, 3, 4):
        await visit.take()
        for _ in range(20):
            await asyncio.sleep(0)
        assert source.pulls == pulls
    visit.leave()
    await visit.task


async def test_head_does_not_read_the_source_but_closes_it(app: App) -> None:
    closed = asyncio.Event()

    class Subscription:
        def __aiter__(self) -> AsyncIterator[object]:
            raise AssertionError("read")

        async def aclose(self) -> None:
            closed.set()

    app.route("/")(lambda: stream.sse(Subscription()))
    visit = Visit(app, "HEAD")
    start = await visit.take()
    assert (b"content-type", b"text/event-stream") in start["headers"]
    assert await visit.take() == {"type": "http.response.body", "body": b""}
    await visit.task
    assert closed.is_set()


async def test_a_returning_client_names_its_last_event(app: App) -> None:
    async def events() -> AsyncIterator[Event]:
        for number in range(int(request.headers.get("last-event-id", "0")) + 1, 4):
            yield Event(f"number {number}", id=str(number))

    app.route("/")(lambda: stream.sse(events()))
    visit = Visit(app, headers=((b"last-event-id", b"1"),))
    await visit.take()
    body = b""
    while (message := await visit.take()).get("more_body"):
        body += message["body"]
    assert [(event.data, event.last_event_id) for event in receive(body)] == [("number 2", "2"), ("number 3", "3")]
    await visit.task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "digits.txt"
    write(path, CONTENT)
    return path


def enter(method: str = "GET", **fields: str) -> None:
    """Make a request the current one."""
    headers = [(name.replace("_", "-"), value) for name, value in fields.items()]
    enter_request(make_request(method, headers=headers), Response())


async def test_a_file_is_sent_with_its_headers(path: Path) -> None:
    enter()
    for each in (path, str(path)):
        made = await stream.file(each)
        assert made.status == 200
        assert made.body == CONTENT
        fields = sent_headers(made)
        assert fields.pop(b"etag").endswith(b'-a"')
        assert fields == {
            b"accept-ranges": b"bytes",
            b"cache-control": b"private, no-cache",
            b"content-length": b"10",
            b"content-type": b"text/plain; charset=utf-8",
            b"last-modified": DATE.encode(),
            b"x-content-type-options": b"nosniff",
        }


async def test_a_file_may_be_sent_under_another_name(path: Path) -> None:
    enter()
    made = await stream.file(path, filename="über.pdf", max_age=60)
    assert made.headers["content-disposition"] == "attachment; filename=\"_ber.pdf\"; filename*=UTF-8''%C3%BCber.pdf"
    assert made.content_type == "application/pdf"
    assert made.headers["cache-control"] == "private, max-age=60"
    made = await stream.file(path, filename="a.pdf", content_type="text/x-digits")
    assert made.content_type == "text/x-digits"


@pytest.mark.parametrize(
    ("method", "fields", "status", "content"),
    [
        ("GET", {"range": "bytes=2-3"}, 206, b"23"),
        ("GET", {"range": "bytes=-2"}, 206, b"89"),
        ("GET", {"range": "bytes=2-3", "if_range": DATE}, 206, b"23"),
        ("GET", {"range": "bytes=2-3", "if_range": '"old"'}, 200, CONTENT),
        ("GET", {"range": "bytes=2-3,5-6"}, 200, CONTENT),
        ("GET", {"range": "bytes=10-"}, 416, b"the range is outside of the resource, which has 10 bytes"),
        ("GET", {"if_modified_since": DATE}, 304, b""),
        ("GET", {"if_none_match": "*"}, 304, b""),
        ("GET", {"if_match": '"old"'}, 412, b"the current file does not meet the conditions of the request"),
        ("HEAD", {}, 200, CONTENT),
        ("HEAD", {"if_none_match": "*"}, 304, b""),
        ("POST", {"range": "bytes=2-3"}, 200, CONTENT),
    ],
)
async def test_conditions_and_ranges_apply_to_a_file(
    path: Path, method: str, fields: dict[str, str], status: int, content: bytes
) -> None:
    enter(method, **fields)
    made = await stream.file(path)
    assert made.status == status
    assert await read(made.body) == content


async def test_a_missing_file_is_an_error_of_the_application(tmp_path: Path) -> None:
    enter()
    with pytest.raises(FileNotFoundError):
        await stream.file(tmp_path / "missing")
    with pytest.raises(OSError, match="expected a file, but this is a folder"):
        await stream.file(tmp_path)


async def test_a_file_replaced_meanwhile_is_sent_in_its_new_version(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = os.access

    def replace_once(*arguments: Any) -> bool:
        if path.read_bytes() == CONTENT:
            path.write_bytes(b"new")
        return access(*arguments)

    enter()
    # Replaced after its metadata was read, before its content is.
    monkeypatch.setattr(os, "access", replace_once)
    made = await stream.file(path)
    assert made.body == b"new"
    assert made.headers["content-length"] == "3"


async def test_a_file_cannot_be_sent_outside_a_request(path: Path) -> None:
    async def ask() -> None:
        await stream.file(path)

    with pytest.raises(UsageError, match="answers the running request, and none is running"):
        await ask()


async def test_invalid_arguments_are_refused(path: Path) -> None:
    enter()
    with pytest.raises(ValueError, match="max_age=-1: expected a number of seconds, 0 or more"):
        await stream.file(path, max_age=-1)
    with pytest.raises(ValueError, match="filename=''"):
        await stream.file(path, filename="")


async def test_a_handler_can_set_headers_of_a_file(app: App, path: Path) -> None:
    @app.route("/")
    async def page() -> Response:
        response.status = 403
        response.headers["x-colour"] = "red"
        made = await stream.file(path)
        made.headers["cache-control"] = "public, max-age=60"
        return made

    visit = Visit(app)
    start = await visit.take()
    assert start["status"] == 403
    assert {(b"x-colour", b"red"), (b"cache-control", b"public, max-age=60")} <= set(start["headers"])
    assert (await visit.take())["body"] == CONTENT
    await visit.task
