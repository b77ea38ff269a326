"""Observers: the events they get from a running application, and that their errors do no harm."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, Channels, abort, websocket
from emmett.observers import (
    EVENTS,
    BrokerEvent,
    ChannelEvent,
    Observer,
    Observers,
    RequestEnded,
    WebsocketEnded,
    WebsocketOpened,
    notify,
)
from emmett.testing import Faults
from tests.asgi.peers import fetch


class Recorder(Observer):
    """Keeps everything, under the name of its event."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def names(self) -> list[str]:
        return [name for name, _ in self.seen]

    def of(self, name: str) -> list[Any]:
        return [event for each, event in self.seen if each == name]


def _recording(name: str) -> Any:
    def record(self: Recorder, event: Any) -> None:
        self.seen.append((name, event))

    return record


for _name in EVENTS:
    setattr(Recorder, _name, _recording(_name))


class Requests(Observer):
    def request_ended(self, event: RequestEnded) -> None:
        raise LookupError("a mistake")


def test_only_methods_that_are_overridden_are_called() -> None:
    observers = Observers([Requests()])
    assert len(observers.request_ended) == 1
    assert not any(getattr(observers, name) for name in EVENTS if name != "request_ended")
    recorder = Recorder()
    observers.add(recorder)
    assert len(observers.request_ended) == 2
    assert all(getattr(observers, name) for name in EVENTS)
    assert list(observers)[1] is recorder


def test_every_event_of_an_observer_is_listed() -> None:
    assert {name for name in vars(Observer) if not name.startswith("_")} == {*EVENTS, "counts_bytes"}
    assert set(EVENTS) <= set(vars(Observers))


@pytest.mark.parametrize("observer", [object(), Observer, None])
def test_non_observers_are_refused(observer: Any) -> None:
    with pytest.raises(TypeError, match="is not an observer: expected an instance of a subclass of"):
        Observers().add(observer)


def test_a_failing_observer_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    observers = Observers([Requests(), recorder])
    notify(observers.request_ended, RequestEnded("GET", "/", "", "1.1", None, None, 200, True, 0.0))
    assert recorder.names() == ["request_ended"]
    assert [record.getMessage() for record in caplog.records] == ["an observer failed on RequestEnded"]


def make_app(*observers: Observer) -> App:
    app = App(__name__)
    for observer in observers:
        app.observers.add(observer)

    @app.route("/hello/<str:name>")
    async def hello(name: str) -> str:
        if name == "nobody":
            abort(404)
        return name

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/refused")
    async def refused() -> None:
        abort(401)

    return app


async def test_observers_see_requests() -> None:
    recorder, other = Recorder(), Recorder()
    async with make_app(recorder, other).test_client_async() as client:
        await client.get("/hello/ada?token=x")
        await client.get("/hello/nobody")
        await client.get("/nowhere")
    events = recorder.of("request_ended")
    assert [(event.path, event.query, event.status, event.complete) for event in events] == [
        ("/hello/ada", "token=x", 200, True),
        ("/hello/nobody", "", 404, True),
        ("/nowhere", "", 404, True),
    ]
    assert events[0].route is not None
    assert events[0].route.endswith("hello")
    assert events[2].route is None
    assert all(event.seconds >= 0 and event.client is not None for event in events)
    assert other.of("request_ended") == events


