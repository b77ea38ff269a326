"""Pipes that record which of their hooks ran, and run a test's code in any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal

from emmett.pipeline import Flow, NextPipe, Pipe, compose_request, compose_websocket

Kind = Literal["request", "ws"]
KINDS: tuple[Kind, ...] = ("request", "ws")


def compose(kind: Kind, pipes: Sequence[Pipe], handler: Callable[..., Any]) -> Flow:
    """Compose a flow of either kind."""
    return (compose_request if kind == "request" else compose_websocket)(pipes, handler)


class Record:
    """The events, in order; and the actions to take at certain points.

    A point is called `A.open`, `A.pipe>` before and `A.pipe<` after `next_pipe`, or `handler`.
    """

    def __init__(self) -> None:
        self.points: list[str] = []
        self.errors: dict[str, BaseException] = {}
        self.reached = asyncio.Event()
        self._holds: set[str] = set()

    def fail(self, point: str, error: BaseException) -> None:
        """Raise `error` at this point."""
        self.errors[point] = error

    def hold(self, point: str) -> None:
        """Wait at this point until cancelled; `reached` is set when it waits."""
        self._holds.add(point)

    def note(self, point: str) -> None:
        """Pass a point that cannot wait."""
        self.points.append(point)
        if point in self.errors:
            raise self.errors[point]

    async def visit(self, point: str) -> None:
        """Pass a point, and let one turn of the event loop pass."""
        self.note(point)
        if point in self._holds:
            self.reached.set()
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(0)

    async def handler(self, **kwargs: Any) -> Any:
        """The handler of the flow, an async function."""
        await self.visit("handler")
        return kwargs or "result"

    async def cancel_at_hold(self, flow: Flow, times: int = 1) -> None:
        """Run a flow and cancel it where it waits, `times` in a row; it must end as cancelled."""
        task = asyncio.ensure_future(flow.run({}))
        for _ in range(times):
            await self.reached.wait()
            self.reached.clear()
            task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return
        raise AssertionError("the cancellation was swallowed")


class Observer(Pipe):
    """Records all hooks except `pipe`, which are async."""

    def __init__(self, name: str, record: Record) -> None:
        self.name = name
        self.record = record

    async def open(self) -> None:
        await self.record.visit(f"{self.name}.open")

    async def open_request(self) -> None:
        await self.record.visit(f"{self.name}.open_request")

    async def open_ws(self) -> None:
        await self.record.visit(f"{self.name}.open_ws")

    async def close(self) -> None:
        await self.record.visit(f"{self.name}.close")

    async def close_request(self) -> None:
        await self.record.visit(f"{self.name}.close_request")

    async def close_ws(self) -> None:
        await self.record.visit(f"{self.name}.close_ws")

    async def on_pipe_success(self) -> None:
        await self.record.visit(f"{self.name}.success")

    async def on_pipe_failure(self) -> None:
        await self.record.visit(f"{self.name}.failure")


class Wrapper(Observer):
    """Records its `pipe` as well."""

    async def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        await self.record.visit(f"{self.name}.pipe>")
        result = await next_pipe(**kwargs)
        await self.record.visit(f"{self.name}.pipe<")
        return result


class PlainWrapper(Pipe):
    """The same with plain functions; its `pipe` cannot see the result."""

    def __init__(self, name: str, record: Record) -> None:
        self.name = name
        self.record = record

    def open(self) -> None:
        self.record.note(f"{self.name}.open")

    def close(self) -> None:
        self.record.note(f"{self.name}.close")

    def pipe(self, next_pipe: NextPipe, /, **kwargs: Any) -> Any:
        self.record.note(f"{self.name}.pipe>")
        return next_pipe(**kwargs)

    def on_pipe_success(self) -> None:
        self.record.note(f"{self.name}.success")

    def on_pipe_failure(self) -> None:
        self.record.note(f"{self.name}.failure")
