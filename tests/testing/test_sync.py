from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from emmett import App, Pipe, Response, WebsocketClosed, redirect, request, response, session, websocket
from emmett.ctx import current_session
from emmett.datastructures import sdict
from emmett.errors import UsageError
from emmett.testing.handshake import RefusedHandshake


class Sessions(Pipe):
    async def open_request(self) -> None:
        current_session.set(sdict())


class Notes:
    """An application, and the events in it."""

    def __init__(self) -> None:
        self.app = App(__name__)
        self.events: list[str] = []
        app = self.app

        @app.on_startup
        async def start() -> None:
            self.events.append("up")

        @app.on_shutdown
        async def stop() -> None:
            self.events.append("down")

        @app.route("/", methods=["get", "post", "put", "patch", "delete", "options"], pipeline=[Sessions()])
        async def index() -> dict[str, str]:
            session.user = "ada"
            response.cookies["seen"] = "1"
            return {"method": request.method, "body": (await request.body).decode()}

        @app.route()
        async def back() -> None:
            redirect("/")

        @app.route()
        async def feed() -> Response:
            return Response(self._feed(), content_type="text/event-stream")

        @app.route()
        async def never() -> None:
            await asyncio.Event().wait()

        @app.websocket()
        async def echo() -> None:
            async for message in websocket:
                await websocket.send(message)
            self.events.append("left")

        @app.websocket()
        async def three() -> None:
            for number in range(3):
                await websocket.send(str(number))
            await websocket.close(4000, "done")

    async def _feed(self) -> AsyncIterator[bytes]:
        try:
            for number in range(1000):
                yield b"data: %d\n\n" % number
                await asyncio.sleep(0)
        finally:
            self.events.append("ended")


def test_requests_work() -> None:
    notes = Notes()
    with notes.app.test_client() as client:
        for method in ("get", "post", "put", "patch", "delete", "options"):
            assert getattr(client, method)("/").json()["method"] == method.upper()
        assert client.head("/").content == b""
        assert client.request("post", "/", content="x").json() == {"method": "POST", "body": "x"}
        answer = client.get("/back", follow_redirects=True)
        assert [each.status for each in [*answer.history, answer]] == [303, 200]
        assert (client.cookies["seen"], client.context.request.path) == ("1", "/")
        assert client.context.session == {"user": "ada"}
        assert notes.events == ["up"]
    assert notes.events == ["up", "down"]


def test_websockets_work() -> None:
    notes = Notes()
    with notes.app.test_client() as client:
        with client.websocket("/echo", compression=True) as ws:
            ws.send("one")
            assert ws.receive() == "one"
            ws.send_json([1])
            assert ws.receive_json() == [1]
            ws.ping()
            assert (ws.close_code, ws.close_reason, ws.subprotocol) == (None, None, None)
            assert repr(ws) == "<TestWebsocket /echo: the connection is open>"
        assert (ws.close_code, notes.events) == (1000, ["up", "left"])
        with client.websocket("/three") as ws:
            assert list(ws) == ["0", "1", "2"]
            with pytest.raises(WebsocketClosed, match="4000: done"):
                ws.receive()
            assert (ws.close_code, ws.close_reason) == (4000, "done")
        with client.websocket("/echo") as ws:
            ws.close(4001, "bye")
            assert ws.close_code == 4001
            assert "upgrade" in ws.headers
        with pytest.raises(RefusedHandshake), client.websocket("/missing"):
            pass


def test_two_websockets_can_be_open_at_once() -> None:
    with Notes().app.test_client() as client, client.websocket("/echo") as one, client.websocket("/echo") as other:
        one.send("1")
        other.send("2")
        assert (one.receive(), other.receive()) == ("1", "2")


def test_streams_work() -> None:
    notes = Notes()
    with notes.app.test_client() as client:
        with client.stream("GET", "/feed") as answer:
            assert (answer.status, answer.content_type, answer.method) == (200, "text/event-stream", "GET")
            assert (answer.url, answer.history, dict(answer.cookies)) == ("http://localhost/feed", [], {})
            assert next(answer).startswith(b"data: 0")
            assert next(iter(answer.lines())).startswith("data: ")
            assert notes.events == ["up"]
            assert repr(answer) == "<SyncStreamedResponse 200 of GET http://localhost/feed>"
            assert answer.context is client.context
        assert notes.events == ["up", "ended"]
        with client.stream("GET", "/feed") as answer:
            assert len(list(answer.lines())) == 2000
        with client.stream("GET", "/feed") as answer:
            assert answer.read().endswith(b"data: 999\n\n")
            assert list(answer) == []


def test_errors_pass_through_the_blocks() -> None:
    notes = Notes()
    with pytest.raises(LookupError), notes.app.test_client() as client, client.websocket("/echo"):
        raise LookupError
    assert notes.events == ["up", "left", "down"]
    with pytest.raises(LookupError), notes.app.test_client() as client, client.stream("GET", "/feed"):
        raise LookupError
    assert notes.events[-2:] == ["ended", "down"]


def test_timeouts_are_raised() -> None:
    notes = Notes()
    notes.app.config.server.shutdown_timeout = 0.01
    with notes.app.test_client() as client:
        with pytest.raises(TimeoutError, match="no response to GET /never"):
            client.get("/never", timeout=0.01)
        with client.websocket("/echo") as ws, pytest.raises(TimeoutError, match="no message on websocket /echo"):
            ws.receive(0.01)


def test_a_client_must_be_opened_exactly_once() -> None:
    client = Notes().app.test_client()
    with pytest.raises(UsageError, match=r"write `with app\.test_client\(\) as client:`"):
        client.get("/")
    with client, pytest.raises(UsageError, match="already open"):
        client.__enter__()
    with pytest.raises(UsageError, match="the test client is not open"), client.websocket("/echo"):
        pass


async def test_inside_a_running_loop_the_error_names_the_async_client() -> None:
    notes = Notes()
    with pytest.raises(UsageError, match=r"async with app\.test_client_async\(\) as client"):
        notes.app.test_client().__enter__()
    assert notes.events == []


def test_a_loop_that_runs_later_gets_the_same_error() -> None:
    with Notes().app.test_client() as client:

        async def inside() -> None:
            with pytest.raises(UsageError, match="an event loop is running here"):
                client.get("/")

        with asyncio.Runner() as runner:
            runner.run(inside())
        assert client.get("/").status == 200


def test_a_failed_startup_leaves_nothing_and_can_be_repeated() -> None:
    notes = Notes()
    failing = [True]

    @notes.app.on_startup
    def fail() -> None:
        if failing:
            raise LookupError(failing.pop())

    client = notes.app.test_client()
    with pytest.raises(LookupError):
        client.__enter__()
    with client:
        assert client.get("/").status == 200


def test_the_current_loop_of_the_thread_is_not_changed() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        with Notes().app.test_client() as client:
            client.get("/")
        assert asyncio.get_event_loop_policy().get_event_loop() is loop
    finally:
        asyncio.set_event_loop(None)
        loop.close()
