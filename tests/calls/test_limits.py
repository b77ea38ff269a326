import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.calls.limits import Rate, TokenBucket, parse_rate
from emmett.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "calls", "period"),
    [("20/s", 20, 1), ("100/m", 100, 60), ("5/10s", 5, 10), ("1/h", 1, 3600), ("2/2d", 2, 172_800)],
)
def test_rates(text: str, calls: int, period: float) -> None:
    rate = parse_rate(text)
    assert rate == Rate(calls, period)
    assert parse_rate(str(rate)) == rate


@pytest.mark.parametrize("text", ["", "20", "0/s", "20/0s", "-1/s", "20/x", "20 / s", "1.5/s", "20/s ", None, 20])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ConfigurationError, match='"20/s"'):
        parse_rate(text)


def test_a_bucket_lets_its_count_through_at_once_and_more_as_time_goes_by() -> None:
    bucket = TokenBucket(Rate(2, 1.0), 100.0)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    assert bucket.take(100.25) == 0.25
    assert bucket.take(100.5) == 0.0
    assert bucket.take(100.5) == 0.5


def test_a_bucket_holds_no_more_than_its_count() -> None:
    bucket = TokenBucket(Rate(2, 1.0), 0.0)
    assert not bucket.take(1000.0)
    assert bucket.is_full(1001.0)
    assert [bucket.take(1001.0) > 0 for _ in range(3)] == [False, False, True]


@given(st.integers(1, 50), st.lists(st.floats(0, 0.2), max_size=200))
def test_never_more_than_the_rate(calls: int, pauses: list[float]) -> None:
    now = 0.0
    bucket = TokenBucket(Rate(calls, 1.0), now)
    taken = 0
    for pause in pauses:
        now += pause
        taken += bucket.take(now) == 0.0
    assert taken <= calls + calls * now + 1e-6


@given(st.integers(1, 50), st.integers(1, 100))
def test_after_the_wait_a_call_goes_through(calls: int, period: int) -> None:
    bucket = TokenBucket(Rate(calls, period), 0.0)
    wait = 0.0
    while not wait:
        wait = bucket.take(0.0)
    assert bucket.take(wait + 1e-9) == 0.0
