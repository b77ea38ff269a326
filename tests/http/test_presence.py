"""Whether the client of a request is there."""

from __future__ import annotations

import asyncio

import pytest

from emmett.http.presence import ClientPresence


async def test_all_who_wait_are_woken_when_it_leaves() -> None:
    presence = ClientPresence()
    waiting = [asyncio.create_task(presence.wait_gone()) for _ in range(3)]
    await asyncio.sleep(0)
    assert not presence.gone
    presence.leave()
    await asyncio.wait_for(asyncio.gather(*waiting), 5)
    assert presence.gone
    await presence.wait_gone()


async def test_an_answer_wakes_them_too_and_the_client_is_still_there() -> None:
    presence = ClientPresence()
    waiting = asyncio.create_task(presence.wait_gone())
    await asyncio.sleep(0)
    presence.answered()
    await waiting
    assert not presence.gone
    assert presence.waiters is None


async def test_one_that_is_cancelled_is_forgotten() -> None:
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
