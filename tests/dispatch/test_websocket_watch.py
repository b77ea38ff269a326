"""The deadline of a websocket: its kind, and its effect when it is due and not before."""

from __future__ import annotations

import asyncio

import pytest

from emmett.config import WebsocketSettings
from emmett.dispatch.websocket_watch import Awaited, WebsocketWatch
from emmett.websockets.inbox import Inbox
from tests.wire.owner import Owner

SETTINGS = WebsocketSettings(accept_timeout=1.0, close_timeout=2.0, disconnect_grace=3.0)


class Carrier:
    """A carrier that records the requests of its watch."""

    def __init__(self) -> None:
        self.inbox = Inbox(asyncio.get_running_loop(), Owner())
        self.done: list[str] = []

    def log(self, level: int, message: str, *values: object) -> None:
        self.done.append(message % values)

    def give_up_handshake(self) -> None:
        self.done.append("give up")

    def cancel_handler(self) -> None:
        self.done.append("cancel")

    def drop(self, reason: str, seconds: float) -> None:
        self.done.append("drop: " + reason % seconds)


def watch_handshake() -> WebsocketWatch:
    """Return a watch that has waited for the answer to the handshake since 10.0."""
    watch = WebsocketWatch(SETTINGS)
    watch.expect_answer(10.0)
    return watch


def look(watch: WebsocketWatch, carrier: Carrier, now: float) -> list[str]:
    """Return the effect of a check at that time."""
    carrier.done.clear()
    watch.look(now, carrier)
    return list(carrier.done)


async def test_the_handshake_must_be_answered() -> None:
    watch, carrier = watch_handshake(), Carrier()
    assert watch.deadline == (Awaited.ANSWER, 11.0)
    assert look(watch, carrier, 10.9) == []
    assert look(watch, carrier, 11.0) == ["the handshake was not answered within 1 s: refused", "give up"]
    assert look(watch, carrier, 100.0) == []


async def test_an_answered_handshake_has_no_deadline() -> None:
    watch, carrier = watch_handshake(), Carrier()
    watch.expect_nothing()
    assert look(watch, carrier, 1e9) == []


async def test_the_peer_must_close() -> None:
    watch, carrier = watch_handshake(), Carrier()
    watch.expect_close(20.0)
    assert look(watch, carrier, 21.9) == []
    assert look(watch, carrier, 22.0) == ["drop: the peer did not close within 2 s"]
    assert look(watch, carrier, 100.0) == []


async def test_a_handler_must_end_and_is_cancelled_again() -> None:
    watch, carrier = watch_handshake(), Carrier()
    watch.expect_end(20.0)
    # The peer cannot leave twice.
    watch.expect_end(22.0)
    assert look(watch, carrier, 22.9) == []
    for now in (23.0, 26.0):
        assert look(watch, carrier, now) == ["the handler did not end after the peer had left: cancelled", "cancel"]


@pytest.mark.parametrize("left", [0, 2])
async def test_a_handler_that_still_takes_messages_is_not_cancelled(left: int) -> None:
    watch, carrier = watch_handshake(), Carrier()
    carrier.inbox.messages += ["a", "b", "c"]
    watch.expect_end(20.0)
    assert look(watch, carrier, 23.0) == []
    del carrier.inbox.messages[left:]
    assert look(watch, carrier, 26.0) == (
        [] if left else ["the handler did not end after the peer had left: cancelled", "cancel"]
    )
    # The handler has taken no message since the last check.
    assert look(watch, carrier, 29.0)[-1:] == ["cancel"]
