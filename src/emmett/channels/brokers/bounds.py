"""Limit an answer to a number of bytes."""

from __future__ import annotations

from collections.abc import Iterable

from .port import Entry


def up_to(max_bytes: int | None, entries: Iterable[Entry]) -> list[Entry]:
    """Return entries up to the one with which their payloads reach `max_bytes`; all entries for None."""
    if max_bytes is None:
        return list(entries)
    found: list[Entry] = []
    for entry in entries:
        found.append(entry)
        max_bytes -= len(entry.payload)
        if max_bytes <= 0:
            break
    return found
