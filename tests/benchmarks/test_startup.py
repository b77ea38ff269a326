from __future__ import annotations

import socket
import sys
from dataclasses import replace

import pytest

from benchmarks.contestants import CONTESTANTS, LIMIT, Contestant
from benchmarks.frames import echo_batch
from benchmarks.handshake import HandshakeRefused
from benchmarks.machine import current_placement
from benchmarks.plan import LoadFailed
from benchmarks.scenarios import SCENARIOS
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import ServerFailed
from benchmarks.stage import Stage, Timing
from benchmarks.startup import echo_once

pytest.importorskip("uvloop")

RAW = CONTESTANTS[LIMIT]
BATCH = echo_batch(0, 1, 64, websocket=False)
OPTIONS = ServerOptions("127.0.0.1", 1)


def stage(contestant: Contestant) -> Stage:
    return Stage(contestant, sys.executable, Timing(0, 0.2), current_placement())


def test_the_time_of_a_start_ends_with_the_first_echo() -> None:
    outcome = SCENARIOS["startup"].measure(stage(RAW))
    assert 0.01 < outcome.value < 20
    assert outcome.value == outcome.seconds
    assert outcome.generator_cpu is None
    assert outcome.checked_bytes == 70


def test_a_server_that_exits_shows_its_output() -> None:
    broken = replace(RAW, command=lambda python, options: [python, "-c", "raise SystemExit('nothing works')"])
    with pytest.raises(ServerFailed, match=r"(?s)ended with status 1.*nothing works"):
        SCENARIOS["startup"].measure(stage(broken))


def test_the_time_of_an_import_is_measured() -> None:
    outcome = SCENARIOS["import"].measure(stage(replace(RAW, imports="import json")))
    assert 0 < outcome.value < 20
    assert outcome.server_cpu is not None


def test_a_failed_import_shows_the_error() -> None:
    with pytest.raises(LoadFailed, match="no_such_module"):
        SCENARIOS["import"].measure(stage(replace(RAW, imports="import no_such_module")))


@pytest.mark.parametrize(
    ("answer", "raw", "error"),
    [
        (BATCH.reply, True, None),
        (BATCH.reply[::-1], True, LoadFailed),
        (b"", True, ConnectionError),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", False, HandshakeRefused),
        (b"HTTP/1.1", False, ConnectionError),
    ],
)
def test_the_echo_is_checked(answer: bytes, raw: bool, error: type[Exception] | None) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.sendall(answer)
        theirs.shutdown(socket.SHUT_WR)
        if error is None:
            echo_once(ours, OPTIONS, BATCH, raw=raw)
        else:
            with pytest.raises(error):
                echo_once(ours, OPTIONS, BATCH, raw=raw)
