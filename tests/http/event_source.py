"""A client of server-sent events, which reads a stream as section 9.2.6 of the WHATWG HTML standard describes."""

from __future__ import annotations

import re
from typing import NamedTuple


class Received(NamedTuple):
    """An event as the page of a client gets it."""

    event: str
    data: str
    last_event_id: str


def receive(stream: bytes) -> list[Received]:
    """Read a whole stream."""
    got: list[Received] = []
    last_event_id, id_buffer, event, data = "", "", "", ""
    text = stream.decode("utf-8").removeprefix("\ufeff")
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        name, colon, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            last_event_id = id_buffer
            if data:
                got.append(Received(event or "message", data.removesuffix("\n"), last_event_id))
            event = data = ""
        elif colon and not name:
            pass
        elif name == "event":
            event = value
        elif name == "data":
            data += value + "\n"
        elif name == "id" and "\0" not in value:
            id_buffer = value
        else:
            assert name == "retry", f"an unknown field: {line!r}"
            assert value.isdigit()
    return got
