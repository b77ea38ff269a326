"""Code that blocks the event loop is reported."""

from __future__ import annotations

import asyncio
import threading
from traceback import FrameSummary

import pytest

from emmett.cli.blocking import LoopWatch


async def test_code_that_blocks_the_loop_is_reported_with_its_stack() -> None:
    reported = threading.Event()
    stacks: list[list[FrameSummary]] = []

    def report(stack: list[FrameSummary]) -> None:
        stacks.append(stack)
        reported.set()

    watch = LoopWatch(asyncio.get_running_loop(), 0.01, report)
    watch.start()
    try:

        def hold_the_loop() -> None:
            while not any(frame.name == "hold_the_loop" for stack in stacks for frame in stack):
                assert reported.wait(25), "nothing was reported"

        hold_the_loop()
    finally:
        watch.stop()


async def test_a_place_is_logged_once_with_a_remedy(caplog: pytest.LogCaptureFixture) -> None:
    watch = LoopWatch(asyncio.get_running_loop())
    stack = [
        FrameSummary("/usr/lib/python3/site-packages/lib.py", 1, "run", line="call()"),
        FrameSummary("/home/me/app.py", 12, "index", line="time.sleep(1)"),
    ]
    watch._log(stack)
    watch._log(stack)
    (record,) = caplog.records
    assert "index blocked the event loop for over 250 ms" in record.getMessage()
    assert "asyncio.to_thread" in record.getMessage()
    assert "time.sleep(1)" in record.getMessage()
    assert "lib.py" not in record.getMessage()


async def test_code_outside_the_application_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    LoopWatch(asyncio.get_running_loop())._log([FrameSummary(asyncio.__file__, 1, "run", line="")])
    assert not caplog.records


def test_it_ends_with_its_loop() -> None:
    loop = asyncio.new_event_loop()
    watch = LoopWatch(loop)
    loop.close()
    watch._watch()
