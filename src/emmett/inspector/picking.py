"""Pick the first few of many items, in slices, so that the event loop serves others in between."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Row = TypeVar("Row")

# Items per turn of the loop, at a few microseconds each.
SLICE = 200


async def next_turn() -> None:
    """Let the event loop serve others."""
    await asyncio.sleep(0)


async def pick(
    items: Sequence[Item],
    key: Callable[[Item], float | None],
    limit: int,
    pause: Callable[[], Awaitable[None]] = next_turn,
) -> tuple[list[Item], int]:
    """Return the items with the largest keys, largest first, and the number of items that have a key.

    Arguments:
        items: the items.
        key: returns the key of an item; None to ignore it.
        limit: the most items to return.
        pause: waits for the next turn.
    """
    best: list[tuple[float, int]] = []
    matching = 0
    for start in range(0, len(items), SLICE):
        found: list[tuple[float, int]] = []
        for number in range(start, min(start + SLICE, len(items))):
            value = key(items[number])
            if value is not None:
                # Items with equal keys keep their order.
                found.append((value, -number))
        matching += len(found)
        best = heapq.nlargest(limit, best + found)
        await pause()
    return [items[-number] for _, number in best], matching


async def convert(
    items: Iterable[Item], make: Callable[[Item], Row], pause: Callable[[], Awaitable[None]] = next_turn
) -> list[Row]:
    """Return a row for each item. Each turn of the loop handles a slice of them."""
    rows: list[Row] = []
    for item in items:
        rows.append(make(item))
        if not len(rows) % SLICE:
            await pause()
    return rows
