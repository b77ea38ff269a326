from __future__ import annotations

import itertools

from emmett.channels.brokers.bounds import up_to
from emmett.channels.brokers.port import Entry


def test_entries_are_taken_up_to_the_one_that_reaches_the_limit() -> None:
    entries = [Entry(b"x" * size, None) for size in (1, 4, 5, 100, 1)]
    assert up_to(None, entries) == entries
    assert up_to(5, entries) == entries[:2]
    assert up_to(6, entries) == entries[:3]
    assert up_to(10_000, entries) == entries
    assert up_to(1, []) == []


def test_at_least_one_entry_is_taken_and_no_more_are_read_than_needed() -> None:
    assert up_to(1, (Entry(b"%d" % number, None) for number in itertools.count())) == [Entry(b"0", None)]
