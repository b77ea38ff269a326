"""A server under attack: invariants for any behaviour of peers, and an application that records its visitors."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from emmett import App, request, websocket
from tests.integration.raw_client import connect
from tests.integration.servers import Running, gone, run_emmett
from tests.wire.frame_maker import TEXT, client_frame

LOGGERS = ("emmett", "emmett.access", "uvicorn", "uvicorn.access", "uvicorn.error")

Answer = tuple[int, dict[str, str], bytes]


class Visits(list[tuple[str, str]]):
    """The visits that reached the handlers of an application: kind and path."""


def echo_app() -> App:
    """Return an application that has an echo at `/echo`, of websockets and of bodies."""
    app = App(__name__)

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.route("/echo", methods=["post"])
    async def echo_body() -> bytes:
        return await request.body

    return app


def victim_app(visits: Visits | None = None) -> App:
    """Return an application that has those echoes, and takes websockets and requests at any other path.

    Arguments:
        visits: records the visits to any other path.
    """
    app = echo_app()
    noted = Visits() if visits is None else visits

    @app.websocket("/<any:path>")
    async def any_websocket(path: str) -> None:
        noted.append(("websocket", websocket.path))
        await websocket.accept()

    @app.route(["/", "/<any:path>"], methods=["get", "head", "post", "options"])
    async def any_request(path: str = "") -> str:
        noted.append(("request", request.path))
        return "visited"

    return app


@contextlib.asynccontextmanager
async def attacked(app: App, log: pytest.LogCaptureFixture, **options: Any) -> AsyncIterator[Running]:
    """Run the default server. After the attack nothing of it is left, and a new client is served.

    Raises:
        AssertionError: the log has a traceback or an error, which no peer may cause.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in LOGGERS:
            # Other servers in this test run may have changed the logging configuration.
            log.set_level(logging.INFO, name)
            patch.setattr(logging.getLogger(name), "propagate", True)
        async with run_emmett(app, **options) as running:
            yield running
            await gone(running)
            await check_alive(running)
            await gone(running)
    loud = [record for record in log.records if record.exc_info or record.levelno >= logging.ERROR]
    assert not loud, loud[0].getMessage()
    for record in log.records:
        assert record.getMessage().isprintable(), f"the log of {record.name} has control characters"


async def check_alive(running: Running) -> None:
    """Act as a well-behaved client, which the server must serve."""
    async with connect(running.port) as client:
        client.write(b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello")
        assert (await client.read_response())[::2] == (200, b"hello")
        await client.upgrade("/echo", behind=client_frame(TEXT, b"hello"))
        assert await client.read_frame() == (TEXT, b"hello")
        assert await client.close() == (1000, "")


async def refusal(running: Running, data: bytes) -> Answer:
    """Send bytes and return the one answer, after which the server must have closed the connection."""
    async with connect(running.port) as client:
        client.write(data)
        answer = await client.read_response()
        assert answer[1]["connection"].split(",")[0] == "close"
        assert await client.read_end() == b""
        return answer


def request_of(*fields: bytes, line: bytes = b"GET / HTTP/1.1", host: bytes | None = b"Host: localhost") -> bytes:
    """Return a request without a body."""
    lines = [line, *([host] if host is not None else []), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"
