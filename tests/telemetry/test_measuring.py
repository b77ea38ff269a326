"""How events become measurements."""

from __future__ import annotations

import pytest

from emmett import App, Channels, abort, websocket
from emmett.datastructures import Headers
from emmett.observers import (
    BrokerEvent,
    ChannelGap,
    RequestEnded,
    SendStalled,
    SlowConsumer,
    WebsocketCounts,
    WebsocketEnded,
    WebsocketOpened,
    WebsocketStarted,
)
from emmett.telemetry import instruments as measured
from emmett.telemetry.instruments import Instrument
from emmett.telemetry.measuring import BATCH, MAX_CODES, Measuring


class Sums:
    """A sink that adds everything up."""

    def __init__(self) -> None:
        self.sums: dict[tuple[Instrument, tuple[str, ...]], float] = {}
        self.values: list[tuple[Instrument, tuple[str, ...], float]] = []

    def add(self, instrument: Instrument, labels: tuple[str, ...], amount: float) -> None:
        assert instrument.kind != "counter" or amount >= 0
        self.sums[instrument, labels] = self.sums.get((instrument, labels), 0) + amount

    def record(self, instrument: Instrument, labels: tuple[str, ...], value: float) -> None:
        self.values.append((instrument, labels, value))

    def of(self, instrument: Instrument) -> dict[tuple[str, ...], float]:
        return {labels: value for (each, labels), value in self.sums.items() if each is instrument and value}

    def recorded(self, instrument: Instrument) -> list[tuple[str, ...]]:
        return [labels for each, labels, _ in self.values if each is instrument]


def make() -> tuple[Measuring, Sums]:
    sums = Sums()
    return Measuring(sums, lambda: {"app.echo": "/echo"}, False), sums


async def test_events_of_an_application_are_measured() -> None:
    app, sums = App(__name__), Sums()
    measuring = Measuring(sums, lambda: {route.name: route.path for route in app.routes}, True)
    app.observers.add(measuring)
    channels = Channels(app, "memory")

    @app.route("/hello/<str:name>")
    async def hello(name: str) -> str:
        return name

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/refused")
    async def refused() -> None:
        abort(401)

    @app.websocket("/broken")
    async def broken() -> None:
        await websocket.accept()
        raise LookupError

    async with app.test_client_async() as client:
        await client.get("/hello/ada")
        await client.get("/nowhere")
        async with client.websocket("/echo") as peer:
            await peer.send("abc")
            await peer.receive()
            assert sums.of(measured.CONNECTIONS) == {("/echo", "open"): 1}
            await measuring.count_open()
            assert sums.of(measured.MESSAGES) == {("/echo", "received"): 1, ("/echo", "sent"): 1}
            await peer.send("abc")
            await peer.receive()
        for path in ("/refused", "/broken"):
            try:
                async with client.websocket(path) as peer:
                    await peer.receive()
            except Exception:
                pass
        async with channels.subscribe("room") as feed, channels.subscribe("room"):
            await channels.publish("room", "x")
            await anext(feed)
            assert sums.of(measured.SUBSCRIPTIONS) == {(): 2}
    assert sums.recorded(measured.REQUESTS) == [("GET", "/hello/<str:name>", "200"), ("GET", "", "404")]
    assert sums.of(measured.ACTIVE_REQUESTS) == {}
    assert sums.of(measured.CONNECTIONS) == {}
    assert sums.of(measured.HANDSHAKES) == {("/echo", "101"): 1, ("/refused", "401"): 1, ("/broken", "101"): 1}
    assert sums.of(measured.CLOSES) == {("/echo", "1000"): 1, ("/broken", "1011"): 1}
    assert sums.of(measured.REFUSALS) == {("/refused", "application"): 1}
    assert sums.of(measured.FAILURES) == {("/broken",): 1}
    assert sums.of(measured.MESSAGES) == {("/echo", "received"): 2, ("/echo", "sent"): 2}
    assert sums.of(measured.BYTES)["/echo", "received"] == 2 * (3 + 6) + 2 + 6
    assert sorted(sums.recorded(measured.DURATIONS)) == [("/broken",), ("/echo",)]
    assert sums.of(measured.PUBLICATIONS) == {("ok",): 1}
    assert sums.of(measured.DELIVERIES) == {(): 2}
    assert len(sums.recorded(measured.DELIVERING)) == len(sums.recorded(measured.PUBLISHING)) == 1
    assert sums.of(measured.SUBSCRIPTIONS) == {}


