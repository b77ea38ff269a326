"""What observers learn when a handler begins, in its own context, and of how it failed."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest

from emmett import App, WebsocketClosed, abort, stream, websocket
from emmett.observers import Observer
from tests.asgi.peers import fetch

variable: ContextVar[str] = ContextVar("variable", default="unset")


class Recorder(Observer):
    def __init__(self) -> None:
        self.seen: list[Any] = []

    def request_started(self, event: Any) -> None:
        self.seen.append(event)
        variable.set(event.path)

    def request_ended(self, event: Any) -> None:
        self.seen.append(event)

    websocket_started = request_started
    websocket_ended = request_ended


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def app(recorder: Recorder) -> App:
    app = App(__name__)
    app.observers.add(recorder)

    @app.route("/variable")
    async def show() -> str:
        return variable.get()

    @app.route("/broken")
    async def broken() -> str:
        raise LookupError("a mistake")

    @app.route("/forbidden")
    async def forbidden() -> str:
        abort(403)

    @app.route("/half")
    async def half() -> Any:
        async def chunks() -> Any:
            yield "a"
            raise LookupError("a mistake")

        return stream(chunks())

    @app.websocket("/socket")
    async def socket() -> None:
        await websocket.send(variable.get())

    @app.websocket("/broken")
    async def broken_socket() -> None:
        await websocket.accept()
        raise LookupError("a mistake")

    return app


async def test_a_variable_that_an_observer_sets_is_set_in_the_handler(app: App, recorder: Recorder) -> None:
    async with app.test_client_async() as client:
        response = await client.get("/variable?a=b")
        assert response.text == "/variable"
        async with client.websocket("/socket") as peer:
            assert await peer.receive() == "/socket"
    started, ended, opened, closed = recorder.seen
    assert started.key is ended.key
    assert opened.key is closed.key
    assert (started.method, started.scheme, started.query, started.route) == ("GET", "http", "a=b", ended.route)
    assert started.headers.get("host") == "localhost"
    assert (opened.scheme, opened.route) == ("ws", closed.route)
    assert ended.error is closed.error is None


@pytest.mark.parametrize(("path", "failed"), [("/broken", True), ("/forbidden", False), ("/half", True)])
async def test_observers_see_how_a_request_failed(app: App, recorder: Recorder, path: str, failed: bool) -> None:
    async with app.test_client_async() as client:
        connection = client.server.connect()
        connection.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        while await connection.read():
            pass
    event = recorder.seen[-1]
    assert isinstance(event.error, LookupError) is failed
    assert event.key.failure is None


async def test_observers_see_how_a_request_over_asgi_failed(app: App, recorder: Recorder) -> None:
    await fetch(app, "/broken")
    with pytest.raises(LookupError):
        await fetch(app, "/half")
    assert all(isinstance(event.error, LookupError) for event in recorder.seen[1::2])
    assert len(recorder.seen) == 4


async def test_observers_see_a_request_without_a_route(app: App, recorder: Recorder) -> None:
    await fetch(app, "/nowhere")
    started, ended = recorder.seen
    assert (started.route, ended.route, ended.status) == (None, None, 404)


async def test_observers_see_how_a_websocket_failed(app: App, recorder: Recorder) -> None:
    async with app.test_client_async() as client, client.websocket("/broken") as peer:
        with pytest.raises(WebsocketClosed):
            await peer.receive()
    event = recorder.seen[-1]
    assert isinstance(event.error, LookupError)
    assert (event.code, event.key.failure) == (1011, None)
