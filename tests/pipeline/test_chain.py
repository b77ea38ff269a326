from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from emmett.errors import HTTPException, UsageError, WebsocketClosed
from emmett.pipeline import NextPipe, Pipe
from tests.pipeline.recording import KINDS, Kind, Observer, PlainWrapper, Record, Wrapper, compose

pytestmark = pytest.mark.parametrize("kind", KINDS)


async def call(kind: Kind, record: Record, *pipes: Pipe) -> Any:
    return await compose(kind, pipes, record.handler).call()


async def test_success_hooks_run_innermost_first_after_their_own_pipe(kind: Kind) -> None:
    record = Record()
    pipes = (Wrapper("A", record), Observer("B", record), PlainWrapper("C", record), Wrapper("D", record))
    assert await call(kind, record, *pipes) == "result"
    assert record.points == [
        *("A.pipe>", "C.pipe>", "D.pipe>", "handler"),
        *("D.pipe<", "D.success", "C.success", "B.success", "A.pipe<", "A.success"),
    ]


@pytest.mark.parametrize(
    "error", [ValueError("fault"), HTTPException(404), WebsocketClosed(1001), asyncio.CancelledError(), SystemExit(1)]
)
async def test_failure_hooks_run_innermost_first(kind: Kind, error: BaseException) -> None:
    record = Record()
    record.fail("handler", error)
    with pytest.raises(type(error)) as caught:
        await call(kind, record, Wrapper("A", record), Observer("B", record), PlainWrapper("C", record))
    assert caught.value is error
    assert record.points == ["A.pipe>", "C.pipe>", "handler", "C.failure", "B.failure", "A.failure"]


async def test_a_redirect_is_a_success(kind: Kind) -> None:
    record = Record()
    record.fail("handler", HTTPException(303))
    with pytest.raises(HTTPException):
        await call(kind, record, Wrapper("A", record), Observer("B", record))
    assert record.points == ["A.pipe>", "handler", "B.success", "A.success"]


