"""Tails: sampled, bounded, and ended when no one is watching."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from emmett.inspector.answers import TailNews
from emmett.inspector.tails import INTERVAL, LEASE, MAX_MESSAGES, MAX_PAYLOAD, MAX_TAILS, MessageSampler, Tails, Tap


class Loop:
    """A loop whose timers a test controls."""

    def __init__(self) -> None:
        self.timers: list[tuple[float, Timer]] = []

    def call_later(self, seconds: float, callback: Callable[..., object], *arguments: Any) -> Timer:
        timer = Timer(lambda: callback(*arguments))
        self.timers.append((seconds, timer))
        return timer

    def fire(self, seconds: float) -> None:
        for after, timer in list(self.timers):
            if after == seconds and not timer.is_cancelled:
                timer.cancel()
                timer.callback()


class Timer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Tapped:
    """A websocket with a tap."""

    def __init__(self) -> None:
        self.report: Callable[[Any, bool], None] | None = None

    def tap(self, report: Callable[[Any, bool], None], /) -> None:
        assert self.report is None
        self.report = report

    def untap(self) -> None:
        self.report = None

    def __call__(self, message: Any, is_received: bool = True) -> None:
        assert self.report is not None
        self.report(message, is_received)


@pytest.fixture
def loop() -> Any:
    return Loop()


def test_messages_are_reported_together(loop: Any) -> None:
    news: list[TailNews] = []
    sampler = MessageSampler("t", False, news.append, loop)
    sampler.note("hello", "sent")
    sampler.note(b"\x00" * 7, "received")
    assert news == []
    loop.fire(INTERVAL)
    (only,) = news
    assert (only.tail, only.skipped, only.ended) == ("t", 0, "")
    assert [(each.direction, each.kind, each.size, each.payload) for each in only.messages] == [
        ("sent", "text", 5, None),
        ("received", "binary", 7, None),
    ]
    # Without messages, there is no timer.
    loop.fire(INTERVAL)
    assert len(news) == 1


def test_messages_over_the_limit_are_counted(loop: Any) -> None:
    news: list[TailNews] = []
    sampler = MessageSampler("t", False, news.append, loop)
    for _ in range(1000):
        sampler.note("x", "sent")
    assert len(loop.timers) == 1
    loop.fire(INTERVAL)
    assert (len(news[0].messages), news[0].skipped) == (MAX_MESSAGES, 1000 - MAX_MESSAGES)
    sampler.note("x", "sent")
    loop.fire(INTERVAL)
    assert (len(news[1].messages), news[1].skipped) == (1, 0)


@pytest.mark.parametrize(
    ("message", "payload", "is_cut"),
    [
        ("é" * 5, "ééééé", False),
        ("x" * (MAX_PAYLOAD + 1), "x" * MAX_PAYLOAD, True),
        (b"\x00\xff", "00ff", False),
        (bytearray(b"\x01" * (MAX_PAYLOAD + 1)), "01" * MAX_PAYLOAD, True),
        (memoryview(b"\x01\x02"), "0102", False),
        ("a\ud800b", "a?b", False),
    ],
)
def test_payloads_are_shown_on_request(loop: Any, message: Any, payload: str, is_cut: bool) -> None:
    news: list[TailNews] = []
    sampler = MessageSampler("t", True, news.append, loop)
    sampler.note(message, "sent")
    sampler.report("over")
    (described,) = news[0].messages
    assert (described.payload, described.is_cut, news[0].ended) == (payload, is_cut, "over")


def test_two_tails_of_a_connection_share_a_tap(loop: Any) -> None:
    tails, websocket = Tails(loop), Tapped()
    first: list[TailNews] = []
    second: list[TailNews] = []
    assert tails.watch(1, websocket, "a", False, first.append)
    assert tails.watch(1, websocket, "b", True, second.append)
    websocket("hello")
    loop.fire(INTERVAL)
    assert first[0].messages[0].payload is None
    assert second[0].messages[0].payload == "hello"
    tails.stop("a")
    websocket("again")
    tails.stop("b")
    assert websocket.report is None
    tails.stop("b")
    loop.fire(INTERVAL)
    assert (len(first), len(second), len(tails)) == (1, 1, 0)


def test_a_tail_ends_unless_its_lease_is_renewed(loop: Any) -> None:
    tails, websocket = Tails(loop), Tapped()
    assert tails.watch(1, websocket, "a", False, lambda _: None)
    assert tails.watch(1, websocket, "a", False, lambda _: None)
    assert [timer.is_cancelled for _, timer in loop.timers] == [True, False]
    loop.fire(LEASE)
    assert websocket.report is None
    assert len(tails) == 0


def test_the_name_of_a_tail_belongs_to_one_connection(loop: Any) -> None:
    tails = Tails(loop)
    assert tails.watch(1, Tapped(), "a", False, lambda _: None)
    assert not tails.watch(2, Tapped(), "a", False, lambda _: None)


def test_the_number_of_tails_is_limited(loop: Any) -> None:
    tails, websockets = Tails(loop), [Tapped() for _ in range(MAX_TAILS + 1)]
    answers = [
        tails.watch(number, websocket, str(number), False, lambda _: None)
        for number, websocket in enumerate(websockets)
    ]
    assert answers == [True] * MAX_TAILS + [False]
    tails.stop_all()
    assert [websocket.report for websocket in websockets] == [None] * (MAX_TAILS + 1)


def test_the_end_of_a_connection_ends_its_tails(loop: Any) -> None:
    tails, websocket = Tails(loop), Tapped()
    news: list[TailNews] = []
    assert tails.watch(1, websocket, "a", False, news.append)
    websocket("last words")
    tails.end(2, "another one")
    tails.end(1, "it has ended with 1000")
    assert [(len(each.messages), each.ended) for each in news] == [(1, "it has ended with 1000")]
    assert websocket.report is None


async def test_messages_have_the_time_of_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1234.5678)
    news: list[TailNews] = []
    sampler = MessageSampler("t", False, news.append, asyncio.get_running_loop())
    sampler.note("x", "sent")
    sampler.report()
    assert news[0].messages[0].at == 1234.568


def test_a_fault_of_a_tail_does_not_reach_the_application(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MessageSampler):
        def note(self, message: object, direction: str, is_hidden: bool = False) -> None:
            raise LookupError("on purpose")

    loop = asyncio.new_event_loop()
    tap = Tap(lambda: None, {"t": Broken("t", False, print, loop)})
    tap.note("hello", True)
    assert "a tail of the inspector failed on a message: LookupError('on purpose')" in caplog.text
    loop.close()
