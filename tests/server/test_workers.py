"""The supervisor of several processes; tests/cli/test_lifetimes.py runs real ones."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator

import pytest

from emmett.server import make_config
from emmett.server.systemd import Notifier
from emmett.server.workers import MAX_FAILED_STARTS, Workers
from tests.server.fake_children import FakeChild, Nursery


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def two_workers(nursery: Nursery) -> Workers:
    config = make_config("app:app", workers=2, configure_logging=False)
    workers = Workers(config, [], None, nursery.start, nursery.clock)
    workers.look()
    serve(nursery.children[0])
    workers.look()
    return workers


def serve(*children: FakeChild) -> None:
    for child in children:
        child.serves = True


def test_the_requested_number_of_processes_runs(nursery: Nursery) -> None:
    workers = two_workers(nursery)
    workers.look()
    assert len(nursery.children) == 2


def test_the_first_process_starts_alone_and_the_others_when_it_serves(nursery: Nursery) -> None:
    workers = Workers(
        make_config("app:app", workers=4, configure_logging=False), [], None, nursery.start, nursery.clock
    )
    for _ in range(3):
        workers.look()
        assert len(nursery.children) == 1
        # Nothing is due, so only an event of the process can change something.
        assert workers._pause() is None
    serve(nursery.children[0])
    workers.look()
    assert len(nursery.children) == 4


def test_the_first_process_is_restarted_alone(nursery: Nursery) -> None:
    workers = Workers(
        make_config("app:app", workers=4, configure_logging=False), [], None, nursery.start, nursery.clock
    )
    workers.look()
    nursery.children[0].exit(7)
    workers.look()
    workers.look()
    assert len(nursery.children) == 2
    serve(nursery.children[1])
    workers.look()
    assert len(nursery.children) == 5


def test_a_process_that_dies_is_replaced_at_once_and_the_next_ones_after_a_pause(nursery: Nursery) -> None:
    workers = two_workers(nursery)
    serve(*nursery.children)
    workers.look()
    nursery.children[0].exit(-9)
    workers.look()
    workers.look()
    assert len(nursery.children) == 3
    nursery.children[2].exit(7)
    workers.look()
    workers.look()
    assert len(nursery.children) == 3
    nursery.now += 0.5
    workers.look()
    assert len(nursery.children) == 4


def test_while_one_serves_the_other_is_restarted_forever(nursery: Nursery) -> None:
    workers = two_workers(nursery)
    serve(nursery.children[0])
    for _ in range(2 * MAX_FAILED_STARTS):
        nursery.children[-1].exit(3)
        workers.look()
        nursery.now += 30.0
        workers.look()
    assert len(nursery.children) == 2 + 2 * MAX_FAILED_STARTS


def test_if_no_process_can_start_the_server_ends(nursery: Nursery, caplog: pytest.LogCaptureFixture) -> None:
    config = make_config("app:app", workers=2, configure_logging=False)

    class Crashing(Nursery):
        def start(self, *_: object) -> object:  # type: ignore[override]
            child = super().start()
            self.children[-1].exit(7)
            return child

        def clock(self) -> float:
            # Time advances with each look at the clock, so that pauses end at once.
            self.now += 1.0
            return self.now

    crashing = Crashing()
    workers = Workers(config, [], None, crashing.start, crashing.clock)  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO):
        assert not workers.run()
    assert len(crashing.children) == MAX_FAILED_STARTS
    assert "ended with status 7; no worker serves, stopping the parent process" in caplog.text
    crashing.close()


def test_an_application_that_refuses_to_start_is_not_restarted(nursery: Nursery) -> None:
    workers = Workers(
        make_config("app:app", workers=4, configure_logging=False), [], None, nursery.start, nursery.clock
    )
    workers.look()
    nursery.children[0].exit(3)
    workers.look()
    workers.look()
    assert len(nursery.children) == 1
    assert workers._has_failed


def test_sighup_replaces_one_process_after_the_other(nursery: Nursery) -> None:
    workers = two_workers(nursery)
    serve(*nursery.children)
    workers.handle([signal.SIGHUP])
    workers.look()
    workers.look()
    first, second, new = nursery.children
    assert (first.asked, second.asked) == ([], [])
    serve(new)
    workers.look()
    assert (first.asked, second.asked) == (["terminate"], [])
    first.exit(0)
    workers.look()
    serve(nursery.children[3])
    workers.look()
    assert (second.asked, len(nursery.children)) == (["terminate"], 4)
    second.exit(0)
    workers.look()
    workers.look()
    assert len(nursery.children) == 4


def test_the_processes_are_kept_if_the_new_one_does_not_serve(
    nursery: Nursery, caplog: pytest.LogCaptureFixture
) -> None:
    workers = two_workers(nursery)
    serve(*nursery.children)
    workers.handle([signal.SIGHUP])
    workers.look()
    nursery.children[2].exit(1)
    workers.look()
    workers.look()
    assert len(nursery.children) == 3
    assert [child.asked for child in nursery.children[:2]] == [[], []]
    assert "before it served: the others stay" in caplog.text


class Signals:
    """Signals that a test has prepared."""

    def __init__(self, sentinel: int, *numbers: int) -> None:
        self._sentinel = sentinel
        self._numbers = list(numbers)

    def fileno(self) -> int:
        return self._sentinel

    def take(self) -> list[int]:
        return [self._numbers.pop(0)] if self._numbers else []


def test_a_process_that_does_not_end_is_killed_at_the_second_signal(nursery: Nursery) -> None:
    workers = two_workers(nursery)
    serve(*nursery.children)
    workers.handle([signal.SIGTERM])
    first, second = nursery.children
    first.exit(0)
    # The end of the first process stays readable, so there is no waiting.
    workers._stop(Signals(first.sentinel, signal.SIGTERM))  # type: ignore[arg-type]
    assert (first.asked, second.asked) == (["terminate"], ["terminate", "kill"])


def test_a_process_that_does_not_end_in_time_is_killed(nursery: Nursery) -> None:
    workers = two_workers(nursery)
    for child in nursery.children:
        child.stop_timeout = 0.0
    workers.handle([signal.SIGTERM])
    nursery.children[0].exit(0)
    workers._stop(Signals(nursery.children[0].sentinel))  # type: ignore[arg-type]
    assert nursery.children[1].asked == ["terminate", "kill"]


def test_a_start_and_a_restart_are_reported_once_all_serve(nursery: Nursery) -> None:
    reports: list[str] = []

    class Reports(Notifier):
        def _send(self, text: str) -> None:
            reports.append(text.partition("\n")[0])

    config = make_config("app:app", workers=2, configure_logging=False)
    workers = Workers(config, [], Reports({}), nursery.start, nursery.clock)
    workers.look()
    serve(nursery.children[0])
    workers.look()
    assert reports == []
    serve(nursery.children[1])
    workers.look()
    workers.look()
    assert reports == ["READY=1"]
    workers.handle([signal.SIGHUP])
    workers.look()
    serve(nursery.children[2])
    workers.look()
    assert reports == ["READY=1", "RELOADING=1"]
    serve(nursery.children[3])
    workers.look()
    assert reports == ["READY=1", "RELOADING=1", "READY=1"]
    # One process cannot be replaced; the others continue to serve.
    workers.handle([signal.SIGHUP])
    workers.look()
    nursery.children[4].exit(1)
    workers.look()
    assert reports[3:] == ["RELOADING=1", "READY=1"]
