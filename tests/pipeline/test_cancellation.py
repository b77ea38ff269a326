from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett.errors import HTTPException
from emmett.pipeline import Flow, NextPipe, Pipe
from tests.pipeline.recording import KINDS, Kind, Observer, Record, Wrapper, compose

pytestmark = pytest.mark.parametrize("kind", KINDS)

WHOLE = (
    *("A.open", "A.open_{}", "B.open", "B.open_{}", "A.pipe>", "B.pipe>", "handler"),
    *("B.pipe<", "B.success", "A.pipe<", "A.success", "B.close_{}", "B.close", "A.close_{}", "A.close"),
)
CLOSED = ("B.close_{}", "B.close", "A.close_{}", "A.close")
# Where a cancellation arrives, and which hooks still run after it.
AFTER_CANCELLATION: dict[str, tuple[str, ...]] = {
    "A.open": (),
    "A.open_{}": ("A.close",),
    "B.open": ("A.close_{}", "A.close"),
    "B.open_{}": ("B.close", "A.close_{}", "A.close"),
    "A.pipe>": CLOSED,
    "B.pipe>": ("A.failure", *CLOSED),
    "handler": ("B.failure", "A.failure", *CLOSED),
    "B.pipe<": ("B.success", "A.failure", *CLOSED),
    "B.success": ("A.failure", *CLOSED),
    "A.pipe<": ("A.success", *CLOSED),
    "A.success": CLOSED,
    "B.close_{}": CLOSED[1:],
    "B.close": CLOSED[2:],
    "A.close_{}": CLOSED[3:],
    "A.close": (),
}


def flow_of_two(kind: Kind, record: Record) -> Flow:
    return compose(kind, [Wrapper("A", record), Wrapper("B", record)], record.handler)


def named(kind: Kind, points: tuple[str, ...]) -> list[str]:
    return [point.format(kind) for point in points]


def test_every_await_point_is_in_the_table(kind: Kind) -> None:
    assert set(AFTER_CANCELLATION) == set(WHOLE)


@pytest.mark.parametrize("point", WHOLE)
async def test_a_cancellation_at_each_await_point_runs_the_remaining_hooks(kind: Kind, point: str) -> None:
    record = Record()
    record.hold(point.format(kind))
    await record.cancel_at_hold(flow_of_two(kind, record))
    before = WHOLE[: WHOLE.index(point) + 1]
    assert record.points == named(kind, before + AFTER_CANCELLATION[point])


@pytest.mark.parametrize("point", ["B.failure", "A.failure"])
async def test_a_cancellation_of_a_failure_hook_takes_precedence_over_the_error(kind: Kind, point: str) -> None:
    record = Record()
    record.fail("handler", HTTPException(404))
    record.hold(point)
    await record.cancel_at_hold(flow_of_two(kind, record))
    assert record.points == named(kind, (*WHOLE[:7], "B.failure", "A.failure", *CLOSED))


@pytest.mark.parametrize("point", CLOSED)
@pytest.mark.parametrize("error", [HTTPException(303), HTTPException(404), ValueError("fault")])
async def test_a_cancellation_of_a_close_hook_takes_precedence_over_the_error(
    kind: Kind, point: str, error: Exception
) -> None:
    record = Record()
    record.fail("handler", error)
    record.hold(point.format(kind))
    await record.cancel_at_hold(flow_of_two(kind, record))
    assert record.points[-4:] == named(kind, CLOSED)


@pytest.mark.parametrize("point", ["B.failure", "A.failure", *CLOSED])
async def test_a_second_cancellation_may_arrive_on_the_way_out(kind: Kind, point: str) -> None:
    record = Record()
    record.hold("handler")
    record.hold(point.format(kind))
    await record.cancel_at_hold(flow_of_two(kind, record), times=2)
    assert record.points == named(kind, (*WHOLE[:7], "B.failure", "A.failure", *CLOSED))


async def test_a_cancellation_may_arrive_at_every_close_hook(kind: Kind) -> None:
    record = Record()
    for point in ("handler", "B.failure", "A.failure", *CLOSED):
        record.hold(point.format(kind))
    await record.cancel_at_hold(flow_of_two(kind, record), times=7)
    assert record.points == named(kind, (*WHOLE[:7], "B.failure", "A.failure", *CLOSED))


@pytest.mark.parametrize("failing", ["B.failure", "A.failure", *CLOSED])
async def test_the_error_of_a_hook_does_not_hide_a_cancellation(
    kind: Kind, failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    record = Record()
    record.hold("handler")
    record.fail(failing.format(kind), HTTPException(303))
    await record.cancel_at_hold(flow_of_two(kind, record))
    assert record.points[-4:] == named(kind, CLOSED)
    assert len(caplog.records) == 1


async def test_a_close_hook_may_wait_after_the_cancellation_of_the_flow(kind: Kind) -> None:
    released = asyncio.Event()

    class Releases(Pipe):
        async def close(self) -> None:
            await asyncio.sleep(0)
            await asyncio.wait_for(asyncio.sleep(0), 5)
            released.set()

    record = Record()
    record.hold("handler")
    await record.cancel_at_hold(compose(kind, [Releases(), Observer("B", record)], record.handler))
    assert released.is_set()


async def test_a_deadline_around_a_flow_is_kept(kind: Kind) -> None:
    record = Record()
    record.hold("handler")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await compose(kind, [Observer("A", record), Wrapper("B", record)], record.handler).run({})
    # The deadline expires at the first await point, in the first open hook.
    assert record.points == ["A.open"]


async def test_a_pipe_may_set_a_deadline(kind: Kind) -> None:
    class Limits(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            async with asyncio.timeout(0):
                return await next_pipe(**kwargs)

    record = Record()
    record.hold("handler")
    with pytest.raises(TimeoutError):
        await compose(kind, [Wrapper("A", record), Limits("B", record), Observer("C", record)], record.handler).call()
    assert record.points == ["A.pipe>", "handler", "C.failure", "B.failure", "A.failure"]


async def test_a_pipe_may_turn_its_own_cancellation_into_a_result(kind: Kind) -> None:
    class Races(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            task = asyncio.ensure_future(next_pipe(**kwargs))
            await self.record.reached.wait()
            task.cancel()
            await asyncio.wait([task])
            return "gave up"

    record = Record()
    record.hold("handler")
    flow = compose(kind, [Wrapper("A", record), Races("B", record), Observer("C", record)], record.handler)
    assert await flow.call() == "gave up"
    assert record.points == ["A.pipe>", "handler", "C.failure", "B.failure", "A.pipe<", "A.success"]
