"""What observers learn of websockets over ASGI."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from emmett import App, abort, websocket
from emmett.asgi.observed import make_meter
from emmett.observers import Observer, Observers
from tests.asgi.peers import WebsocketPeer, websocket_scope


class Recorder(Observer):
    counts_bytes = True

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def websocket_started(self, event: Any) -> None:
        self.seen.append(("started", event))

    def websocket_opened(self, event: Any) -> None:
        self.seen.append(("opened", event))

    def websocket_ended(self, event: Any) -> None:
        self.seen.append(("ended", event))

    def slow_consumer(self, event: Any) -> None:
        self.seen.append(("slow", event))


def make_app(**settings: Any) -> tuple[App, Recorder]:
    app, recorder = App(__name__), Recorder()
    app.observers.add(recorder)

    @app.websocket("/echo", **settings)
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/flood", **settings)
    async def flood() -> None:
        await websocket.accept()
        for _ in range(10):
            websocket.send_nowait("x" * 100)

    @app.websocket("/refused")
    async def refused() -> None:
        abort(401)

    @app.websocket("/broken")
    async def broken() -> None:
        await websocket.accept()
        raise LookupError("a mistake")

    return app, recorder


async def test_observers_see_a_websocket_from_its_handshake_to_its_end() -> None:
    app, recorder = make_app()
    peer = WebsocketPeer(app, "/echo?ticket=x")
    await peer.accepted()
    peer.send("é", b"abc")
    assert [await peer.receive(), await peer.receive()] == ["é", b"abc"]
    peer.leave(4001, "bye")
    await peer.ended()
    assert [name for name, _ in recorder.seen] == ["started", "opened", "ended"]
    started, opened, ended = (event for _, event in recorder.seen)
    assert started.key is opened.key is ended.key
    assert (started.path, started.headers.get("host")) == ("/echo", "localhost")
    assert (opened.number, opened.path, opened.query) == (ended.number, "/echo", "ticket=x")
    assert opened.route == ended.route
    assert ended.route.endswith("echo")
    assert (ended.status, ended.code, ended.reason, ended.error) == (101, 4001, "bye", None)
    assert (ended.received, ended.sent, ended.bytes_received, ended.bytes_sent) == (2, 2, 5, 5)
    assert ended.target == "/echo"
    assert ended.seconds >= 0


@pytest.mark.parametrize(
    ("path", "changes", "status"),
    [
        ("/refused", {}, 401),
        ("/nowhere", {}, 404),
        ("/nowhere", {"extensions": {}}, 403),
    ],
)
async def test_observers_see_a_refused_handshake(path: str, changes: dict[str, Any], status: int) -> None:
    app, recorder = make_app()
    peer = WebsocketPeer(app, path, **changes)
    while await peer.next() is not None:
        pass
    name, event = recorder.seen[-1]
    assert (name, event.status, event.code, event.received) == ("ended", status, None, 0)


async def test_observers_see_a_request_for_a_host_that_is_not_served() -> None:
    app, recorder = make_app()
    app.config.server.allowed_hosts = ["example.com"]
    peer = WebsocketPeer(app, "/echo")
    assert (await peer.refused())[0] == 421
    ((name, event),) = recorder.seen
    assert (name, event.status, event.route) == ("ended", 421, None)


async def test_observers_see_a_failed_handler() -> None:
    app, recorder = make_app()
    peer = WebsocketPeer(app, "/broken")
    await peer.accepted()
    await peer.closed()
    event = recorder.seen[-1][1]
    assert isinstance(event.error, LookupError)
    assert event.code == 1011
    assert event.key.failure is None


async def test_observers_see_a_peer_that_does_not_keep_up() -> None:
    app, recorder = make_app(write_limit=250)
    peer = WebsocketPeer(app, "/flood")
    await peer.accepted()
    with contextlib.suppress(AssertionError):
        await peer.ended()
    slow = [event for name, event in recorder.seen if name == "slow"]
    assert [(event.kind, event.reason) for event in slow] == [("websocket", "it has not taken 250 bytes")]


async def test_nothing_is_counted_without_observers() -> None:
    async def unused(*_: Any) -> Any: ...

    assert make_meter(Observers(), websocket_scope(), unused, unused) is None