async def test_a_pipe_that_does_not_call_next_pipe_ends_the_flow(kind: Kind) -> None:
    class Stops(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            await self.record.visit(f"{self.name}.pipe>")
            return "stopped"

    record = Record()
    assert await call(kind, record, Wrapper("A", record), Stops("B", record), Wrapper("C", record)) == "stopped"
    assert record.points == ["A.pipe>", "B.pipe>", "A.pipe<", "A.success"]


async def test_a_plain_pipe_may_end_the_flow(kind: Kind) -> None:
    class Stops(Pipe):
        def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return {"stopped": True}

    record = Record()
    assert await call(kind, record, Observer("A", record), Stops()) == {"stopped": True}
    assert record.points == ["A.success"]


async def test_a_pipe_that_raises_before_calling_next_pipe_has_neither_hook(kind: Kind) -> None:
    record = Record()
    record.fail("B.pipe>", HTTPException(401))
    with pytest.raises(HTTPException):
        await call(kind, record, Wrapper("A", record), Wrapper("B", record))
    assert record.points == ["A.pipe>", "B.pipe>", "A.failure"]


async def test_a_pipe_that_raises_after_a_success_fails_for_those_before_it(kind: Kind) -> None:
    record = Record()
    record.fail("B.pipe<", ValueError("fault"))
    with pytest.raises(ValueError, match="fault"):
        await call(kind, record, Wrapper("A", record), Wrapper("B", record))
    assert record.points == ["A.pipe>", "B.pipe>", "handler", "B.pipe<", "B.success", "A.failure"]


async def test_a_pipe_that_recovers_has_its_failure_hook_and_those_before_it_succeed(kind: Kind) -> None:
    class Recovers(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            try:
                return await next_pipe(**kwargs)
            except ValueError:
                return "recovered"

    record = Record()
    record.fail("handler", ValueError("fault"))
    assert await call(kind, record, Wrapper("A", record), Recovers("B", record)) == "recovered"
    assert record.points == ["A.pipe>", "handler", "B.failure", "A.pipe<", "A.success"]


async def test_the_error_of_a_success_hook_is_a_failure_for_the_pipes_before(kind: Kind) -> None:
    record = Record()
    record.fail("B.success", ValueError("commit"))
    with pytest.raises(ValueError, match="commit"):
        await call(kind, record, Wrapper("A", record), Observer("B", record), Observer("C", record))
    assert record.points == ["A.pipe>", "handler", "C.success", "B.success", "A.failure"]


async def test_the_error_of_a_success_hook_takes_precedence_over_a_redirect(kind: Kind) -> None:
    record = Record()
    record.fail("handler", HTTPException(303))
    record.fail("B.success", ValueError("commit"))
    with pytest.raises(ValueError, match="commit") as caught:
        await call(kind, record, Wrapper("A", record), Wrapper("B", record))
    assert caught.value.__context__ is record.errors["handler"]
    assert record.points == ["A.pipe>", "B.pipe>", "handler", "B.success", "A.failure"]


@pytest.mark.parametrize("make", [Wrapper, Observer, PlainWrapper])
async def test_the_error_of_a_failure_hook_is_only_logged(
    kind: Kind, make: Callable[[str, Record], Pipe], caplog: pytest.LogCaptureFixture
) -> None:
    record = Record()
    record.fail("handler", ValueError("cause"))
    record.fail("B.failure", RuntimeError("rollback"))
    with pytest.raises(ValueError, match="cause"):
        await call(kind, record, Observer("A", record), make("B", record))
    assert record.points[-2:] == ["B.failure", "A.failure"]
    assert [entry.exc_info and entry.exc_info[1] for entry in caplog.records] == [record.errors["B.failure"]]


async def test_the_error_of_a_failure_hook_after_a_recovery_is_raised(kind: Kind) -> None:
    class Recovers(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            try:
                return await next_pipe(**kwargs)
            except ValueError:
                return "recovered"

    record = Record()
    record.fail("handler", ValueError("cause"))
    record.fail("B.failure", RuntimeError("rollback"))
    with pytest.raises(RuntimeError, match="rollback"):
        await call(kind, record, Observer("A", record), Recovers("B", record))
    assert record.points == ["handler", "B.failure", "A.failure"]


async def test_pipes_change_the_arguments_of_the_handler(kind: Kind) -> None:
    class Loads(Pipe):
        async def pipe(self, next_pipe: NextPipe, /, *, number: int, **kwargs: Any) -> Any:
            return await next_pipe(item=f"item {number}", **kwargs)

    class Adds(Pipe):
        def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return next_pipe(**kwargs, user="ada")

    flow = compose(kind, [Loads(), Observer("B", Record()), Adds()], Record().handler)
    assert await flow.call(number=3, page=1) == {"item": "item 3", "page": 1, "user": "ada"}


@pytest.mark.parametrize("name", ["self", "next_pipe", "kwargs", "behind", "hook", "arguments"])
async def test_any_name_may_be_an_argument(kind: Kind, name: str) -> None:
    class Passes(Pipe):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return await next_pipe(**kwargs)

    async def handler(**kwargs: Any) -> Any:
        return kwargs

    flow = compose(kind, [Passes(), Observer("B", Record())], handler)
    assert await flow.run({name: 1}) == {name: 1}


async def test_next_pipe_may_be_called_only_once(kind: Kind) -> None:
    class Repeats(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            await next_pipe(**kwargs)
            return await next_pipe(**kwargs)

    record = Record()
    message = re.escape("Repeats.pipe called next_pipe a second time: a pipe may call it once")
    with pytest.raises(UsageError, match=message):
        await call(kind, record, Observer("A", record), Repeats("B", record))
    assert record.points == ["handler", "B.success", "A.failure"]


async def test_next_pipe_may_not_be_called_twice_at_the_same_time(kind: Kind) -> None:
    class Doubles(Pipe):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            first = asyncio.ensure_future(next_pipe(**kwargs))
            with pytest.raises(UsageError, match="a second time"):
                await next_pipe(**kwargs)
            return await first

    record = Record()
    assert await call(kind, record, Doubles()) == "result"
    assert record.points == ["handler"]


async def test_each_run_has_its_own_next_pipe(kind: Kind) -> None:
    record = Record()
    flow = compose(kind, [Wrapper("A", record)], record.handler)
    assert list(await asyncio.gather(flow.call(), flow.call())) == ["result", "result"]
    assert record.points.count("A.success") == 2


async def test_a_missing_await_in_a_pipe_is_reported(kind: Kind) -> None:
    class Forgets(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return next_pipe(**kwargs)

    record = Record()
    with pytest.raises(UsageError, match=r"Forgets.pipe ended before its next_pipe did: await the call"):
        await call(kind, record, Observer("A", record), Forgets("B", record))
    assert record.points == ["B.failure", "A.failure"]


async def test_a_pipe_that_leaves_the_flow_running_is_reported(kind: Kind) -> None:
    tasks = []

    class Leaves(Pipe):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            tasks.append(asyncio.ensure_future(next_pipe(**kwargs)))
            return "too early"

    with pytest.raises(UsageError, match=r"Leaves.pipe ended before its next_pipe did"):
        await call(kind, Record(), Leaves())
    assert await tasks[0] == "result"


async def test_a_pipe_may_give_up_waiting(kind: Kind) -> None:
    class Limits(Observer):
        async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            try:
                async with asyncio.timeout(0):
                    return await next_pipe(**kwargs)
            except TimeoutError:
                return "too late"

    record = Record()
    record.hold("handler")
    assert await call(kind, record, Limits("A", record), Observer("B", record)) == "too late"
    assert record.points == ["handler", "B.failure", "A.failure"]


async def test_only_the_pipe_of_the_right_kind_is_used(kind: Kind) -> None:
    class Specific(Pipe):
        async def pipe_request(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return ["request", await next_pipe(**kwargs)]

        async def pipe_ws(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
            return ["ws", await next_pipe(**kwargs)]

    assert await call(kind, Record(), Specific()) == [kind, "result"]


@pytest.mark.parametrize("error", [None, ValueError("fault"), HTTPException(303)])
async def test_a_pipe_may_have_only_one_of_the_two_hooks(kind: Kind, error: Exception | None) -> None:
    record = Record()
    if error is not None:
        record.fail("handler", error)

    class Succeeds(Pipe):
        def on_pipe_success(self) -> None:
            record.note("success")

    class Fails(Pipe):
        def on_pipe_failure(self) -> None:
            record.note("failure")

    for pipe in (Succeeds(), Fails()):
        with suppress(ValueError, HTTPException):
            await call(kind, record, pipe)
    failed = isinstance(error, ValueError)
    assert record.points == (["handler", "handler", "failure"] if failed else ["handler", "success", "handler"])
