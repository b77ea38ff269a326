"""Whether a peer reads what is written to it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emmett.http.body import SLOWEST_RATE
from emmett.server.write_watch import WriteWatch

TIMEOUT = 30.0
NEEDED = int(TIMEOUT * SLOWEST_RATE)


def test_a_peer_that_does_not_read_is_overdue() -> None:
    watch = WriteWatch()
    assert not watch.is_stuck(1, 0.0, TIMEOUT)
    assert not watch.is_stuck(1, 29.9, TIMEOUT)
    assert watch.is_stuck(1, 30.0, TIMEOUT)


def test_a_peer_that_reads_enough_gets_its_time_again() -> None:
    watch = WriteWatch()
    watch.start(10 * NEEDED, 0.0)
    assert not watch.is_stuck(9 * NEEDED, 29.0, TIMEOUT)
    assert not watch.is_stuck(8 * NEEDED, 58.0, TIMEOUT)
    assert watch.is_stuck(7 * NEEDED + 1, 88.0, TIMEOUT)


def test_reading_everything_that_is_left_is_enough() -> None:
    watch = WriteWatch()
    watch.start(100, 0.0)
    assert not watch.is_stuck(0, 29.0, TIMEOUT)


def test_an_empty_buffer_ends_the_watch() -> None:
    watch = WriteWatch()
    watch.start(100, 0.0)
    watch.stop()
    assert not watch.is_stuck(100, 1000.0, TIMEOUT)


@given(st.integers(1, 10**8), st.lists(st.integers(0, 10**6)))
def test_no_peer_keeps_bytes_longer_than_the_slowest_acceptable_one(size: int, taken: list[int]) -> None:
    """However the reads are spread, the seconds for a response are bounded by its size."""
    watch, now, left = WriteWatch(), 0.0, size
    watch.start(left, now)
    for count in taken:
        now += 1.0
        left = max(left - count, 0)
        if left == 0 or watch.is_stuck(left, now, TIMEOUT):
            break
        assert now <= (size - left) / SLOWEST_RATE + 2 * TIMEOUT
