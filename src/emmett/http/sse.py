"""Server-sent events (WHATWG HTML, 9.2) and their encoding."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..errors import UsageError
from .render import encode_json

CONTENT_TYPE = "text/event-stream"

# The line ends of a stream (WHATWG HTML, 9.2.5); no other character ends a line.
_LINE_END = re.compile(r"\r\n|\r|\n")
# Clients ignore an `id` with NUL (WHATWG HTML, 9.2.6), and a line end would begin another field.
_FORBIDDEN = re.compile(r"[\0\r\n]")


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event.

    Arguments:
        data: the content: text is sent unchanged, with any number of lines; any other value is sent as JSON. With
            `None`, the client stores `id` and `retry` but dispatches no event to its page.
        event: the type of the event, for `addEventListener`; the default is `message`.
        id: the value that the client sends in the header `Last-Event-ID` when it reconnects. ASCII is best, since the
            header is decoded as latin-1. An empty one clears the last.
        retry: the reconnection delay in seconds, from now on.

    Raises:
        ValueError: `event` or `id` contains a line end or NUL, or `retry` is negative or not a number.
        UsageError: raised when sending: the data is neither text nor representable in JSON; bytes are not text.
    """

    data: object = None
    event: str | None = None
    id: str | None = None
    retry: float | None = None

    def __post_init__(self) -> None:
        fields: tuple[tuple[str, object], ...] = (("event", self.event), ("id", self.id))
        for name, value in fields:
            if value is not None and (not isinstance(value, str) or _FORBIDDEN.search(value)):
                raise ValueError(f"{name}={value!r}: expected a str without line ends or NUL")
        if self.retry is not None and not (math.isfinite(self.retry) and self.retry >= 0):
            raise ValueError(f"retry={self.retry!r}: expected a number of seconds, 0 or more")


def encode_event(event: object) -> bytes:
    """Return an event in the form that is sent (WHATWG HTML, 9.2.5).

    Arguments:
        event: an `Event`, or the data of one.

    Raises:
        UsageError: the data is neither text nor representable in JSON.
    """
    if not isinstance(event, Event):
        event = Event(event)
    lines = []
    if event.event is not None:
        lines.append(f"event: {event.event}")
    if event.id is not None:
        lines.append(f"id: {event.id}")
    if event.retry is not None:
        lines.append(f"retry: {round(event.retry * 1000)}")
    if event.data is not None:
        # The client removes the space; without it, a space at the start of the data would be removed.
        lines += [f"data: {line}" for line in _LINE_END.split(_text(event.data))]
    elif event.event is None and event.id is None:
        # A `retry` applies as soon as its line is read. Some clients take a following empty line as an empty event.
        return "".join(f"{line}\n" for line in lines).encode("utf-8")
    return "\n".join([*lines, "", ""]).encode("utf-8")


def encode_comment(text: str = "") -> bytes:
    """Return a comment, which clients ignore: it shows that the connection is alive.

    No empty line follows: it would end an event without data, which some clients dispatch.
    """
    return "".join(f": {line}\n" if line else ":\n" for line in _LINE_END.split(text)).encode("utf-8")


def _text(data: object) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        raise UsageError(f"an event with data of type {type(data).__name__}: allowed are str and JSON values")
    return encode_json(data).decode("utf-8")
