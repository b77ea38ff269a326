"""The handles where an application uses them: in handlers, in their tasks and in hooks, and nowhere else."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest

from emmett import App, Pipe, request, response, session, websocket
from emmett.ctx import current_session, enter_request, enter_websocket
from emmett.datastructures import sdict
from emmett.errors import UsageError
from emmett.http.response import Response
from tests.asgi.peers import WebsocketPeer, fetch
from tests.http.builders import make_request
from tests.websockets.memory_connection import MemoryConnection


class LoadSession(Pipe):
    """A session with the name that the query string gives."""

    def open_request(self) -> None:
        current_session.set(sdict(user=request.query_params.user))

    def open_ws(self) -> None:
        current_session.set(sdict(user=websocket.query_params.user))


@pytest.mark.parametrize("handle", [request, response, session])
async def test_request_handles_are_unavailable_in_a_websocket_handler(handle: Any) -> None:
    messages: list[str] = []

    async def handler() -> None:
        with pytest.raises(UsageError) as error:
            _ = handle.headers
        messages.append(str(error.value))

    app = App(__name__)
    app.websocket("/")(handler)
    assert (await WebsocketPeer(app).refused())[0] == 403
    if handle is request:
        assert messages == [
            "`request` is available only while a request is handled; in a websocket handler use `websocket`"
        ]


async def test_the_websocket_handle_is_unavailable_in_a_request_handler() -> None:
    app = App(__name__)

    @app.route("/")
    async def handler() -> str:
        with pytest.raises(UsageError, match="in a request handler use `request`"):
            await websocket.receive()
        with pytest.raises(UsageError, match="in a request handler use `request`"):
            await websocket.send("x")
        return repr(websocket)

    text = (await fetch(app)).text
    assert text.startswith(
        "<`websocket` is available only while a websocket is handled; in a request handler use `request`; to reach "
        "connections from elsewhere, publish to a channel"
    )


async def test_tasks_inherit_the_handles() -> None:
    app = App(__name__)

    async def read() -> str:
        await asyncio.sleep(0)
        return f"{request.path} {session.user} {response.status}"

    @app.route("/<str:name>", pipeline=[LoadSession()])
    async def handler(name: str) -> str:
        response.status = 202
        return " | ".join(await asyncio.gather(read(), asyncio.create_task(read()), asyncio.to_thread(repr, request)))

    answer = await fetch(app, "/a?user=ada")
    assert answer.text == "/a ada 202 | /a ada 202 | <Request GET '/a'>"


async def test_each_connection_has_its_own_handles() -> None:
    app = App(__name__)
    meet = asyncio.Barrier(4)

    async def tell() -> str:
        await meet.wait()
        handle: Any = websocket if session.kind == "websocket" else request
        return f"{handle.path} {session.user}"

    @app.route("/<str:name>", name="request", pipeline=[LoadSession()])
    async def answer(name: str) -> str:
        session.kind = "request"
        return await asyncio.create_task(tell())

    @app.websocket("/<str:name>", name="websocket", pipeline=[LoadSession()])
    async def talk(name: str) -> None:
        session.kind = "websocket"
        await websocket.send(await asyncio.create_task(tell()))

    peers = [WebsocketPeer(app, f"/{name}?user={name}") for name in "ab"]
    answers = [asyncio.create_task(fetch(app, f"/{name}?user={name}")) for name in "cd"]
    assert [await peer.receive() for peer in peers] == ["/a a", "/b b"]
    assert [(await answer).text for answer in answers] == ["/c c", "/d d"]
    for peer in peers:
        assert await peer.closed() == (1000, "")


async def test_no_handle_is_available_after_the_request() -> None:
    app = App(__name__)
    app.route("/", name="index", pipeline=[LoadSession()])(lambda: session.user)
    task = asyncio.create_task(fetch(app, "/?user=ada"))
    assert (await task).text == "ada"
    for handle in (request, response, session, websocket):
        with pytest.raises(UsageError):
            getattr(handle, "headers")  # noqa: B009 - not every handle has it


def test_a_request_in_a_reused_context_sees_nothing_of_the_previous_one() -> None:
    """A server may start it in the context of the previous request on the connection (cpython issue 140947)."""

    def run() -> None:
        for path in ("/one", "/two"):
            enter_request(make_request(path=path), Response())
            assert request.path == path
            with pytest.raises(UsageError, match="inside a session pipe"):
                _ = session.user
            current_session.set(sdict(user="ada"))
        connection = asyncio.run(make_connection())
        enter_websocket(connection.websocket)
        assert websocket.path == "/"
        for handle in (request, response, session):
            with pytest.raises(UsageError):
                getattr(handle, "headers")  # noqa: B009 - not every handle has it

    contextvars.Context().run(run)


async def make_connection() -> MemoryConnection:
    return MemoryConnection()


async def test_handles_work_in_hooks() -> None:
    seen: list[str] = []

    class Watch(Pipe):
        async def open(self) -> None:
            seen.append("open")

        def on_receive(self, data: Any, /) -> Any:
            seen.append(f"{data} at {websocket.path}")
            return data

        def close_ws(self) -> None:
            seen.append(f"closed with {websocket.close_code}")

        def close_request(self) -> None:
            seen.append(f"{request.method} {response.status}")

    app = App(__name__)
    app.pipeline = [Watch()]

    @app.route("/", name="request")
    async def answer() -> None:
        response.status = 202

    @app.websocket("/", name="websocket")
    async def listen() -> None:
        async for _ in websocket:
            pass

    await fetch(app)
    peer = WebsocketPeer(app)
    peer.send("x")
    await peer.accepted()
    peer.leave(4000)
    await peer.ended()
    assert seen == ["open", "GET 202", "open", "x at /", "closed with 4000"]


async def test_the_websocket_handle_does_what_the_connection_does() -> None:
    app = App(__name__)

    @app.websocket("/")
    async def talk() -> None:
        await websocket.accept()
        assert await websocket.receive_json() == {"a": 1}
        await websocket.send_json([websocket.accepted, websocket.closed])
        websocket.send_nowait("now")
        async for message in websocket:
            await websocket.send(message)
            await websocket.close(4000, "enough")
        assert websocket.connection.closed

    peer = WebsocketPeer(app)
    peer.send('{"a":1}', "x")
    assert [await peer.receive() for _ in range(3)] == ["[true,false]", "now", "x"]
    assert await peer.closed() == (4000, "enough")


async def test_a_response_is_changed_through_its_handle() -> None:
    app = App(__name__)

    @app.route("/")
    async def answer() -> None:
        response.headers["X-A"] = "1"
        response.content_type = "text/plain"
        response.body = "body"
        response.cookies["a"] = "1"
        del response.cookies["a"]

    result = await fetch(app)
    assert (result.text, result.header("x-a"), result.header("content-type")) == ("body", "1", "text/plain")
    assert result.header("set-cookie") is None


def test_the_session_is_a_mapping() -> None:
    def use() -> None:
        current_session.set(sdict())
        assert not session
        assert list(session) == []
        session.user = "ada"
        session["role"] = "admin"
        assert session
        assert (len(session), list(session), dict(session)) == (2, ["user", "role"], {"user": "ada", "role": "admin"})
        assert session.get("missing", "default") == "default"
        assert list(session.items()) == [("user", "ada"), ("role", "admin")]
        assert repr(session) == "{'user': 'ada', 'role': 'admin'}"

    contextvars.Context().run(use)


def test_every_use_of_the_session_outside_says_so() -> None:
    for ask in (
        lambda: list(session),
        lambda: len(session),
        lambda: bool(session),
        lambda: "user" in session,
        lambda: session["user"],
    ):
        with pytest.raises(UsageError, match="inside a session pipe"):
            ask()
