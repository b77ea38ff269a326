"""Server-sent events (WHATWG HTML, 9.2): what one event looks like on its way."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from ..errors import UsageError
from .render import encode_json

CONTENT_TYPE = "text/event-stream"

# What ends a line of a stream (WHATWG HTML, 9.2.5); no other character does.
_LINE_END = re.compile(r"\r\n|\r|\n")
# An `id` with NUL is ignored by clients (WHATWG HTML, 9.2.6), and a line end would begin another field.
_FORBIDDEN = re.compile(r"[\0\r\n]")


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event.

    Arguments:
        data: what the client gets: text as it is, of any number of lines; anything else as JSON. With `None` the client
            takes note of `id` and `retry`, but gives its page no event.
        event: the type of the event, for `addEventListener`; without one it is `message`.
        id: what the client names in the header `Last-Event-ID` when it comes back after a break. ASCII is best: the
            header is read as latin-1. An empty one takes back the last.
        retry: seconds after which the client is to come back when the connection breaks, from now on.

    Raises:
        ValueError: for an `event` or `id` with a line end or NUL, or a `retry` that is negative or no number.
        UsageError: for data that is neither text nor JSON can express, when it is sent; bytes are not text.
    """

    data: object = None
    event: str | None = None
    id: str | None = None
    retry: float | None = None

    def __post_init__(self) -> None:
        fields: tuple[tuple[str, object], ...] = (("event", self.event), ("id", self.id))
        for name, value in fields:
            if value is not None and (not isinstance(value, str) or _FORBIDDEN.search(value)):
                raise ValueError(f"{name}={value!r}: expected a str without line ends and NUL")
        if self.retry is not None and not (math.isfinite(self.retry) and self.retry >= 0):
            raise ValueError(f"retry={self.retry!r}: expected a number of seconds, 0 or more")


def encode_event(event: object) -> bytes:
    """Return an event as it is sent (WHATWG HTML, 9.2.5).

    Arguments:
        event: an `Event`, or the data of one.

    Raises:
        UsageError: when the data is neither text nor anything that JSON can express.
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
        # The blank is cut by the client; without it, a blank with which the data begins would be.
        lines += [f"data: {line}" for line in _LINE_END.split(_text(event.data))]
    elif event.event is None and event.id is None:
        # A `retry` counts as soon as its line is read. As for comments, an empty line would make it an empty event.
        return "".join(f"{line}\n" for line in lines).encode("utf-8")
    return "\n".join([*lines, "", ""]).encode("utf-8")


def encode_comment(text: str = "") -> bytes:
    """Return a comment, which clients leave out: it shows that the connection is alive.

    No empty line follows: it would end an event that has no data, and there are clients that hand such an event on.
    """
    return "".join(f": {line}\n" if line else ":\n" for line in _LINE_END.split(text)).encode("utf-8")


def _text(data: object) -> str:
    if isinstance(data, str):
        return data
    if isinstance(data, (bytes, bytearray, memoryview)):
        raise UsageError(f"an event with data of type {type(data).__name__}: allowed is str, or what JSON can express")
    return encode_json(data).decode("utf-8")
