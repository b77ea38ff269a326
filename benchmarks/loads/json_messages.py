"""Orders and their receipts in JSON: as plain messages, or as calls in the dialect of a server.

Servers write JSON with other blanks and another order of members, so the reply of each connection is learnt: the first
one is parsed and compared as data, and from then on the same bytes must come.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.frames import FINAL_TEXT, client_batch, split_frames
from benchmarks.loads.connecting import Collector
from benchmarks.plan import LoadFailed

LEARN_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a server has its calls.

    Attributes:
        request, reply: prefix and suffix of an order and of its receipt; `{index}` is the number of the message.
        path: the path of the websocket.
        hello: what the client sends first.
        greetings: how many messages the server sends before it takes calls.
    """

    request: tuple[str, str] = ("", "")
    reply: tuple[str, str] = ("", "")
    path: str = "/calls"
    hello: str = ""
    greetings: int = 0

    def call(self, index: int, order: dict[str, object]) -> bytes:
        """Return the text of a call."""
        before, after = (part.replace("{index}", str(index)) for part in self.request)
        return f"{before}{json.dumps(order, separators=(',', ':'))}{after}".encode()

    def answer(self, index: int, receipt: dict[str, object]) -> tuple[str, object]:
        """Return what is in front of the JSON of an answer, and its value."""
        before, after = (part.replace("{index}", str(index)) for part in self.reply)
        head = before[: len(before) - len(before.lstrip("0123456789"))]
        return head, json.loads(f"{before[len(head) :]}{json.dumps(receipt)}{after}")


DIALECTS = {
    "": Dialect(),
    "jsonrpc": Dialect(
        ('{"jsonrpc":"2.0","id":{index},"method":"order","params":', "}"),
        ('{"jsonrpc":"2.0","id":{index},"result":', "}"),
    ),
    "chanx": Dialect(('{"action":"order","payload":', "}"), ('{"action":"receipt","payload":', "}")),
    # Packets of Engine.IO (4: message) and Socket.IO (0: connect, 2: event, 3: acknowledgement).
    "socketio": Dialect(
        ('42{index}["order",', "]"), ("43{index}[", "]"), "/socket.io/?EIO=4&transport=websocket", "40", 2
    ),
}


def order(connection: int, index: int) -> dict[str, object]:
    """Return the order of one message; no other message has the same."""
    named = {"id": connection * 1000 + index, "name": f"customer {connection}"}
    return {**named, "price": connection + 0.25, "quantity": index + 2, "tags": ["new", "paid", f"lane {index}"]}


def receipt(connection: int, index: int) -> dict[str, object]:
    """Return the receipt that must answer `order`; quarters have no rounding in any language."""
    total = (connection + 0.25) * (index + 2)
    return {"id": connection * 1000 + index, "name": f"customer {connection}", "total": total}


def request(connection: int, messages: int, dialect: str = "") -> bytes:
    """Return the frames of so many orders."""
    form = DIALECTS[dialect]
    payloads = [form.call(index, order(connection, index)) for index in range(messages)]
    return client_batch(payloads, connection * messages)


async def learn_reply(
    transport: asyncio.Transport, connection: int, messages: int, dialect: str = "", early: bytes = b""
) -> bytes:
    """Send the orders once, check the receipts, and return the reply, byte for byte.

    Arguments:
        early: what the server has sent already.

    Raises:
        LoadFailed: the receipts are wrong or do not come.
    """
    form = DIALECTS[dialect]
    if form.hello:
        await _learn(transport, client_batch([form.hello.encode()], 0), [None] * form.greetings, early)
    expected = [form.answer(index, receipt(connection, index)) for index in range(messages)]
    return await _learn(transport, request(connection, messages, dialect), expected)


async def _learn(
    transport: asyncio.Transport, data: bytes, expected: Sequence[tuple[str, object] | None], early: bytes = b""
) -> bytes:
    learner = Collector(partial(_are_right, expected), "after an order")
    transport.set_protocol(learner)
    learner.data_received(early)
    transport.write(data)
    try:
        async with asyncio.timeout(LEARN_TIMEOUT):
            return await learner.whole
    except TimeoutError:
        raise LoadFailed(f"only {learner.data!r} came within {LEARN_TIMEOUT:.0f} s after an order") from None


def _are_right(expected: Sequence[tuple[str, object] | None], data: bytes) -> bool:
    """Compare messages with expected ones: text in front of JSON, and its value; None for any message."""
    frames, rest = split_frames(data)
    for (first, payload), each in zip(frames, expected, strict=False):
        if first != FINAL_TEXT or (each is not None and not _matches(payload.decode(), *each)):
            raise LoadFailed(f"the receipt is {payload!r} instead of {each}")
    if len(frames) > len(expected) or (rest and len(frames) == len(expected)):
        raise LoadFailed(f"more came than {len(expected)} receipts: {data[-100:]!r}")
    return len(frames) == len(expected)


def _matches(text: str, head: str, value: object) -> bool:
    return text.startswith(head) and json.loads(text[len(head) :]) == value
