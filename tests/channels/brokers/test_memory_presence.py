from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emmett.channels.brokers.memory_presence import UNTOLD_KEPT, MemoryRooms
from tests.channels.brokers.clock import Clock


def test_a_connection_may_change_its_member() -> None:
    rooms = MemoryRooms(Clock())
    assert rooms.join("a", "c1", "ada", b"1", 60)
    assert rooms.join("a", "c1", "bob", b"2", 60)
    assert rooms.present("a") == {"bob": (b"2", 1)}
    assert not rooms.join("a", "c2", "bob", b"3", 60)
    assert rooms.join("a", "c2", "ada", b"4", 60)
    assert rooms.present("a") == {"bob": (b"3", 1), "ada": (b"4", 1)}


def test_the_info_of_a_connection_that_left_stays_the_newest() -> None:
    rooms = MemoryRooms(Clock())
    rooms.join("a", "c1", "ada", b"1", 60)
    rooms.join("a", "c2", "ada", b"2", 60)
    rooms.leave("a", "c2")
    assert rooms.present("a") == {"ada": (b"2", 1)}


def test_an_empty_channel_takes_no_memory() -> None:
    clock = Clock()
    rooms = MemoryRooms(clock)
    rooms.join("a", "c1", "ada", b"", 60)
    rooms.leave("a", "c1")
    assert len(rooms) == 0
    rooms.join("a", "c1", "ada", b"", 60)
    clock.now += 60
    assert rooms.keep("a", [], 60) == ["ada"]
    assert len(rooms) == 0
    assert rooms.keep("a", [], 60) == []
    assert rooms.present("a") == {}


def test_members_that_are_not_refreshed_are_forgotten() -> None:
    clock = Clock()
    rooms = MemoryRooms(clock)
    for number in range(1000):
        rooms.join(f"a:{number}", "c1", "ada", b"", 60)
    clock.now += 60 + UNTOLD_KEPT
    for _ in range(501):
        rooms.join("b", "c1", "ada", b"", 60)
    assert len(rooms) == 1


ACTIONS = st.tuples(st.sampled_from(["join", "leave", "keep", "pass"]), st.integers(0, 4), st.integers(0, 2))


@given(st.lists(ACTIONS, max_size=60))
def test_joins_and_leaves_of_a_member_alternate(actions: list[tuple[str, int, int]]) -> None:
    """An observer of join, leave and keep knows the members, except for expired ones."""
    clock = Clock()
    rooms = MemoryRooms(clock)
    told: set[str] = set()
    for action, number, name in actions:
        connection, member = f"c{number}", f"m{name}"
        if action == "join":
            # A connection keeps its member, as it does in a hub.
            member = f"m{number % 3}"
            is_new = rooms.join("a", connection, member, b"", 10)
            assert is_new is (member not in told)
            told.add(member)
        elif action == "leave":
            gone = rooms.leave("a", connection)
            assert gone is None or gone in told
            told -= {gone} if gone else set()
        elif action == "keep":
            members = rooms.keep("a", [connection], 10)
            assert set(members) <= told
            told -= set(members)
        else:
            clock.now += 4
        assert set(rooms.present("a")) <= told
    clock.now += 11
    assert set(rooms.keep("a", [], 10)) == told
    assert len(rooms) == 0
