"""Signals that a supervisor handles when it has time."""

from __future__ import annotations

import select
import signal

from emmett.server.signal_inbox import SignalInbox


def test_signals_are_kept_in_order_and_wake_the_supervisor() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with SignalInbox((signal.SIGTERM, signal.SIGHUP, None)) as inbox:
        assert inbox.take() == []
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGTERM)
        assert select.select([inbox.fileno()], [], [], 30) == ([inbox.fileno()], [], [])
        assert inbox.take() == [signal.SIGHUP, signal.SIGTERM]
        assert inbox.take() == []
        assert select.select([inbox.fileno()], [], [], 0) == ([], [], [])
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_ignored_signal_stays_ignored() -> None:
    """`nohup` runs a server so that a closed terminal does not end it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with SignalInbox((signal.SIGHUP,)) as inbox:
            signal.raise_signal(signal.SIGHUP)
            assert inbox.take() == []
    finally:
        signal.signal(signal.SIGHUP, before)