async def test_observers_see_that_the_client_of_a_request_left() -> None:
    recorder = Recorder()
    app = make_app(recorder)
    started = asyncio.Event()

    @app.route("/poll", disconnect_grace=0.001)
    async def poll() -> str:
        started.set()
        await asyncio.get_running_loop().create_future()
        return "never"

    async with app.test_client_async() as client:
        connection = client.server.connect()
        connection.write(b"GET /poll HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await started.wait()
        connection.close()
        for _ in range(5):
            await asyncio.sleep(0)
        await client.server.sweep(1.0)
    (event,) = recorder.of("request_ended")
    assert (event.status, event.complete) == (None, False)


async def test_observers_see_websockets() -> None:
    recorder = Recorder()
    async with make_app(recorder).test_client_async() as client:
        async with client.websocket("/echo?ticket=x") as peer:
            await peer.send("hello")
            await peer.receive()
        connection = client.server.connect()
        connection.write(b"GET /refused HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.close()
    (opened,) = recorder.of("websocket_opened")
    assert isinstance(opened, WebsocketOpened)
    assert (opened.path, opened.query, opened.subprotocol) == ("/echo", "ticket=x", None)
    (ended,) = recorder.of("websocket_ended")
    assert isinstance(ended, WebsocketEnded)
    assert (ended.number, ended.route, ended.client) == (opened.number, opened.route, opened.client)
    assert (ended.target, ended.query, ended.status, ended.code) == ("/echo", "ticket=x", 101, 1000)
    assert (ended.received, ended.sent) == (1, 1)
    assert (ended.bytes_received, ended.bytes_sent) == (None, None)


async def test_observers_see_a_refused_handshake() -> None:
    recorder = Recorder()
    async with make_app(recorder).test_client_async() as client:
        with pytest.raises(Exception, match="401"):
            async with client.websocket("/refused"):
                pass
    assert recorder.names() == ["websocket_started", "websocket_ended"]
    (ended,) = recorder.of("websocket_ended")
    assert (ended.status, ended.code, ended.received, ended.sent) == (401, None, 0, 0)


async def test_bytes_are_counted_when_an_observer_asks() -> None:
    class Counting(Recorder):
        counts_bytes = True

    recorder = Counting()
    async with make_app(recorder).test_client_async() as client, client.websocket("/echo") as peer:
        await peer.send("x" * 1000)
        await peer.receive()
    (ended,) = recorder.of("websocket_ended")
    # A message of 1,000 bytes and a Close frame with a code, each with header and mask. Response 101 counts as sent.
    assert ended.bytes_received == 1000 + 8 + 2 + 6
    assert ended.bytes_sent > 1000 + 4 + 4
    assert ended.code == 1000


async def test_observers_see_channels() -> None:
    recorder = Recorder()
    app = make_app(recorder)
    channels = Channels(app, "memory")
    async with app.test_client_async(), channels.subscribe("room"):
        pass
    assert recorder.names() == ["channel_subscribed", "channel_unsubscribed"]
    assert recorder.of("channel_subscribed") == [ChannelEvent("room", 1)]
    assert recorder.of("channel_unsubscribed") == [ChannelEvent("room", 0)]


async def test_observers_see_the_state_of_the_broker() -> None:
    recorder = Recorder()
    app = make_app(recorder)
    channels = Channels(app, "memory")
    async with app.test_client_async(), channels.subscribe("room"):
        assert channels._running is not None
        channels._running.hub.lost(None)
        channels._running.hub.restored(None)
    assert recorder.of("broker_lost") == recorder.of("broker_restored") == [BrokerEvent(1)]


async def test_observers_see_requests_over_asgi() -> None:
    recorder = Recorder()
    app = make_app(recorder)
    await fetch(app, "/hello/ada?token=x")
    await fetch(app, "/nowhere")
    events = recorder.of("request_ended")
    assert [(event.path, event.status, event.complete, event.route is None) for event in events] == [
        ("/hello/ada", 200, True, False),
        ("/nowhere", 404, True, True),
    ]


async def test_observers_see_a_slow_subscriber() -> None:
    recorder = Recorder()
    app = make_app(recorder)
    channels = Channels(app, "memory")
    channels.namespace("", slow="disconnect", queue_messages=1)
    async with app.test_client_async(), channels.subscribe("room"):
        for number in range(3):
            await channels.publish("room", str(number))
        for _ in range(20):
            await asyncio.sleep(0)
    (event,) = recorder.of("slow_consumer")
    assert (event.kind, event.channel) == ("subscriber", "room")


async def test_observers_see_a_response_that_is_not_read() -> None:
    recorder = Recorder()
    app = make_app(recorder)

    @app.route("/large")
    async def large() -> bytes:
        return b"x" * 1_000_000

    async with app.test_client_async() as client:
        connection = client.server.connect(faults=Faults(window=1000))
        connection.write(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(20):
            await asyncio.sleep(0)
        await client.server.sweep(31.0)
    (event,) = recorder.of("slow_consumer")
    assert (event.kind, event.reason) == ("request", "it made no progress with its response in 30 s")
