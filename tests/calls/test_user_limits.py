import asyncio
import logging
from typing import Any

import pytest

from emmett import App, Channels, websocket
from emmett.calls.calls import Calls
from emmett.calls.limits import Rate
from emmett.calls.user_limits import BROKER_PAUSE, BROKER_TIMEOUT, UserLimits
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.errors import CallError, WebsocketClosed

RATE = Rate(2, 600.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class SlowBroker(MemoryBroker):
    """Does not answer while `is_slow`."""

    is_slow = False
    asked = 0

    async def take(self, bucket: str, calls: int, period: float) -> float:
        self.asked += 1
        if self.is_slow:
            await asyncio.Event().wait()
        return await super().take(bucket, calls, period)


async def allowed(limits: UserLimits, count: int, user: str = "ada", method: str = "add") -> list[bool]:
    return [await limits.take(user, method, RATE) == 0.0 for _ in range(count)]


async def test_without_channels_each_process_counts_for_itself() -> None:
    limits = UserLimits("calls", Clock(), lambda: None)
    assert await allowed(limits, 3) == [True, True, False]
    assert await allowed(limits, 1, "bob") == [True]
    assert await allowed(limits, 1, "ada", "sub") == [True]


async def test_nodes_share_the_limit() -> None:
    bus = MemoryBus()
    async with Channels(broker=MemoryBroker(bus)) as one, Channels(broker=MemoryBroker(bus)) as other:
        first, second = (UserLimits("calls", Clock(), lambda each=each: each) for each in (one, other))  # type: ignore[misc]
        assert await allowed(first, 1) == [True]
        assert await allowed(second, 2) == [True, False]
        assert await allowed(first, 1) == [False]
        # Another route counts separately, and so does another rate for the same method.
        assert await allowed(UserLimits("other", Clock(), lambda: one), 1) == [True]
        assert await first.take("ada", "add", Rate(3, 600.0)) == 0.0
        assert await allowed(first, 1, "x" * 1000 + "\ud800\n") == [True]


async def test_while_the_broker_is_unavailable_each_process_counts_for_itself(caplog: pytest.LogCaptureFixture) -> None:
    bus, clock = MemoryBus(), Clock()
    async with Channels(broker=MemoryBroker(bus)) as channels:
        limits = UserLimits("calls", clock, lambda: channels)
        assert await allowed(limits, 3) == [True, True, False]
        bus.cut()
        with caplog.at_level(logging.INFO, "emmett.calls"):
            for _ in range(3):
                await allowed(limits, 2)
                clock.now += BROKER_PAUSE
            assert await allowed(limits, 1) == [False]
            assert caplog.text.count("in each process separately") == 1
            bus.mend()
            clock.now += BROKER_PAUSE
            assert await allowed(limits, 1) == [False]
            assert await allowed(limits, 3, "bob") == [True, True, False]
            assert caplog.text.count("shared by all nodes again") == 1


async def test_channels_that_have_not_started_are_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    channels = Channels(broker=MemoryBroker())
    limits = UserLimits("calls", Clock(), lambda: channels)
    assert await allowed(limits, 3) == [True, True, False]
    assert caplog.text.count("have not started") == 1


async def test_a_broker_that_does_not_answer_delays_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emmett.calls.user_limits.BROKER_TIMEOUT", BROKER_TIMEOUT / 1000)
    broker, clock = SlowBroker(), Clock()
    async with Channels(broker=broker) as channels:
        limits = UserLimits("calls", clock, lambda: channels)
        broker.is_slow = True
        assert await allowed(limits, 3) == [True, True, False]
        assert broker.asked == 1
        clock.now += BROKER_PAUSE
        broker.is_slow = False
        assert await allowed(limits, 3) == [True, True, False]
        assert broker.asked == 4


def make_app(broker: MemoryBroker | None, **settings: Any) -> tuple[App, Calls]:
    app = App(__name__)
    if broker is not None:
        Channels(app, broker)
    calls = app.calls("/api", user=lambda: websocket.query_params.user, **settings)

    @calls.method(limit="2/h", per="user")
    async def search(text: str) -> str:
        return text

    @calls.method()
    async def ping() -> str:
        return "pong"

    return app, calls


async def test_two_connections_to_two_nodes_share_the_limit() -> None:
    bus = MemoryBus()
    (one, _), (other, _) = (make_app(MemoryBroker(bus)) for _ in range(2))
    async with (
        one.test_client_async() as client,
        other.test_client_async() as far,
        client.calls("/api?user=ada") as first,
        far.calls("/api?user=ada") as second,
        far.calls("/api?user=bob") as third,
        far.calls("/api") as nobody,
    ):
        assert await first.search("a") == "a"
        assert await second.search("b") == "b"
        for api in (first, second):
            with pytest.raises(CallError, match="'search' may be called 2/h") as raised:
                await api.search("c")
            assert raised.value.code == -32029
            assert isinstance(raised.value.data, dict)
            assert 0 < raised.value.data["retry_after"] <= 1800
        assert await third.search("d") == "d"
        # Connections without a user are counted separately.
        assert await nobody.search("e") == "e"


async def test_a_call_that_waits_for_the_broker_delays_no_other() -> None:
    broker = SlowBroker()
    app, _ = make_app(broker)
    async with app.test_client_async() as client, client.calls("/api?user=ada") as api:
        broker.is_slow = True
        waiting = api.search("a")
        await waiting.start()
        assert await api.ping() == "pong"
        assert broker.asked == 1
        await waiting.cancel()
        with pytest.raises(CallError, match="cancelled"):
            await waiting


async def test_calls_above_the_limit_of_a_user_count_as_abuse() -> None:
    app, _ = make_app(MemoryBroker(), max_refusals="3/h")
    async with app.test_client_async() as client, client.calls("/api?user=ada") as api:
        for _ in range(2):
            await api.search("a")
        for _ in range(4):
            with pytest.raises(CallError, match="Limit exceeded"):
                await api.search("a")
        # The server closes with the next message, or has closed already.
        with pytest.raises(WebsocketClosed) as raised:
            while True:
                await api.ping()
        assert raised.value.code == 4429
