"""The trial of a broker: it tests everything, leaves nothing, and does not disturb others."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from emmett.channels.brokers import trial
from emmett.channels.brokers.memory import MemoryBus
from emmett.channels.brokers.port import Needs
from emmett.channels.brokers.trial import LIMITS, try_channels
from emmett.errors import BrokerUnavailable
from tests.channels.brokers.clock import RecordingListener
from tests.channels.kit import TestBroker, turns


@pytest.mark.parametrize(
    ("needs", "steps"),
    [
        (Needs(), []),
        (Needs(history=True), ["history"]),
        (Needs(presence=True), ["join", "leave"]),
        (Needs(True, True), ["history", "join", "leave"]),
    ],
)
async def test_the_trial_covers_the_needs_and_leaves_nothing(needs: Needs, steps: list[str]) -> None:
    bus, listener, other = MemoryBus(), RecordingListener(), RecordingListener()
    broker, neighbour = TestBroker(bus), TestBroker(bus)
    await broker.start(listener)
    await neighbour.start(other)
    broker.calls.clear()
    assert await try_channels(broker, ["emmett-check:1"], needs) >= 0
    assert [name for name, _ in broker.calls] == ["subscribe", "unsubscribe", *steps]
    await turns()
    assert listener.said == other.said == []
    assert broker._subscribed == set()
    assert await broker.present("emmett-check:1") == {}
    found = await broker.history("emmett-check:1", None, None, LIMITS)
    assert len(found.entries) == int(needs.history)
    await broker.stop()
    await neighbour.stop()


async def test_the_clock_is_finer_than_that_of_an_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = TestBroker()
    await broker.start(RecordingListener())
    moments = iter((7.0, 7.0004))
    monkeypatch.setattr(trial, "time", SimpleNamespace(perf_counter=lambda: next(moments)))
    seconds = await try_channels(broker, ["emmett-check:1"], Needs())
    assert seconds == pytest.approx(0.0004)
    await broker.stop()


@pytest.mark.parametrize("failing", ["subscribe", "history", "join", "leave"])
async def test_a_failure_of_any_step_is_raised(failing: str) -> None:
    broker = TestBroker()
    await broker.start(RecordingListener())
    broker.failing.add(failing)
    with pytest.raises(BrokerUnavailable, match=f"{failing} fails"):
        await try_channels(broker, ["emmett-check:1", "emmett-check:2"], Needs(True, True))
    assert len(broker.named(failing)) == 2
    assert broker._subscribed == set()
    await broker.stop()
