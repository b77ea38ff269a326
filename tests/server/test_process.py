"""Options that do not go together, and signals; tests/cli/ and tests/integration/ run real processes."""

from __future__ import annotations

import signal

import pytest

from emmett import App
from emmett.errors import ConfigurationError
from emmett.server import Server, make_config, serve


@pytest.mark.parametrize("options", [{"workers": 2}, {"reload": True}])
def test_other_processes_need_an_import_string(options: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=r"package\.module:name"):
        serve(App(__name__), configure_logging=False, **options)


def test_a_first_signal_stops_and_a_second_one_of_either_kind_forces() -> None:
    for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)):
        server = Server(make_config(App(__name__), configure_logging=False))
        server.handle_exit(first, None)
        assert (server.should_exit, server.force_exit) == (True, False)
        server.handle_exit(second, None)
        assert server.force_exit


def test_signals_are_not_raised_again_at_the_end() -> None:
    server = Server(make_config(App(__name__), configure_logging=False))
    with server.capture_signals():
        signal.raise_signal(signal.SIGTERM)
        assert server.should_exit
