from __future__ import annotations

from emmett.channels import Kind, Position, Publication
from emmett.channels.gaps import Gaps


def gap(channel: str, offset: int | None = None) -> Publication:
    return Publication(channel, "", Kind.GAP, None if offset is None else Position("e", offset))


def test_a_gap_waits_for_its_channel() -> None:
    gaps = Gaps(10)
    gaps.add("room:1", Position("e", 3))
    gaps.add("room:1", Position("e", 4))
    gaps.add("room:2", Position("e", 1))
    assert gaps.before(["room:3"]) == []
    assert gaps.before(["room:1", "room:1"]) == [gap("room:1", 4)]
    # The gap stays until it has been sent.
    assert gaps.before(["room:1"]) == [gap("room:1", 4)]
    gaps.discard([gap("room:1", 4)])
    assert gaps.before(["room:1"]) == []
    assert len(gaps) == 1
    gaps.clear()
    assert not gaps


def test_too_many_gaps_become_one_of_the_narrowest_pattern() -> None:
    gaps = Gaps(2)
    for name in ("room:a:1", "room:a:2", "room:a:23"):
        gaps.add(name, Position("e", 1))
    # The gap of the pattern already covers this one.
    gaps.add("room:a:4", Position("e", 1))
    assert len(gaps) == 1
    gaps.add("room:b", Position("e", 7))
    assert gaps.before(["room:b", "room:a:99"]) == [gap("room:a:*"), gap("room:b", 7)]
    gaps.add("room:c", Position("e", 1))
    gaps.add("room:d", Position("e", 1))
    assert gaps.before(["room:b"]) == [gap("room:*")]
    gaps.discard([gap("room:*")])
    assert not gaps


def test_the_merged_pattern_covers_a_name_that_begins_another() -> None:
    gaps = Gaps(1)
    gaps.add("room:a", None)
    gaps.add("room:a:b", None)
    assert gaps.before(["room:x"]) == [gap("room:*")]


def test_a_gap_of_a_pattern_comes_before_everything_that_it_covers() -> None:
    gaps = Gaps(10)
    gaps.add("room:*", None)
    gaps.add("words:*", None)
    gaps.add("room:1", Position("e", 1))
    assert gaps.before(["room:2"]) == [gap("room:*")]
    assert gaps.before(["words:1", "room:2"]) == [gap("room:*"), gap("words:*")]
