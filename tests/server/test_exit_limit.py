"""The last resort against a process that does not end."""

from __future__ import annotations

import subprocess
import sys

BLOCKED = """
import threading
from emmett.server.exit_limit import cancel_exit_limit, limit_exit

def blocks():
    threading.Event().wait()

limit_exit({seconds})
{cancelled}
threading.Thread(target=blocks, daemon={daemon}).start()
"""


def run(*, daemon: bool, seconds: float, cancelled: str = "") -> subprocess.CompletedProcess[str]:
    source = BLOCKED.format(daemon=daemon, seconds=seconds, cancelled=cancelled)
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=180)


def test_a_thread_that_does_not_end_is_shown_and_the_process_killed() -> None:
    done = run(daemon=False, seconds=0.1)
    assert done.returncode == 1
    assert "in blocks" in done.stderr


def test_a_process_that_ends_in_time_is_not_killed() -> None:
    done = run(daemon=True, seconds=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_limit_can_be_cancelled() -> None:
    done = run(daemon=True, seconds=0.5, cancelled="cancel_exit_limit(); import time; time.sleep(0.7)")
    assert (done.returncode, done.stderr) == (0, "")
