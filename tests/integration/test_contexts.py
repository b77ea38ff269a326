"""A request does not see the context of an earlier one on its connection, which may be another visitor's."""

from __future__ import annotations

from contextvars import ContextVar

import pytest

from emmett import App, Pipe, request, session, websocket
from emmett.ctx import current_session
from emmett.datastructures import sdict
from tests.integration.raw_client import RawClient, connect, upgrade_request
from tests.integration.servers import run_emmett
from tests.wire.frame_maker import TEXT

pytestmark = pytest.mark.loops("asyncio", "uvloop")

BODY = b"x" * 500_000

# A context variable of the application.
trail: ContextVar[str] = ContextVar("trail", default="-")


class LogIn(Pipe):
    def open_request(self) -> None:
        current_session.set(sdict(user="ada"))


def make_app() -> App:
    app = App(__name__)

    @app.route("/account", pipeline=[LogIn()], methods=["get", "post"])
    async def account() -> str:
        trail.set("account")
        # A large body makes uvicorn pause and then resume reading, which happens in this task.
        return f"{session.user} {len(await request.body)}"

    def seen() -> str:
        handles = ["-" if repr(handle).startswith("<`") else repr(handle) for handle in (request, session)]
        return " ".join([*handles, trail.get()])

    @app.route("/page")
    async def page() -> str:
        return seen()

    @app.websocket("/live")
    async def live() -> None:
        await websocket.send(seen())

    return app


def head(method: str, path: str, length: int = 0) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


async def texts(client: RawClient, number: int) -> list[str]:
    return [(await client.read_response())[2].decode() for _ in range(number)]


async def test_pipelined_requests_have_separate_contexts() -> None:
    async with run_emmett(make_app()) as running, connect(running.port) as client:
        client.write(head("GET", "/account") + head("GET", "/page") + head("GET", "/account") + head("GET", "/page"))
        page = "<Request GET '/page'> - -"
        assert await texts(client, 4) == ["ada 0", page, "ada 0", page]


async def test_successive_requests_have_separate_contexts() -> None:
    async with run_emmett(make_app()) as running, connect(running.port) as client:
        client.write(head("POST", "/account", len(BODY)) + BODY)
        assert await texts(client, 1) == [f"ada {len(BODY)}"]
        client.write(head("GET", "/page"))
        assert await texts(client, 1) == ["<Request GET '/page'> - -"]


async def test_a_websocket_after_a_request_has_its_own_context() -> None:
    async with run_emmett(make_app()) as running, connect(running.port) as client:
        client.write(head("POST", "/account", len(BODY)) + BODY)
        assert await texts(client, 1) == [f"ada {len(BODY)}"]
        await client.upgrade("/live")
        assert await client.read_frame() == (TEXT, b"- - -")


async def test_a_pipelined_websocket_has_its_own_context() -> None:
    async with run_emmett(make_app()) as running, connect(running.port) as client:
        client.write(head("GET", "/account") + upgrade_request("/live"))
        assert await texts(client, 1) == ["ada 0"]
        assert (await client.read_head())[0] == 101
        assert await client.read_frame() == (TEXT, b"- - -")
