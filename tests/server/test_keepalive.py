"""When to ping and when to drop a peer, on a clock that the test controls."""

from __future__ import annotations

import asyncio

from emmett.server.keepalive import Keepalive


def test_a_ping_is_due_after_the_interval() -> None:
    keepalive = Keepalive(100.0)
    assert not keepalive.is_due(119.9, 20.0)
    assert keepalive.is_due(120.0, 20.0)
    keepalive.sent(120.0)
    assert not keepalive.is_due(139.9, 20.0)


def test_a_peer_that_sends_nothing_is_dead_at_the_timeout() -> None:
    keepalive = Keepalive(100.0)
    keepalive.sent(120.0)
    assert not keepalive.is_dead(124.9, 5.0)
    assert keepalive.is_dead(125.0, 5.0)


def test_any_received_data_is_a_sign_of_life() -> None:
    keepalive = Keepalive(100.0)
    keepalive.hear()
    keepalive.sent(120.0)
    assert keepalive.is_dead(125.0, 5.0), "data received before the Ping must not count"
    keepalive.hear()
    assert not keepalive.is_dead(125.0, 5.0)
    assert not keepalive.is_dead(200.0, 5.0), "no answer is expected until the next Ping"


def test_a_second_ping_does_not_prolong_the_wait_for_the_first() -> None:
    keepalive = Keepalive(100.0)
    for now in (102.0, 104.0, 106.0):
        keepalive.sent(now)
    assert keepalive.is_dead(107.0, 5.0)


def test_both_can_be_switched_off() -> None:
    assert not Keepalive(0.0).is_due(1e9, None)
    keepalive = Keepalive(0.0)
    keepalive.sent(1.0)
    assert not keepalive.is_dead(1e9, None)


async def test_a_pong_also_answers_earlier_pings() -> None:
    keepalive = Keepalive(0.0)
    loop = asyncio.get_running_loop()
    first, first_answer = keepalive.expect_answer(loop)
    second, second_answer = keepalive.expect_answer(loop)
    third, third_answer = keepalive.expect_answer(loop)
    keepalive.answered(b"unasked")
    assert not first_answer.done()
    keepalive.answered(second)
    assert (await first_answer or 0) > (await second_answer or 0) > 0
    assert not third_answer.done()
    keepalive.answered(first)
    keepalive.answered(third)
    assert await third_answer is not None


async def test_the_end_of_the_connection_answers_all() -> None:
    keepalive = Keepalive(0.0)
    _, answer = keepalive.expect_answer(asyncio.get_running_loop())
    keepalive.stop()
    assert await answer is None
    keepalive.stop()
