"""Picking: the largest first, and in no turn of the loop more than a slice."""

from __future__ import annotations

import pytest

from emmett.inspector.picking import SLICE, convert, pick


class Turns:
    """Counts the items that are looked at in each turn."""

    def __init__(self) -> None:
        self.counts = [0]

    def look(self, item: int) -> float | None:
        self.counts[-1] += 1
        return None if item % 2 else float(item)

    async def pause(self) -> None:
        self.counts.append(0)


async def test_the_largest_items_are_picked() -> None:
    turns = Turns()
    found, matching = await pick(range(5000), turns.look, 3, turns.pause)
    assert (found, matching) == ([4998, 4996, 4994], 2500)
    assert sum(turns.counts) == 5000
    assert max(turns.counts) <= SLICE


async def test_equals_keep_their_order() -> None:
    assert await pick(["a", "b", "c"], lambda _: 1.0, 2) == (["a", "b"], 3)


async def test_nothing_is_picked_from_nothing() -> None:
    assert await pick([], lambda _: 1.0, 2) == ([], 0)
    assert await pick([1, 2], lambda _: None, 2) == ([], 0)


@pytest.mark.parametrize("count", [0, 1, SLICE, 2 * SLICE + 1])
async def test_rows_are_converted_in_slices(count: int) -> None:
    turns = Turns()

    def make(item: int) -> int:
        _ = turns.look(item)
        return -item

    assert await convert(range(count), make, turns.pause) == [-item for item in range(count)]
    assert max(turns.counts) <= SLICE
