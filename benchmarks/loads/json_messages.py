"""Orders and their receipts in JSON.

Servers write JSON with other blanks and another order of members, so the reply of each connection is learnt: the first
one is parsed and compared as data, and from then on the same bytes must come.
"""

from __future__ import annotations

import asyncio
import json

from benchmarks.frames import FINAL_TEXT, client_batch, split_frames
from benchmarks.plan import LoadFailed

LEARN_TIMEOUT = 10.0


def order(connection: int, index: int) -> dict[str, object]:
    """Return the order of one message; no other message has the same."""
    return {
        "id": connection * 1000 + index,
        "name": f"customer {connection}",
        "price": connection + 0.25,
        "quantity": index + 2,
        "tags": ["new", "paid", f"lane {index}"],
    }


def receipt(connection: int, index: int) -> dict[str, object]:
    """Return the receipt that must answer `order`; quarters have no rounding in any language."""
    return {
        "id": connection * 1000 + index,
        "name": f"customer {connection}",
        "total": (connection + 0.25) * (index + 2),
    }


def request(connection: int, messages: int) -> bytes:
    """Return the frames of so many orders."""
    payloads = [json.dumps(order(connection, index), separators=(",", ":")).encode() for index in range(messages)]
    return client_batch(payloads, connection * messages)


async def learn_reply(transport: asyncio.Transport, connection: int, messages: int) -> bytes:
    """Send the orders once, and check the receipts.

    Returns:
        The reply, byte for byte.

    Raises:
        LoadFailed: the receipts are wrong or do not come.
    """
    learner = _Learner(connection, messages)
    transport.set_protocol(learner)
    transport.write(request(connection, messages))
    try:
        async with asyncio.timeout(LEARN_TIMEOUT):
            return await learner.reply
    except TimeoutError:
        raise LoadFailed(f"only {learner.data!r} came within {LEARN_TIMEOUT:.0f} s after an order") from None


class _Learner(asyncio.Protocol):
    def __init__(self, connection: int, messages: int) -> None:
        self.expected = [receipt(connection, index) for index in range(messages)]
        self.data = b""
        self.reply: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.data += data
        if not self.reply.done():
            try:
                self._check()
            except (LoadFailed, ValueError) as error:
                self.reply.set_exception(LoadFailed(str(error)))

    def _check(self) -> None:
        frames, rest = split_frames(self.data)
        for (first, payload), expected in zip(frames, self.expected, strict=False):
            if first != FINAL_TEXT or json.loads(payload) != expected:
                raise LoadFailed(f"the receipt is {payload!r} instead of {json.dumps(expected)}")
        if len(frames) > len(self.expected) or (rest and len(frames) == len(self.expected)):
            raise LoadFailed(f"more came than {len(self.expected)} receipts: {self.data[-100:]!r}")
        if len(frames) == len(self.expected):
            self.reply.set_result(self.data)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.reply.done():
            self.reply.set_exception(LoadFailed(f"the server closed after an order: {error or 'end of stream'}"))
