"""Whether the client of a request is still connected."""

from __future__ import annotations

import asyncio

import pytest

from emmett.http.presence import ClientPresence


async def test_all_waiting_tasks_are_woken_when_the_client_leaves() -> None:
    presence = ClientPresence()
    waiting = [asyncio.create_task(presence.wait_gone()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not presence.gone
    presence.leave()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert presence.gone
    await presence.wait_gone()


async def test_the_response_wakes_waiting_tasks_although_the_client_is_connected() -> None:
    presence = ClientPresence()
    waiting = asyncio.create_task(presence.wait_gone())
    await asyncio.sleep(0)
    presence.answered()
    await waiting
    assert not presence.gone
    assert presence.waiters is None


async def test_a_cancelled_task_is_removed() -> None:
    presence = ClientPresence()
    waiting, other = (asyncio.create_task(presence.wait_gone()) for _ in range(2))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert presence.waiters is not None
    assert len(presence.waiters) == 1
    presence.leave()
    await other
