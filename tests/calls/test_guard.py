import pytest
from msgspec import UNSET, Raw

from emmett.calls.guard import Guard, exceeded
from emmett.calls.jsonrpc import ErrorCode
from emmett.calls.limits import Rate
from emmett.calls.method import Method, MethodKind, MethodOptions
from emmett.config import CallsSettings
from emmett.typed.parameters import read_signature


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def function() -> None: ...


def make(
    limit: Rate | None = None,
    per: str = "connection",
    max_params_size: int | None = None,
    kind: MethodKind = MethodKind.CALL,
) -> Method:
    options = MethodOptions(limit, per, None, False, max_params_size)
    return Method("it", function, kind, read_signature(function, "it"), options, ())


@pytest.fixture
def clock() -> Clock:
    return Clock()


def guard(clock: Clock, has_user: bool = False, **settings: object) -> Guard:
    return Guard(has_user, CallsSettings(**settings), clock)


def test_a_connection_has_a_rate_for_each_method(clock: Clock) -> None:
    first, second, method = guard(clock), guard(clock), make(Rate(2, 1.0))
    assert [first.check(method, UNSET, 0) for _ in range(2)] == [None, None]
    error = first.check(method, UNSET, 0)
    assert error is not None
    assert (error.code, error.data) == (ErrorCode.LIMIT_EXCEEDED, {"retry_after": 0.5})
    assert "2/s" in error.message
    assert second.check(method, UNSET, 0) is None
    clock.now = 0.5
    assert first.check(method, UNSET, 0) is None


def test_the_rate_of_a_user_is_not_counted_here(clock: Clock) -> None:
    watch, method = guard(clock, has_user=True), make(Rate(1, 1.0), "user")
    assert [watch.check(method, UNSET, 0) for _ in range(3)] == [None, None, None]
    other = make(Rate(1, 1.0))
    assert watch.check(other, UNSET, 0) is None
    assert watch.check(other, UNSET, 0) is not None


def test_a_connection_without_a_user_has_a_rate_of_its_own(clock: Clock) -> None:
    method = make(Rate(1, 1.0), "user")
    first, second = guard(clock), guard(clock)
    assert first.check(method, UNSET, 0) is None
    assert second.check(method, UNSET, 0) is None
    assert first.check(method, UNSET, 0) is not None


def test_the_error_says_when_to_call_again() -> None:
    error = exceeded(make(Rate(2, 60.0)), Rate(2, 60.0), 1.23456)
    assert (error.code, error.data) == (ErrorCode.LIMIT_EXCEEDED, {"retry_after": 1.235})
    assert "'it' may be called 2/m" in error.message


def test_streams_and_sizes_are_limited(clock: Clock) -> None:
    watch = guard(clock, max_streams=2)
    stream = make(kind=MethodKind.STREAM)
    assert watch.check(stream, UNSET, 1) is None
    refused = watch.check(stream, UNSET, 2)
    assert refused is not None
    assert refused.data == {"retry_after": 1.0}
    small = make(max_params_size=5)
    assert watch.check(small, Raw(b"[123]"), 0) is None
    assert watch.check(small, UNSET, 0) is None
    too_long = watch.check(small, Raw(b"[1234]"), 0)
    assert too_long is not None
    assert too_long.code == ErrorCode.INVALID_PARAMS


def test_more_refusals_than_allowed_are_abuse(clock: Clock) -> None:
    watch = guard(clock, max_refusals="2/s")
    for expected in (False, False, True):
        watch.refused()
        assert watch.is_abused is expected


def test_occasional_refusals_are_no_abuse(clock: Clock) -> None:
    watch = guard(clock, max_refusals="2/s")
    for _ in range(10):
        watch.refused()
        clock.now += 0.5
    assert not watch.is_abused