def test_failures_are_measured() -> None:
    measuring, sums = make()
    measuring.send_stalled(SendStalled(None, "app.echo", None))
    measuring.slow_consumer(SlowConsumer("websocket", None, None, None, "it does not read", cause="send_timeout"))
    measuring.channel_gap(ChannelGap("room", True))
    measuring.channel_gap(ChannelGap("room", False))
    measuring.broker_lost(BrokerEvent(1))
    measuring.broker_lost(BrokerEvent(1))
    assert sums.of(measured.BROKER_AWAY) == {(): 1}
    measuring.broker_restored(BrokerEvent(1))
    measuring.broker_restored(BrokerEvent(1))
    assert sums.of(measured.BROKER_AWAY) == {}
    assert sums.of(measured.BROKER_LOSSES) == {(): 2}
    assert sums.of(measured.STALLS) == {("/echo",): 1}
    assert sums.of(measured.DROPS) == {("websocket", "send_timeout"): 1}
    assert sums.of(measured.GAPS) == {("healed",): 1, ("reported",): 1}


REFUSED = [
    # Status, route, whether the handler ran, whether it failed, and the cause.
    (401, "app.echo", True, False, "application"),
    (403, "app.echo", True, False, "application"),
    (503, "app.echo", True, False, "unanswered"),
    (500, "app.echo", True, True, "failure"),
    (None, "app.echo", True, False, "left"),
    (404, None, False, False, "no_route"),
    (421, None, False, False, "host"),
    (403, "app.echo", False, False, "origin"),
    (503, "app.echo", False, False, "overload"),
    (426, None, False, False, "invalid"),
]


@pytest.mark.parametrize(("status", "route", "has_run", "failed", "cause"), REFUSED)
def test_refusals_have_a_cause(status: int | None, route: str | None, has_run: bool, failed: bool, cause: str) -> None:
    measuring, sums = make()
    if has_run:
        assert route is not None
        measuring.websocket_started(WebsocketStarted("key", "ws", "/echo", "", None, route, Headers([])))
    error = LookupError() if failed else None
    measuring.websocket_ended(
        WebsocketEnded(1, "/echo", "/echo", "", None, route, status, None, "", 1.0, 0, 0, None, None, "key", error)
    )
    assert sums.of(measured.REFUSALS) == {("/echo" if route else "", cause): 1}
    assert sums.of(measured.CONNECTIONS) == {}


async def test_waiting_messages_are_measured() -> None:
    measuring, sums = make()
    waiting = [3]
    opened = WebsocketOpened(1, "/echo", "", None, "app.echo", None, "key", waiting=lambda: waiting[0])
    measuring.websocket_opened(opened)
    await measuring.count_open()
    assert sums.of(measured.WAITING) == {("/echo",): 3}
    waiting[0] = 1
    await measuring.count_open()
    assert sums.of(measured.WAITING) == {("/echo",): 1}
    measuring.websocket_ended(
        WebsocketEnded(1, "/echo", "/echo", "", None, "app.echo", 101, 1000, "", 1.0, 0, 0, None, None, "key")
    )
    assert sums.of(measured.WAITING) == {}
    measuring.note_channels(5, 2)
    measuring.note_channels(4, 3)
    assert sums.of(measured.QUEUED) == {(): 4}
    assert sums.of(measured.DROPPED) == {(): 3}


def test_peers_cannot_create_unlimited_labels() -> None:
    measuring, sums = make()
    for code in range(4000, 4000 + MAX_CODES + 10):
        measuring.websocket_opened(WebsocketOpened(code, "/echo", "", None, "app.echo", None, code))
        measuring.websocket_ended(
            WebsocketEnded(code, "/echo", "/echo", "", None, "app.echo", 101, code, "", 1.0, 0, 0, None, None, code)
        )
    assert len(sums.of(measured.CLOSES)) == MAX_CODES + 1
    assert sums.of(measured.CLOSES)["/echo", "_OTHER"] == 10
    for method in ("GET", "BREW", "STEEP"):
        measuring.request_ended(RequestEnded(method, "/", "", "1.1", None, None, None, False, 0.1))
    assert sums.recorded(measured.REQUESTS) == [("GET", "", ""), ("_OTHER", "", ""), ("_OTHER", "", "")]


async def test_counting_many_open_websockets_does_not_block_the_loop() -> None:
    measuring, _ = make()
    counted = 0
    per_turn: list[int] = []

    def count() -> WebsocketCounts:
        nonlocal counted
        counted += 1
        return WebsocketCounts(1, 1)

    for number in range(3 * BATCH):
        measuring.websocket_opened(WebsocketOpened(number, "/", "", None, "app.echo", None, number, count))
    counting = measuring.count_open()
    try:
        while True:
            before = counted
            counting.send(None)
            per_turn.append(counted - before)
    except StopIteration:
        pass
    assert per_turn == [BATCH] * 3


def test_gauges_of_samples_follow_them() -> None:
    measuring, sums = make()
    for held in (100, 300, 50):
        measuring.note_held(held)
    measuring.note_lag(-0.1)
    measuring.note_lag(0.5)
    assert sums.of(measured.HELD) == {(): 50}
    assert [value for _, _, value in sums.values] == [0.0, 0.5]
