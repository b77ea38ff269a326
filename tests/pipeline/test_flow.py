from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from emmett.errors import HTTPException, WebsocketClosed
from emmett.pipeline import Flow, NextPipe, Pipe
from tests.pipeline.recording import KINDS, Kind, Observer, PlainWrapper, Record, Wrapper, compose

pytestmark = pytest.mark.parametrize("kind", KINDS)


def flow_of_two(kind: Kind, record: Record) -> Flow:
    return compose(kind, [Wrapper("A", record), Wrapper("B", record)], record.handler)


def opened(kind: Kind) -> list[str]:
    return ["A.open", f"A.open_{kind}", "B.open", f"B.open_{kind}"]


def closed(kind: Kind) -> list[str]:
    return [f"B.close_{kind}", "B.close", f"A.close_{kind}", "A.close"]


async def test_open_hooks_run_before_the_flow_and_close_hooks_after_it_in_reverse(kind: Kind) -> None:
    record = Record()
    assert await flow_of_two(kind, record).run({"number": 1}) == {"number": 1}
    assert record.points == [
        *opened(kind),
        *("A.pipe>", "B.pipe>", "handler", "B.pipe<", "B.success", "A.pipe<", "A.success"),
        *closed(kind),
    ]


async def test_plain_hooks_run_in_the_same_order(kind: Kind) -> None:
    record = Record()
    await compose(kind, [PlainWrapper("A", record), Wrapper("B", record)], record.handler).run({})
    assert record.points == [
        *("A.open", "B.open", f"B.open_{kind}"),
        *("A.pipe>", "B.pipe>", "handler", "B.pipe<", "B.success", "A.success"),
        *(f"B.close_{kind}", "B.close", "A.close"),
    ]


@pytest.mark.parametrize("error", [ValueError("fault"), HTTPException(303), HTTPException(500), WebsocketClosed(1001)])
async def test_close_hooks_run_when_the_flow_failed(kind: Kind, error: Exception) -> None:
    record = Record()
    record.fail("handler", error)
    with pytest.raises(type(error)) as caught:
        await flow_of_two(kind, record).run({})
    assert caught.value is error
    assert record.points[-4:] == closed(kind)


async def test_close_hooks_run_when_a_pipe_ended_the_flow(kind: Kind) -> None:
    class Stops(Pipe):
        def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> str:
            return "stopped"

    record = Record()
    flow = compose(kind, [Observer("A", record), Stops(), Observer("B", record)], record.handler)
    assert await flow.run({}) == "stopped"
    assert record.points == [*opened(kind), "A.success", *closed(kind)]


@pytest.mark.parametrize(
    ("point", "due"),
    [("A.open", 0), ("A.open_{}", 1), ("B.open", 2), ("B.open_{}", 3)],
)
async def test_a_failed_open_hook_closes_what_is_open(kind: Kind, point: str, due: int) -> None:
    point = point.format(kind)
    record = Record()
    record.fail(point, ValueError("no database"))
    with pytest.raises(ValueError, match="no database"):
        await flow_of_two(kind, record).run({})
    before = opened(kind)[: opened(kind).index(point) + 1]
    # The specific open hook failed after the common one had run, so only the common one is closed.
    expected = {0: [], 1: ["A.close"], 2: [f"A.close_{kind}", "A.close"], 3: ["B.close", f"A.close_{kind}", "A.close"]}
    assert record.points == before + expected[due]


async def test_a_close_hook_without_an_open_hook_runs_if_its_pipe_is_open(kind: Kind) -> None:
    record = Record()

    class OnlyCloses(Pipe):
        def close(self) -> None:
            record.note("closed")

        def open_request(self) -> None:
            record.note("opened")

        def open_ws(self) -> None:
            record.note("opened")

    flow = compose(kind, [OnlyCloses()], record.handler)
    await flow.run({})
    assert record.points == ["opened", "handler", "closed"]
    record.points.clear()
    record.fail("opened", ValueError("no database"))
    with pytest.raises(ValueError, match="no database"):
        await flow.run({})
    assert record.points == ["opened"]


