from __future__ import annotations

import logging

import pytest

from emmett.rare_log import RareLog


def test_repeated_records_are_logged_once_a_pause_with_their_number(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = RareLog(logging.getLogger("emmett.channels"), pause=60.0, clock=lambda: now)
    for number in range(3):
        log.warn("slow %d", number)
    log.warn("another")
    now = 61.0
    log.warn("slow %d", 3)
    log.warn("slow %d", 4)
    assert [record.getMessage() for record in caplog.records] == [
        "slow 0",
        "another",
        "slow 3 (2 more since it was last logged)",
    ]
