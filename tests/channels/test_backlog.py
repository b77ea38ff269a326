from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels import Kind, Namespace, Position, Publication
from emmett.channels.backlog import Backlog
from emmett.channels.latest import Item
from emmett.channels.names import MAX_NAMES
from emmett.channels.namespaces import Slow


def item(number: int, channel: str = "room:1", data: str = "", placed: bool = True) -> Item:
    text = data or str(number)
    return Publication(channel, text, Kind.MESSAGE, Position("e", number) if placed else None), text


def put(backlog: Backlog, *items: Item, is_extra: bool = False) -> bool:
    return backlog.add(items, len(items), sum(len(message) for _, message in items), is_extra)


def make(slow: Slow, messages: int = 3, size: int = 1000) -> Backlog:
    return Backlog(Namespace("room", slow=slow, queue_messages=messages, queue_bytes=size))


def take_all(backlog: Backlog) -> list[Publication]:
    return list(iter(backlog.pop, None))


def test_publications_within_the_limits_come_out_in_order() -> None:
    backlog = make("disconnect")
    assert put(backlog, item(1), item(2))
    assert put(backlog, item(3))
    assert [each.data for each in take_all(backlog)] == ["1", "2", "3"]
    assert backlog.pop() is None


def test_disconnect_applies_to_messages_and_to_bytes() -> None:
    assert not put(make("disconnect"), *map(item, range(4)))
    assert not put(make("disconnect", size=10), item(1, data="x" * 6), item(2, data="x" * 6))
    # A single publication is always taken, because it is not larger than max_message_size.
    assert put(make("disconnect", size=10), item(1, data="x" * 11))


def test_drop_oldest_reports_a_gap_before_the_next_publication_of_the_channel() -> None:
    backlog = make("drop_oldest")
    assert put(backlog, item(1), item(1, "room:2"), *map(item, range(2, 5)))
    assert backlog.dropped == 2
    assert take_all(backlog) == [
        Publication("room:1", "", Kind.GAP, Position("e", 1)),
        *(publication for publication, _ in map(item, range(2, 5))),
    ]
    put(backlog, item(2, "room:2"))
    assert [each.kind for each in take_all(backlog)] == [Kind.GAP, Kind.MESSAGE]


def test_without_positions_dropped_publications_are_only_counted() -> None:
    backlog = make("drop_oldest")
    put(backlog, *(item(number, placed=False) for number in range(5)))
    assert backlog.dropped == 2
    assert [each.data for each in take_all(backlog)] == ["2", "3", "4"]


def test_a_dropped_gap_is_still_reported() -> None:
    backlog = make("drop_oldest", messages=1)
    gap = Publication("ticks", "", Kind.GAP)
    put(backlog, (gap, ""), item(1, "ticks", placed=False))
    assert [each.kind for each in take_all(backlog)] == [Kind.GAP, Kind.MESSAGE]


def test_latest_keeps_the_newest_of_each_channel() -> None:
    backlog = make("latest")
    put(backlog, item(1, placed=False), item(1, "room:2", placed=False), *(item(n, placed=False) for n in (2, 3)))
    assert [(each.channel, each.data) for each in take_all(backlog)] == [("room:2", "1"), ("room:1", "3")]
    assert backlog.dropped == 2


def test_latest_drops_the_oldest_of_too_many_channels() -> None:
    backlog = make("latest")
    put(backlog, *(item(1, f"room:{number}", placed=False) for number in range(5)))
    assert [each.channel for each in take_all(backlog)] == ["room:2", "room:3", "room:4"]


def test_publications_from_the_history_do_not_count() -> None:
    backlog = make("disconnect")
    assert put(backlog, *map(item, range(10)), is_extra=True)
    assert put(backlog, *map(item, range(10, 13)))
    assert not put(backlog, item(13))
    take_all(backlog)
    assert not put(backlog, *map(item, range(4)))


def test_a_portion_has_a_size_and_includes_its_gaps() -> None:
    backlog = make("drop_oldest")
    put(backlog, *(item(number, data="x" * 6) for number in range(5)))
    items, gaps = backlog.portion(12)
    assert len(items) == 2
    assert gaps == [Publication("room:1", "", Kind.GAP, Position("e", 1))]
    backlog.discard(2, gaps)
    assert backlog.portion(1) == ([item(4, data="x" * 6)], [])
    assert backlog.first_of("room:1") == item(4, data="x" * 6)[0]
    assert backlog.first_of("room:2") is None
    backlog.clear()
    assert not backlog
    assert backlog.pop() is None


class Watched(Publication):
    """A publication that counts how often its channel is looked at."""

    looks = 0

    @property
    def channel(self) -> str:
        Watched.looks += 1
        return self[0]


def test_latest_takes_constant_time_however_many_channels_are_live() -> None:
    def count_looks(channels: int) -> float:
        backlog = make("latest", messages=channels * 2 // 3, size=10**6)
        Watched.looks = 0
        rounds = [Watched(f"price:{number}", "1") for number in range(channels)] * 3
        for publication in rounds:
            assert put(backlog, (publication, "1"))
        assert len(backlog) == channels * 2 // 3
        return Watched.looks / len(rounds)

    assert count_looks(1500) == pytest.approx(count_looks(30), abs=0.2)
    assert count_looks(1500) < 4


def test_gaps_of_many_channels_under_a_pattern_become_one() -> None:
    """This also holds for channels that have no further publications."""
    backlog = make("drop_oldest", messages=64)
    for number in range(10_000):
        assert put(backlog, item(number, f"room:a:{number}"))
        assert len(backlog._gaps) <= MAX_NAMES
    told = take_all(backlog)
    assert told[0] == Publication("room:a:*", "", Kind.GAP, None)
    assert [each.kind for each in told[1:]] == [Kind.MESSAGE] * 64


def test_a_gap_of_a_pattern_that_is_dropped_comes_before_the_next_publication() -> None:
    backlog = make("drop_oldest", messages=1)
    put(backlog, (Publication("ticks:*", "", Kind.GAP), ""), item(1, "ticks:b", placed=False))
    assert [(each.kind, each.channel) for each in take_all(backlog)] == [
        (Kind.GAP, "ticks:*"),
        (Kind.MESSAGE, "ticks:b"),
    ]


@given(
    st.sampled_from(["drop_oldest", "latest"]),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 5), st.booleans()), max_size=60),
)
def test_it_is_bounded_and_loses_nothing_silently(slow: Slow, steps: list[tuple[int, int, bool]]) -> None:
    """A reader sees each channel in order, and a gap wherever publications are missing."""
    backlog = make(slow, messages=4, size=12)
    offsets = [0, 0, 0]
    seen = [0, 0, 0]

    def read(publication: Publication) -> None:
        channel = int(publication.channel[-1])
        assert publication.position is not None
        offset = publication.position.offset
        assert offset > seen[channel] if publication.kind is Kind.GAP else offset == seen[channel] + 1
        seen[channel] = offset

    for channel, size, reads in steps:
        offsets[channel] += 1
        name = f"room:{channel}"
        publication = Publication(name, "x" * size, Kind.MESSAGE, Position("e", offsets[channel]))
        assert put(backlog, (publication, "x" * size))
        assert len(backlog) <= 4
        if reads and (first := backlog.pop()) is not None:
            read(first)
    for publication in take_all(backlog):
        read(publication)