@pytest.mark.parametrize("index", range(4))
async def test_a_failed_close_hook_does_not_prevent_the_others(kind: Kind, index: int) -> None:
    record = Record()
    point = closed(kind)[index]
    record.fail(point, ValueError(point))
    with pytest.raises(ValueError, match=point):
        await flow_of_two(kind, record).run({})
    assert record.points[-4:] == closed(kind)


async def test_the_first_error_of_several_close_hooks_is_raised_and_the_others_are_logged(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    record = Record()
    for point in closed(kind):
        record.fail(point, ValueError(point))
    with pytest.raises(ValueError, match=closed(kind)[0]):
        await flow_of_two(kind, record).run({})
    assert record.points[-4:] == closed(kind)
    assert [entry.exc_info and entry.exc_info[1] for entry in caplog.records] == [
        record.errors[point] for point in closed(kind)[1:]
    ]


async def test_the_error_of_the_flow_takes_precedence_over_that_of_a_close_hook(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    record = Record()
    record.fail("handler", HTTPException(404))
    record.fail("B.close", ValueError("release"))
    with pytest.raises(HTTPException):
        await flow_of_two(kind, record).run({})
    assert record.points[-4:] == closed(kind)
    assert caplog.records[0].getMessage() == "Wrapper.close failed while another error was propagating"


async def test_the_error_of_an_open_hook_takes_precedence_over_that_of_a_close_hook(kind: Kind) -> None:
    record = Record()
    record.fail("B.open", ValueError("no database"))
    record.fail("A.close", RuntimeError("release"))
    with pytest.raises(ValueError, match="no database"):
        await flow_of_two(kind, record).run({})
    assert record.points[-2:] == [f"A.close_{kind}", "A.close"]


async def test_the_error_of_a_close_hook_takes_precedence_over_a_redirect(kind: Kind) -> None:
    record = Record()
    record.fail("handler", HTTPException(303))
    record.fail("B.close", ValueError("flush"))
    with pytest.raises(ValueError, match="flush"):
        await flow_of_two(kind, record).run({})
    assert record.points[-4:] == closed(kind)


async def test_hooks_of_the_other_kind_are_left_out(kind: Kind) -> None:
    record = Record()
    flow = compose(kind, [Observer("A", record)], record.handler)
    await flow.run({})
    other = "ws" if kind == "request" else "request"
    assert not [point for point in record.points if point.endswith(other)]


async def test_concurrent_runs_do_not_mix(kind: Kind) -> None:
    record = Record()
    flow = flow_of_two(kind, record)
    assert await asyncio.gather(*(flow.run({"number": n}) for n in range(5))) == [{"number": n} for n in range(5)]
    assert record.points.count("A.close") == 5


class Witness:
    """Something that a handler holds, freed together with the handler's frame."""


@contextmanager
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@pytest.mark.parametrize(
    "errors",
    [
        {},
        {"handler": ValueError},
        {"B.success": ValueError},
        {"handler": ValueError, "B.failure": RuntimeError},
        {"handler": ValueError, "B.close": RuntimeError},
        {"B.close": ValueError, "A.close": RuntimeError},
        {"handler": ValueError, "B.failure": asyncio.CancelledError, "A.close": asyncio.CancelledError},
        {"B.open": ValueError, "A.close": RuntimeError},
    ],
    ids=str,
)
async def test_a_flow_leaves_no_reference_cycles(
    kind: Kind, errors: dict[str, type[BaseException]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # pytest keeps log records, and with them the errors.
    monkeypatch.setattr(logging.getLogger("emmett.pipeline"), "propagate", False)
    witnesses: list[weakref.ref[Witness]] = []

    class Holds(Record):
        async def visit(self, point: str) -> None:
            witness = Witness()
            witnesses.append(weakref.ref(witness))
            if point in errors:
                raise errors[point](point)

    record = Holds()
    flow = flow_of_two(kind, record)
    with without_collector():
        # Not pytest.raises, which would keep the error and with it the frames.
        with suppress(ValueError, RuntimeError, asyncio.CancelledError):
            await flow.run({})
        assert witnesses
        assert [witness() for witness in witnesses if witness() is not None] == []
