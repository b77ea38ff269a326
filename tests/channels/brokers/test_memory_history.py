from __future__ import annotations

import pytest

from emmett.channels.brokers import memory_history
from emmett.channels.brokers.memory_history import EPOCH_KEPT, LOOKED_AT, MemoryHistories
from emmett.channels.brokers.port import Limits
from emmett.channels.publication import Position
from tests.channels.brokers.clock import Clock

LIMITS = Limits(5, 60.0)


def count_entries(histories: MemoryHistories) -> int:
    logs = [*histories._busy.values(), *histories._quiet.values()]
    return sum(len(log.entries or ()) for log in logs)


def test_a_quiet_channel_keeps_its_place_for_a_day() -> None:
    clock = Clock()
    histories = MemoryHistories(clock)
    entry = histories.append("a", b"1", LIMITS)
    clock.now += LIMITS.ttl + EPOCH_KEPT - 1
    found = histories.read("a", entry.position, None, LIMITS)
    assert (found.entries, found.top, found.complete) == ([], entry.position, True)
    # Reading it reveals its position, which stays valid for another day.
    clock.now += EPOCH_KEPT - 1
    assert histories.append("a", b"2", LIMITS).position == Position(found.top.epoch, 2)


def test_after_a_day_a_channel_begins_again() -> None:
    clock = Clock()
    histories = MemoryHistories(clock)
    position = histories.append("a", b"1", LIMITS).position
    assert position is not None
    clock.now += LIMITS.ttl + EPOCH_KEPT
    found = histories.read("a", position, None, LIMITS)
    assert (found.entries, found.top.offset, found.complete) == ([], 0, False)
    assert found.top.epoch != position.epoch


def test_a_channel_that_was_only_read_is_forgotten_too() -> None:
    clock = Clock()
    histories = MemoryHistories(clock)
    for number in range(1000):
        histories.read(f"a:{number}", None, 0, LIMITS)
    assert len(histories) == 1000
    clock.now += EPOCH_KEPT
    for _ in range(1000 // LOOKED_AT + 1):
        histories.read("b", None, 0, LIMITS)
    assert len(histories) == 1


def test_a_quiet_channel_holds_no_entries() -> None:
    clock = Clock()
    histories = MemoryHistories(clock)
    for number in range(10):
        histories.append("a", b"%d" % number, LIMITS)
    assert count_entries(histories) == 5
    clock.now += LIMITS.ttl
    histories.append("b", b"", LIMITS)
    assert count_entries(histories) == 1
    assert len(histories) == 2


def test_new_channels_do_not_pile_up() -> None:
    """An endless series of channels used once: expired ones are removed as fast as new ones are added."""
    clock = Clock()
    histories = MemoryHistories(clock)
    most = 0
    for number in range(5000):
        histories.append(f"a:{number}", b"", Limits(1, 1.0))
        clock.now += EPOCH_KEPT / 100
        most = max(most, len(histories))
    assert most <= 220


def test_names_chosen_by_visitors_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reliability, line 88: however many names are published to or only read."""
    monkeypatch.setattr(memory_history, "MAX_BUSY", 100)
    monkeypatch.setattr(memory_history, "MAX_QUIET", 50)
    histories = MemoryHistories(Clock())
    for number in range(3000):
        histories.append(f"room:{number}", b"", LIMITS)
        histories.read(f"other:{number}", None, 0, LIMITS)
        assert len(histories._busy) <= 100
        assert len(histories._quiet) <= 50
    # The most recently used ones are left.
    assert set(histories._quiet) == {f"other:{number}" for number in range(2950, 3000)}


def test_a_channel_used_occasionally_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_history, "MAX_QUIET", 50)
    histories = MemoryHistories(Clock())
    top = histories.read("room:1", None, 0, LIMITS).top
    for number in range(1000):
        histories.read(f"other:{number}", None, 0, LIMITS)
        if not number % 40:
            assert histories.read("room:1", None, 0, LIMITS).top == top


def test_a_channel_with_subscribers_is_not_forgotten_in_favour_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_history, "MAX_QUIET", 50)
    histories = MemoryHistories(Clock(), is_subscribed=lambda name: name.startswith("room:"))
    tops = [histories.read(f"room:{number}", None, 0, LIMITS).top for number in range(200)]
    for number in range(1000):
        histories.read(f"other:{number}", None, 0, LIMITS)
    assert [histories.read(f"room:{number}", None, 0, LIMITS).top for number in range(200)] == tops
    # Each new channel causes a look at two, so half of those looked at may have subscribers.
    assert len(histories) <= 2 * 200 + 51


def test_narrower_limits_of_a_reader_apply() -> None:
    clock = Clock()
    histories = MemoryHistories(clock)
    for number in range(1, 6):
        histories.append("a", b"%d" % number, LIMITS)
        clock.now += 1
    top = histories.read("a", None, 0, LIMITS).top
    assert [entry.payload for entry in histories.read("a", None, None, Limits(2, 60.0)).entries] == [b"4", b"5"]
    assert [entry.payload for entry in histories.read("a", None, None, Limits(9, 3.5)).entries] == [b"3", b"4", b"5"]
    assert histories.read("a", Position(top.epoch, 2), None, Limits(9, 3.5)).complete
    assert not histories.read("a", Position(top.epoch, 1), None, Limits(9, 3.5)).complete


def test_every_run_has_its_own_epochs() -> None:
    epochs = {MemoryHistories(Clock()).read(name, None, 0, LIMITS).top.epoch for name in "abab"}
    assert len(epochs) == 4
    histories = MemoryHistories(Clock())
    first = histories.read("a", None, 0, LIMITS).top
    histories.forget()
    assert histories.read("a", None, 0, LIMITS).top.epoch != first.epoch
    assert Position.parse(str(first)) == first
