from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from benchmarks.contestants import CONTESTANTS, LIMIT
from benchmarks.measure import Timing, measure
from benchmarks.placement import current_placement
from benchmarks.plan import LoadFailed
from benchmarks.scenarios import EchoScenario
from benchmarks.server_process import ServerFailed

pytest.importorskip("uvloop")

RAW = CONTESTANTS[LIMIT]
TINY = EchoScenario("tiny", "Tiny", connections=2, in_flight=3, size=16)
TIMING = Timing(warm_up=0.02, seconds=0.2)


def test_a_server_is_started_measured_and_ended() -> None:
    sample = measure(RAW, sys.executable, TINY, TIMING, current_placement(), 4)
    assert (sample.scenario, sample.contestant, sample.round_number) == ("tiny", "raw", 4)
    assert sample.messages > 0
    assert sample.rate == pytest.approx(sample.messages / sample.seconds)
    assert sample.checked_bytes >= sample.messages * (16 + 6)


def test_a_server_that_does_not_start_shows_its_output() -> None:
    broken = replace(RAW, command=lambda python, port: [python, "-c", "raise SystemExit('nothing works')"])
    with pytest.raises(ServerFailed, match=r"(?s)status 1 at once.*nothing works"):
        measure(broken, sys.executable, TINY, TIMING, current_placement(), 0)


def test_a_server_that_answers_wrongly_is_a_failure() -> None:
    # The raw echo is asked for a websocket.
    with pytest.raises(LoadFailed, match="not 101"):
        measure(replace(RAW, path="/echo"), sys.executable, TINY, TIMING, current_placement(), 0)
