"""The methods that the clients of test_calls_clients.py call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from emmett import App, websocket
from emmett.errors import CallError

app = App(__name__)
calls = app.calls("/api", max_refusals="1000/s")


class Added(msgspec.Struct):
    name: str
    count: int


calls.emits(Added)
cancelled: list[str] = []


@app.route("/")
async def index() -> str:
    return "<!doctype html><title>calls</title>"


@calls.method()
async def add(a: int, b: int = 0) -> int:
    return a + b


@calls.method()
async def echo(value: Any) -> Any:
    return value


@calls.method()
async def nothing() -> None: ...


@calls.method()
async def refuse(code: int) -> None:
    raise CallError(code, "no seats left", {"wait": 5})


@calls.method()
async def fail() -> None:
    raise RuntimeError("the reason is no business of the client")


@calls.method()
async def wait(name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        cancelled.append(name)


@calls.method()
async def what_was_cancelled() -> list[str]:
    return cancelled


@calls.method()
async def count(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


@calls.method()
async def tick(name: str) -> AsyncIterator[int]:
    number = 0
    try:
        while True:
            yield number
            number += 1
            await asyncio.sleep(0.001)
    finally:
        cancelled.append(name)


@calls.event()
async def added(name: str, count: int) -> None:
    await calls.notify(Added(name, count))


@calls.method()
async def ask(number: int) -> int:
    doubled: int = await calls.request("double", [number], type=int)
    return doubled


@calls.method()
async def leave() -> None:
    await websocket.close(4000, "as asked")
