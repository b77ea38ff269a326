"""Clients that leave while their requests are handled, over ASGI."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, request
from emmett.asgi import departure
from tests.asgi.peers import fetch, http_scope


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask the server at once whether the client has left."""
    monkeypatch.setattr(departure, "WATCH_AFTER", 0.0)


class Visit:
    """A request whose client leaves when the test wants it to."""

    def __init__(self, app: App) -> None:
        self.gone = asyncio.Event()
        self.sent: list[Any] = []
        self._asked = False
        self._incoming = [{"type": "http.request", "body": b"", "more_body": False}]
        self.task = asyncio.create_task(self._run(app))

    async def _run(self, app: App) -> None:
        await app(http_scope(target="/poll"), self._receive, self._send)

    async def _receive(self) -> dict[str, Any]:
        assert not self._asked, "asked twice at once"
        self._asked = True
        try:
            if self._incoming:
                return self._incoming.pop(0)
            await self.gone.wait()
            return {"type": "http.disconnect"}
        finally:
            self._asked = False

    async def _send(self, message: Any) -> None:
        if self.gone.is_set():
            raise OSError
        self.sent.append(message)


def polls(**options: Any) -> tuple[App, asyncio.Event, list[str]]:
    app = App(__name__)
    started, notes = asyncio.Event(), list[str]()

    @app.route("/poll", **options)
    async def poll() -> str:
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            notes.append("cancelled")
            raise
        return "never"

    return app, started, notes


async def test_a_handler_is_cancelled_after_the_grace_and_the_server_sees_no_error() -> None:
    app, started, notes = polls(disconnect_grace=0.001)
    visit = Visit(app)
    await started.wait()
    assert not notes
    visit.gone.set()
    await visit.task
    assert notes == ["cancelled"]
    assert not visit.sent


async def test_a_route_without_a_grace_runs_to_its_end() -> None:
    app, started, notes = polls(disconnect_grace=None)
    visit = Visit(app)
    await started.wait()
    visit.gone.set()
    for _ in range(50):
        await asyncio.sleep(0)
    assert not notes
    # The server can still cancel the request itself.
    visit.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await visit.task


async def test_a_handler_that_swallows_its_cancellation_is_cancelled_again() -> None:
    app = App(__name__)
    started, cancelled = asyncio.Event(), list[int]()

    @app.route("/poll", disconnect_grace=0.001)
    async def stubborn() -> str:
        started.set()
        while len(cancelled) < 3:
            try:
                await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                cancelled.append(1)
        return "at last"

    visit = Visit(app)
    await started.wait()
    visit.gone.set()
    await visit.task
    assert len(cancelled) == 3
    assert not visit.task.cancelling() or visit.task.done()


async def test_a_handler_can_wait_for_its_client_to_leave() -> None:
    app = App(__name__)
    waiting = asyncio.Event()
    ended: list[str] = []

    @app.route("/poll")
    async def poll() -> str:
        assert await request.body == b""
        waiting.set()
        await request.wait_disconnected()
        await request.wait_disconnected()
        ended.append("gone")
        return "to nobody"

    visit = Visit(app)
    await waiting.wait()
    assert not ended
    visit.gone.set()
    await visit.task
    assert ended == ["gone"]


async def test_a_task_waiting_for_the_departure_ends_with_the_response() -> None:
    app = App(__name__)
    tasks: list[asyncio.Task[None]] = []

    @app.route("/")
    async def index() -> str:
        tasks.append(asyncio.create_task(request.wait_disconnected()))
        await asyncio.sleep(0)
        return "answered"

    assert (await fetch(app)).text == "answered"
    await tasks[0]
