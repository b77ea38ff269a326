"""The order in which connections are refused, paused and dropped, and how they recover."""

from __future__ import annotations

import random

import pytest

from emmett.server.memory_budget import LARGEST_STEP, SMALLEST_STEP, MemoryBudget

MIB = 1024 * 1024


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Connection:
    """A connection that holds the number of bytes set by the test, which does not grow while reading is paused."""

    def __init__(self, budget: MemoryBudget, size: int = 0) -> None:
        self.budget = budget
        self.size = size
        self.measured = 0
        self.is_choked = self.is_shed = False

    def held(self) -> int:
        self.measured += 1
        return self.size

    def choke(self) -> None:
        self.is_choked = True

    def unchoke(self) -> None:
        self.is_choked = False

    def shed(self) -> None:
        self.is_shed = True
        self.size = 0

    def grow(self, size: int) -> None:
        self.size += size
        self.budget.note(self)


def budget(limit: int | None = 64 * MIB, connections: int = 100, clock: Clock | None = None) -> MemoryBudget:
    return MemoryBudget(limit, connections, 10.0, clock or Clock())


def fill(made: MemoryBudget, share: float) -> list[Connection]:
    """Let connections of one MiB each hold a share of the limit."""
    assert made.limit is not None
    connections = [Connection(made) for _ in range(int(made.limit * share) // MIB)]
    for connection in connections:
        connection.grow(MIB)
    return connections


def test_the_steps_leave_room_for_uncounted_memory() -> None:
    assert budget(1 << 40, 10_000).step == LARGEST_STEP
    assert budget(64 * MIB, 10_000).step == SMALLEST_STEP
    made = budget(256 * MIB, 10_000)
    assert made.step * 10_000 <= 256 * MIB // 4


def test_first_new_connections_are_refused() -> None:
    made = budget()
    connections = fill(made, 0.6)
    assert not made.is_scarce
    connections += fill(made, 0.1)
    assert made.is_scarce
    assert not any(each.is_choked or each.is_shed for each in connections)


def test_then_the_largest_connections_are_paused() -> None:
    made = budget()
    small, large = Connection(made, MIB // 4), Connection(made, 20 * MIB)
    for connection in (small, large):
        made.note(connection)
    fill(made, 0.5)
    assert made.paused
    assert large.is_choked
    assert not small.is_choked
    assert not large.is_shed


def test_at_the_limit_the_largest_connections_are_dropped() -> None:
    made = budget()
    small, large = Connection(made, MIB // 4), Connection(made, 20 * MIB)
    for connection in (small, large):
        made.note(connection)
    others = fill(made, 0.9)
    assert large.is_shed
    assert not small.is_shed
    assert sum(each.size for each in [small, large, *others]) < 64 * MIB


def test_a_dropped_connection_no_longer_counts() -> None:
    made = budget()
    large = Connection(made, 70 * MIB)
    made.note(large)
    assert large.is_shed
    large.grow(70 * MIB)
    made.add_up([], 0.0)
    assert made.held == 0


def test_when_peers_leave_connections_are_read_and_accepted_again() -> None:
    made = budget()
    connections = fill(made, 0.8)
    assert made.is_scarce
    assert made.paused
    for connection in connections[:30]:
        made.forget(connection)
    assert not made.is_scarce
    assert made.paused == 0
    assert not any(each.is_choked for each in connections[30:])


def test_the_sweep_notices_what_handlers_have_taken() -> None:
    made = budget()
    connections = fill(made, 0.8)
    assert made.paused
    for connection in connections:
        connection.size = 10
    made.add_up(connections, 1.0)
    assert (made.is_scarce, made.paused, made.held) == (False, 0, 10 * len(connections))
    assert not any(each.is_choked for each in connections)


def test_data_taken_meanwhile_saves_other_connections() -> None:
    made = budget()
    gone = fill(made, 0.6)
    for connection in gone:
        connection.size = 0
    others = fill(made, 0.5)
    assert not any(each.is_shed for each in others)
    assert not made.is_scarce


def test_a_connection_that_stays_paused_is_dropped() -> None:
    made = budget()
    connections = fill(made, 0.8)
    for now in (1.0, 5.0, 10.9):
        made.add_up(connections, now)
        assert not any(each.is_shed for each in connections)
    made.add_up(connections, 11.0)
    assert any(each.is_shed for each in connections)
    left = [each for each in connections if not each.is_shed]
    made.add_up(left, 12.0)
    assert len(left) < len(connections)
    assert made.held == len(left) * MIB


def test_the_sweep_counts_growth_below_a_step() -> None:
    made = budget(64 * MIB, 100_000)
    connections = [Connection(made, SMALLEST_STEP - 1) for _ in range(20_000)]
    made.add_up(connections, 0.0)
    assert made.held == 20_000 * (SMALLEST_STEP - 1)
    assert made.is_scarce


def test_growth_rarely_causes_a_scan_of_all_connections() -> None:
    made = budget(256 * MIB, 1000)
    connections = [Connection(made) for _ in range(1000)]
    for _ in range(8):
        for connection in connections:
            connection.grow(32 * 1024)
    assert sum(each.measured for each in connections) < 8 * 1000 + 1000 * 20


def test_without_a_limit_the_sweep_only_counts() -> None:
    made = budget(None)
    large = Connection(made, 1 << 50)
    made.note(large)
    made.add_up([large], 0.0)
    assert made.held == 1 << 50
    assert (made.is_scarce, large.is_choked, large.is_shed) == (False, False, False)


def test_it_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    made = budget(clock=clock)
    for _ in range(5):
        for connection in fill(made, 0.8):
            made.forget(connection)
    refused = [record.getMessage() for record in caplog.records if "refused" in record.getMessage()]
    assert len(refused) == 1
    assert "server.max_memory is 64 MiB" in refused[0]
    clock.now = 61.0
    fill(made, 0.8)
    assert sum("refused" in record.getMessage() for record in caplog.records) == 2


@pytest.mark.parametrize("seed", range(20))
def test_memory_always_stays_below_the_limit(seed: int) -> None:
    choose = random.Random(seed)
    made = budget(16 * MIB, 500)
    connections: list[Connection] = []
    for turn in range(3000):
        kind = choose.random()
        if not connections or (kind < 0.2 and len(connections) < 500 and not made.is_scarce):
            connections.append(Connection(made))
        connection = choose.choice(connections)
        if kind < 0.8 and not (connection.is_choked or connection.is_shed):
            connection.grow(choose.choice((made.step, 64 * 1024, MIB)))
        elif kind < 0.9:
            # The handler takes some data without reporting it.
            connection.size = choose.randint(0, connection.size)
        else:
            connections.remove(connection)
            made.forget(connection)
        if turn % 100 == 0:
            made.add_up(connections, float(turn))
        assert sum(each.size for each in connections) < 16 * MIB
    for connection in connections:
        made.forget(connection)
    made.add_up([], 5000.0)
    assert (made.held, made.paused, made.is_scarce) == (0, 0, False)
