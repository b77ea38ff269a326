"""The futures of the inbox: they are of the loop's own type, and are woken once."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

from emmett.engine import Inbox
from emmett.engine.futures import makes_plain_futures
from tests.wire.owner import Owner

Loop = asyncio.AbstractEventLoop


class OwnFuture(asyncio.Future[Any]):
    """A future of the loop below."""


class OwnLoop(asyncio.SelectorEventLoop):
    """A loop with futures of its own."""

    def create_future(self) -> asyncio.Future[Any]:
        return OwnFuture(loop=self)


def patched() -> Loop:
    """Return a loop of asyncio whose method was replaced."""
    loop = asyncio.SelectorEventLoop()
    loop.create_future = lambda: OwnFuture(loop=loop)  # type: ignore[method-assign]
    return loop


@pytest.mark.parametrize(
    ("make", "type_"),
    [
        (asyncio.SelectorEventLoop, asyncio.Future),
        (uvloop.new_event_loop, asyncio.Future),
        (OwnLoop, OwnFuture),
        (patched, OwnFuture),
    ],
)
def test_a_future_is_of_the_type_that_the_loop_makes(make: Callable[[], Loop], type_: type) -> None:
    # Twice, because the second future of a loop may be made in another way than the first.
    for loop in (make(), make()):
        inbox = Inbox(loop, Owner())
        for _ in range(2):
            future = inbox.arrival()
            assert type(future) is type_
            assert future.get_loop() is loop
            inbox.wake()
            assert future.done()
        assert makes_plain_futures(loop) == (type_ is asyncio.Future)
        loop.close()


def test_several_loops_can_take_turns() -> None:
    loops = [asyncio.SelectorEventLoop(), uvloop.new_event_loop(), OwnLoop()]
    inboxes = [Inbox(loop, Owner()) for loop in loops]
    for _ in range(2):
        for loop, inbox in zip(loops, inboxes, strict=True):
            assert inbox.arrival().get_loop() is loop
            inbox.wake()
    for loop in loops:
        loop.close()


async def test_a_cancelled_wait_is_not_woken() -> None:
    owner = Owner()
    inbox = Inbox(asyncio.get_running_loop(), owner)
    cancelled = inbox.arrival()
    cancelled.cancel()
    assert not inbox.awaited
    inbox.wake_for_read()
    assert cancelled.cancelled()
    # This read had a waiting task; the next one has none.
    assert owner.unclaimed == 0
    inbox.wake_for_read()
    assert owner.unclaimed == 1


async def test_a_loop_in_debug_mode_shows_where_a_future_was_made() -> None:
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    try:
        made_here = Inbox(loop, Owner()).arrival()
    finally:
        loop.set_debug(False)
    assert inspect.currentframe() is not None
    assert any(frame.name.startswith("test_a_loop_in_debug_mode") for frame in made_here._source_traceback)  # type: ignore[attr-defined]
