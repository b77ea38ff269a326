from __future__ import annotations

import resource
import sys
from dataclasses import dataclass, replace
from typing import Any

import pytest

from benchmarks.contestants import CONTESTANTS, LIMIT, Contestant
from benchmarks.machine import current_placement
from benchmarks.plan import LoadFailed
from benchmarks.scenario import MESSAGES, LoadScenario
from benchmarks.server_process import ServerFailed
from benchmarks.stage import OTHER_FILES, Stage, Timing, allow_files

pytest.importorskip("uvloop")

RAW = CONTESTANTS[LIMIT]
TINY = LoadScenario(
    "tiny", "Tiny", "echo", MESSAGES, 2, {"kind": "echo", "path": "/echo/lobby", "in_flight": 3, "size": 16}
)


def stage(contestant: Contestant) -> Stage:
    return Stage(contestant, sys.executable, Timing(0.02, 0.2), current_placement())


def test_a_server_is_started_measured_and_stopped() -> None:
    outcome = TINY.measure(stage(RAW))
    assert outcome.count > 0
    assert outcome.value == pytest.approx(outcome.count / outcome.seconds)
    assert outcome.checked_bytes >= outcome.count * (16 + 6)


def test_a_server_that_does_not_start_shows_its_output() -> None:
    broken = replace(RAW, command=lambda python, options: [python, "-c", "raise SystemExit('nothing works')"])
    with pytest.raises(ServerFailed, match=r"(?s)status 1 at once.*nothing works"):
        TINY.measure(stage(broken))


def test_a_server_that_answers_wrongly_is_a_failure() -> None:
    # The raw echo server is sent a websocket handshake.
    with pytest.raises(LoadFailed, match=r"(?s)not 101.*The server wrote: nothing"):
        TINY.measure(stage(replace(RAW, raw=False)))


def test_options_have_a_free_port_and_a_certificate_on_request() -> None:
    plain, secure = stage(RAW).options(workers=2, mode="funnel"), stage(RAW).options(secure=True)
    assert (plain.workers, plain.mode, plain.certificate) == (2, "funnel", None)
    assert plain.port > 0
    assert secure.certificate is not None
    assert secure.key is not None


@dataclass
class Limits:
    """Replaces the limits of the kernel."""

    soft: int
    hard: int
    root: bool = False

    def getrlimit(self, which: int) -> tuple[int, int]:
        return self.soft, self.hard

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        soft, hard = limits
        if hard > self.hard and not self.root:
            raise ValueError("not allowed to raise maximum limit")
        self.soft, self.hard = soft, hard


@pytest.mark.parametrize(
    ("limits", "connections", "soft"),
    [
        (Limits(20_000, 20_000), 1000, 20_000),
        (Limits(1024, 20_000), 5000, 7500 + OTHER_FILES),
        (Limits(1024, 20_000), 15_000, 20_000),
        (Limits(1024, 20_000, root=True), 15_000, 22_500 + OTHER_FILES),
        (Limits(resource.RLIM_INFINITY, resource.RLIM_INFINITY), 15_000, resource.RLIM_INFINITY),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_allowed(
    limits: Limits, connections: int, soft: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("getrlimit", "setrlimit"):
        monkeypatch.setattr(resource, name, getattr(limits, name))
    allowed = allow_files(connections)
    assert limits.soft in {soft, max(soft, 20_000)}
    enough: Any = limits.soft == resource.RLIM_INFINITY or limits.soft >= connections * 1.5
    assert allowed == (connections if enough else (20_000 - OTHER_FILES) * 2 // 3)
