import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.token_buckets import MAX_BUCKETS, TokenBucket, TokenBuckets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_bucket_allows_its_count_at_once_and_more_as_time_passes() -> None:
    bucket = TokenBucket(2, 1.0, 100.0)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    assert bucket.take(100.25) == 0.25
    assert bucket.take(100.5) == 0.0
    assert bucket.take(100.5) == 0.5


def test_a_bucket_holds_no_more_than_its_count() -> None:
    bucket = TokenBucket(2, 1.0, 0.0)
    assert not bucket.take(1000.0)
    assert not bucket.is_full(1000.0)
    assert bucket.is_full(1001.0)
    assert [bucket.take(1001.0) > 0 for _ in range(3)] == [False, False, True]


@given(st.integers(1, 50), st.lists(st.floats(0, 0.2), max_size=200))
def test_calls_never_exceed_the_rate(calls: int, pauses: list[float]) -> None:
    now = 0.0
    bucket = TokenBucket(calls, 1.0, now)
    taken = 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) == 0.0
    assert taken <= calls + calls * now + 1e-6


@given(st.integers(1, 50), st.integers(1, 100))
def test_a_call_is_allowed_after_the_wait(calls: int, period: int) -> None:
    bucket = TokenBucket(calls, period, 0.0)
    wait = 0.0
    while not wait:
        wait = bucket.take(0.0)
    assert bucket.take(wait + 1e-9) == 0.0


def test_each_name_has_its_own_bucket(clock: Clock) -> None:
    buckets = TokenBuckets(clock)
    assert [buckets.take(name, 1, 1.0) for name in ("a", "b", "a")] == [0.0, 0.0, 1.0]
    clock.now = 1.0
    assert buckets.take("a", 1, 1.0) == 0.0


def test_the_number_of_buckets_is_bounded(clock: Clock) -> None:
    buckets = TokenBuckets(clock)
    for number in range(MAX_BUCKETS):
        buckets.take(str(number), 1, 1.0)
    # No bucket is full, so the oldest ones are forgotten: an eighth at once, so that the next calls need not search.
    assert buckets.take("one more", 1, 1.0) == 0.0
    assert len(buckets) == MAX_BUCKETS - MAX_BUCKETS // 8 + 1
    assert buckets.take(str(MAX_BUCKETS - 1), 1, 1.0) > 0.0
    assert buckets.take("0", 1, 1.0) == 0.0


def test_full_buckets_are_forgotten_first(clock: Clock) -> None:
    buckets = TokenBuckets(clock)
    buckets.take("slow", 1, 100.0)
    for number in range(MAX_BUCKETS - 1):
        buckets.take(str(number), 1, 1.0)
    clock.now = 10.0
    buckets.take("after the pause", 1, 1.0)
    assert len(buckets) == 2
    assert buckets.take("slow", 1, 100.0) > 0.0
