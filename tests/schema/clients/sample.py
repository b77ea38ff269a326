"""An application whose calls have parameters and results of all kinds, for generated clients."""

from __future__ import annotations

import asyncio
import datetime
import enum
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from emmett import App, Response, websocket
from emmett.errors import CallError

app = App(__name__)
calls = app.calls("/api", disconnect_grace=0.01)
rooms = app.calls("/rooms/<str:room>/<int:number>", name="rooms")


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Say(msgspec.Struct):
    """Something to say."""

    room: str
    text: Annotated[str, msgspec.Meta(description="What is said.")]
    colour: Colour = Colour.RED
    tags: list[str] = []
    reply_to: int | None = None


class Said(msgspec.Struct):
    number: int
    room: str
    text: str
    at: Annotated[datetime.datetime, msgspec.Meta(tz=True)]
    id: UUID


@dataclass
class Point:
    x: float
    y: float = 0.0


class Circle(msgspec.Struct, tag_field="kind", tag="circle"):
    centre: Point
    radius: float


class Line(msgspec.Struct, tag_field="kind", tag="line"):
    start: Point
    end: Point


class Left(msgspec.Struct):
    user: str


class Tree(msgspec.Struct, rename={"from_": "from"}):
    name: str
    from_: str | msgspec.UnsetType = msgspec.UNSET
    children: list[Tree] = []


calls.emits(Said, name="said")
calls.emits(Left)

said: list[Said] = []
cancelled: asyncio.Event


@app.on_startup
def begin() -> None:
    """Forget the messages of earlier tests, since each has its own loop."""
    global cancelled
    said.clear()
    cancelled = asyncio.Event()


@calls.method()
async def add(a: int, b: int = 0) -> int:
    """Add two numbers.

    The result is exact: "2" is not a number, and C:\\temp is no path */ of ours.
    """
    return a + b


@calls.method()
async def say(message: Say) -> Said:
    """Say something to all."""
    at = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    said.append(Said(len(said) + 1, message.room, message.text, at, UUID(int=7)))
    await calls.notify(said[-1])
    return said[-1]


@calls.method()
async def answer(prompt: str, words: int | None = None) -> AsyncIterator[str]:
    """Answer word by word."""
    for word in ["You", "asked:", prompt][:words]:
        yield word


@calls.method()
async def endless() -> AsyncIterator[int]:
    """Count until cancelled."""
    try:
        number = 0
        while True:
            yield number
            number += 1
            await asyncio.sleep(0)
    finally:
        cancelled.set()


@calls.method()
async def was_cancelled() -> bool:
    await cancelled.wait()
    cancelled.clear()
    return True


@calls.method()
async def hang() -> None:
    """Never return."""
    try:
        await asyncio.Event().wait()
    finally:
        cancelled.set()


@calls.method()
async def grow(shape: Circle | Line, by: float) -> Circle | Line:
    if isinstance(shape, Circle):
        return Circle(shape.centre, shape.radius * by)
    return Line(shape.start, Point(shape.end.x * by, shape.end.y * by))


@calls.method()
async def depth(tree: Tree) -> int:
    return 1 + max([await depth(child) for child in tree.children], default=0)


@calls.method()
async def pairs(values: dict[str, tuple[int, str]], mode: Literal["keys", "all"] = "all") -> list[tuple[str, int]]:
    return [(key, number if mode == "all" else 0) for key, (number, _) in values.items()]


@calls.method("class")
async def take_class(data: bytes, on: datetime.date) -> dict[str, int]:
    return {on.isoformat(): len(data)}


@calls.method("file.read")
async def file_read(path: str, connection: str = "x") -> str:
    return f"{connection}:{path}"


@calls.method()
async def fail(code: int) -> None:
    raise CallError(code, "as you wish", {"wait": 5})


@calls.method()
async def confirmed() -> bool:
    """Ask the client."""
    return bool(await calls.request("confirm", {"text": "Sure?"}, type=bool))


@calls.method()
async def close_me(code: int, reason: str) -> None:
    await websocket.close(code, reason)


@calls.event()
async def leave(user: str) -> None:
    """Tell that somebody leaves."""
    await calls.notify(Left(user=user))


@rooms.method()
async def where(room: str, number: int) -> str:
    return f"{room}/{number}"


@app.route("/page/", methods="get")
async def page() -> Response:
    """Return a page for scripts, because browsers let only local pages connect to this machine."""
    return Response("<!doctype html>", content_type="text/html")
