"""An application for its docs page: calls, streams, events, a plain websocket and requests."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import AsyncIterator
from typing import Annotated

import msgspec

from emmett import App, abort, websocket

app = App(__name__)
app.schema("Tea house", "1.4", "Orders and news of a small tea house.")
app.docs("/docs", in_production=True)
calls = app.calls("/api")


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Order(msgspec.Struct):
    """What a guest wants."""

    tea: Annotated[str, msgspec.Meta(description="The name on the card.")]
    size: Size = Size.SMALL
    cups: int = 1
    with_milk: bool = False
    notes: list[str] = []


class Receipt(msgspec.Struct):
    number: int
    price: float
    order: Order


class Ready(msgspec.Struct):
    """An order that waits at the counter."""

    number: int
    tea: str


calls.emits(Ready)
orders: list[Order] = []


@calls.on_open
def enter() -> None:
    if websocket.query_params.token == "wrong":
        abort(403)


@calls.method(limit="100/s", timeout=10, errors={402: "It is not paid.", 17: "There is no such tea."})
async def order(what: Order) -> Receipt:
    """Order a cup of tea.

    The price depends on the `size`. An event `ready` follows when it can be drunk.
    """
    orders.append(what)
    await calls.notify(Ready(len(orders), what.tea))
    return Receipt(len(orders), 2.5 * what.cups, what)


@calls.method()
async def add(a: int, b: int = 0) -> int:
    """Add two numbers."""
    return a + b


@calls.method()
async def story(topic: str, words: int | None = None) -> AsyncIterator[str]:
    """Tell a story about a topic, word by word."""
    for word in f"Once upon a time there was a cup of {topic} that nobody drank".split()[:words]:
        yield word


@calls.method()
async def wait() -> AsyncIterator[str]:
    """Send one item and wait until cancelled."""
    yield "started"
    await asyncio.Event().wait()


@calls.method()
async def fail() -> None:
    """Fail."""
    raise RuntimeError("a secret")


@calls.event()
async def smell(tea: str) -> None:
    """Tell that somebody smells a tea."""
    await calls.notify(Ready(0, tea))


@app.websocket("/echo/<str:room>", receives=str, sends=str)
async def echo(room: str) -> None:
    """Send every message back, with the name of the room before it."""
    async for message in websocket:
        await websocket.send(f"{room}: {message}" if isinstance(message, str) else message)


@app.route("/teas/<int:number>", methods="get")
async def tea(number: int) -> dict[str, int]:
    """Show a tea."""
    return {"number": number}


@app.route("/teas", methods=["post", "delete"])
async def teas() -> str:
    """Change the card."""
    return "done"


@app.route("/orders", methods="post")
async def place(what: Order, gift: bool = False) -> Receipt:
    """Place an order."""
    return Receipt(1, 0.0 if gift else 2.5 * what.cups, what)


@app.route("/sums", methods="put")
async def total(numbers: list[int]) -> int:
    """Add numbers."""
    return sum(numbers)
