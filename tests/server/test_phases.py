"""The table of phases: allowed and refused transitions, and its diagram."""

from __future__ import annotations

from enum import Enum

import pytest

from emmett.server.phases import PhaseTable


class Door(Enum):
    """The phases of a door."""

    SHUT = "nobody passes"
    OPEN = "all pass"
    GONE = "there is no door"


TABLE = PhaseTable(
    {
        Door.SHUT: {Door.OPEN: "a push", Door.GONE: "an axe"},
        Door.OPEN: {Door.SHUT: "a draught"},
        Door.GONE: {},
    }
)


def test_it_begins_with_the_first_phase() -> None:
    assert TABLE.first is Door.SHUT


@pytest.mark.parametrize("before", Door)
@pytest.mark.parametrize("after", Door)
def test_only_phases_in_the_table_may_follow(before: Door, after: Door) -> None:
    if after in TABLE.transitions[before]:
        assert TABLE.follow(before, after) is after
    else:
        with pytest.raises(RuntimeError, match=f"a connection in phase {before.name} cannot enter {after.name}; "):
            TABLE.follow(before, after)


def test_the_error_names_what_is_allowed() -> None:
    with pytest.raises(RuntimeError, match=r"allowed: OPEN, GONE$"):
        TABLE.follow(Door.SHUT, Door.SHUT)
    with pytest.raises(RuntimeError, match=r"allowed: nothing$"):
        TABLE.follow(Door.GONE, Door.SHUT)


def test_each_phase_must_be_in_the_table() -> None:
    with pytest.raises(ValueError, match="no transitions are given for GONE, OPEN"):
        PhaseTable({Door.SHUT: {}})


def test_the_table_can_be_drawn() -> None:
    assert TABLE.drawing().splitlines() == [
        "stateDiagram-v2",
        "    SHUT : SHUT - nobody passes",
        "    OPEN : OPEN - all pass",
        "    GONE : GONE - there is no door",
        "    [*] --> SHUT",
        "    SHUT --> OPEN : a push",
        "    SHUT --> GONE : an axe",
        "    OPEN --> SHUT : a draught",
        "    GONE --> [*]",
    ]
