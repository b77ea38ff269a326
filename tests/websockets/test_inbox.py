"""The inbox alone."""

from __future__ import annotations

import asyncio

import pytest

from emmett.errors import UsageError
from emmett.websockets.inbox import Inbox
from tests.wire.owner import Owner


def make_inbox() -> Inbox:
    return Inbox(asyncio.get_running_loop(), Owner())


async def test_a_wake_ends_one_wait() -> None:
    inbox = make_inbox()
    arrival = inbox.arrival()
    assert inbox.awaited
    inbox.wake()
    await arrival
    again = inbox.arrival()
    assert not again.done()


async def test_a_wake_without_a_wait_does_nothing() -> None:
    inbox = make_inbox()
    inbox.wake()
    assert not inbox.arrival().done()


async def test_only_one_task_may_wait() -> None:
    inbox = make_inbox()
    first = inbox.arrival()
    with pytest.raises(UsageError, match="one task at a time"):
        await inbox.arrival()
    first.cancel()
    assert not inbox.awaited
    second = inbox.arrival()
    inbox.wake()
    await second
