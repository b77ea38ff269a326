"""How `emmett develop` restarts its process; tests/cli/ runs real processes."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from emmett.server import make_config
from emmett.server.listeners import Listeners
from emmett.server.reloading import Reloader
from tests.server.fake_children import Nursery


class Bench:
    """A reloader with stand-ins for its processes."""

    def __init__(self) -> None:
        config = make_config("app:app", port=0, reload=True, configure_logging=False)
        self.nursery = Nursery()
        self.listeners = Listeners(config)
        self.reloader = Reloader(config, self.listeners, self.nursery.start, self.nursery.clock)
        self.reloader.start()
        self.port = config.port

    def is_refused(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.listeners.close()
    bench.nursery.close()


def test_a_change_replaces_the_process(bench: Bench) -> None:
    (first,) = bench.nursery.children
    first.serves = True
    first.exit(0)
    bench.reloader.start()
    assert first.asked == ["terminate"]
    assert len(bench.nursery.children) == 2
    # The sockets are kept, so clients that connect meanwhile wait in them.
    assert bench.listeners.sockets


def test_a_process_that_does_not_end_is_killed(bench: Bench) -> None:
    bench.reloader.stop()
    assert bench.nursery.children[0].asked == ["terminate", "kill"]


def test_a_process_that_dies_while_serving_is_restarted(bench: Bench) -> None:
    (first,) = bench.nursery.children
    first.serves = True
    first.exit(-11)
    bench.reloader.look()
    assert not bench.listeners.sockets
    bench.reloader.look()
    second = bench.nursery.children[1]
    assert bench.listeners.sockets
    second.serves = True
    second.exit(-11)
    bench.reloader.look()
    bench.reloader.look()
    assert len(bench.nursery.children) == 2, "the second time in a row there is a pause"
    bench.nursery.now += 0.5
    bench.reloader.look()
    assert len(bench.nursery.children) == 3


def test_after_a_failed_start_clients_are_refused_until_a_change(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.nursery.children[0].exit(1)
    bench.reloader.look()
    bench.nursery.now += 3600
    bench.reloader.look()
    assert len(bench.nursery.children) == 1
    assert bench.is_refused()
    assert "ended with status 1 before it served; waiting for a change" in caplog.text
    bench.reloader.start()
    assert len(bench.nursery.children) == 2
    assert bench.listeners.sockets[0].getsockname()[1] == bench.port


def test_a_port_taken_meanwhile_is_reported(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.nursery.children[0].exit(1)
    bench.reloader.look()
    with socket.create_server(("127.0.0.1", bench.port)):
        bench.reloader.start()
    assert "cannot listen" in caplog.text
    assert len(bench.nursery.children) == 1
    bench.reloader.start()
    assert len(bench.nursery.children) == 2
