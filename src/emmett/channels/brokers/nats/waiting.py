"""Publications of a channel that wait for their turn, and leave together as one message."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from ....errors import BrokerRefused, BrokerUnavailable
from ...publication import Position
from ..port import Limits
from .format import MAX_PACKED


class WaitingPublication(NamedTuple):
    """A publication that waits for its turn.

    Fields:
        future: gets its position.
        id: the `Nats-Msg-Id` of a publication that is made once; empty for others.
    """

    payload: bytes
    limits: Limits
    future: asyncio.Future[Position | None]
    id: str


def id_of(name: str, key: str) -> str:
    """Return the ID, unique in the stream, of a publication that is made once."""
    content = f"{name} {key}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def take_together(waiting: deque[WaitingPublication], most: int) -> list[WaitingPublication]:
    """Remove and return publications to send as one message. Leave out those whose callers have gone."""
    taken: list[WaitingPublication] = []
    size, limits = 0, waiting[0].limits
    while waiting and len(taken) < MAX_PACKED:
        first = waiting[0]
        size += len(first.payload) + 4
        # One with an ID is a message of its own.
        if taken and (size > most or first.limits != limits or first.id or taken[0].id):
            break
        waiting.popleft()
        if not first.future.done():
            taken.append(first)
            limits = first.limits
    return taken


def fail_all(futures: Iterable[asyncio.Future[Position | None]], error: BaseException) -> None:
    """Give every caller a separate error: a shared one would collect all their tracebacks."""
    kind = BrokerRefused if isinstance(error, BrokerRefused) else BrokerUnavailable
    if isinstance(error, BrokerUnavailable):
        message = error.message
    elif isinstance(error, TimeoutError):
        message = "the NATS broker does not answer: no answer in time"
    else:
        message = "the NATS broker does not answer: it was stopped"
    for future in futures:
        if not future.done():
            future.set_exception(kind(message))
            # The caller may be gone.
            future.exception()
