"""Which publications are sent in one message."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from emmett.channels.brokers.nats.waiting import WaitingPublication, fail_all, id_of, take_together
from emmett.channels.brokers.port import Limits
from emmett.errors import BrokerRefused, BrokerUnavailable

LIMITS = Limits(5, 60.0)


def waiting(*publications: tuple[bytes, Limits, str]) -> deque[WaitingPublication]:
    loop = asyncio.get_running_loop()
    return deque(WaitingPublication(payload, limits, loop.create_future(), id) for payload, limits, id in publications)


async def test_a_publication_with_a_key_is_sent_alone() -> None:
    one, other = id_of("room:1", "a"), id_of("room:1", "b")
    assert len({one, other, id_of("room:2", "a")}) == 3
    queue = waiting(
        *((text, LIMITS, id) for text, id in ((b"1", ""), (b"2", ""), (b"3", one), (b"4", other), (b"5", "")))
    )
    taken = []
    while queue:
        taken.append([each.payload for each in take_together(queue, 1000)])
    assert taken == [[b"1", b"2"], [b"3"], [b"4"], [b"5"]]


async def test_different_limits_and_too_many_bytes_start_another_message() -> None:
    queue = waiting(
        (b"1", LIMITS, ""), (b"2", LIMITS._replace(size=6), ""), (b"3" * 50, LIMITS, ""), (b"4", LIMITS, "")
    )
    queue[3].future.cancel()
    assert [each.payload for each in take_together(queue, 20)] == [b"1"]
    assert [each.payload for each in take_together(queue, 20)] == [b"2"]
    assert [each.payload for each in take_together(queue, 20)] == [b"3" * 50]
    assert take_together(queue, 20) == []
    assert not queue


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BrokerRefused("no"), BrokerRefused),
        (BrokerUnavailable("gone"), BrokerUnavailable),
        (TimeoutError(), BrokerUnavailable),
    ],
)
async def test_each_caller_gets_its_own_error(error: BaseException, kind: type[Exception]) -> None:
    futures = [each.future for each in waiting((b"1", LIMITS, ""), (b"2", LIMITS, ""))]
    fail_all(futures, error)
    first, second = (future.exception() for future in futures)
    assert type(first) is type(second) is kind
    assert first is not second
