"""What every test gets: coroutine tests under a deadline, tools that a machine may lack, reproducible examples.

::

    @pytest.mark.deadline(300)                  # seconds that a coroutine test may take; 180 without the marker
    @pytest.mark.loops("asyncio", "uvloop")     # run a coroutine test on each of these event loops; asyncio without
    @pytest.mark.needs("chromium")              # skip the test where the tool is missing, and say so at the end

With `-n auto` pytest-xdist runs the files in several processes at once. Each of them collects all tests,
starting at a different folder, so that it reads what another process has already cached instead of rewriting the same
file at the same time.
"""

from __future__ import annotations

import gc
import os
import signal
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

from tests import examples_of_hypothesis
from tests.coroutines import LOOPS, has_coroutine, run_test
from tests.tools import FINDERS, HINTS, find_tool

MARKERS = (
    "deadline(seconds): how long a coroutine test may take, 180 seconds without this marker",
    f"loops(*names): run a coroutine test on each of these event loops: {', '.join(LOOPS)}",
    f"needs(*tools): skip the test where one of these tools is missing: {', '.join(FINDERS)}",
)
MISSING_TOOL = "missing tool"
# The folders whose tests wait longest for servers and browsers. Their files run first, so that all workers finish at
# about the same time.
SLOW_FOLDERS = ("tests/integration/", "tests/examples/", "tests/channels/", "tests/benchmarks/", "tests/cli/")
# How many workers `-n auto` starts for each core: most tests with servers spend their time waiting, not computing.
WORKERS_PER_CORE = 3

examples_of_hypothesis.load_profiles()


def pytest_configure(config: pytest.Config) -> None:
    # nohup and background jobs of a shell ignore these signals, and every process that a test starts inherits that.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if hasattr(config, "workerinput"):
        worker = int(config.workerinput["workerid"].removeprefix("gw"))
        config.args[:] = rotated(config.args, worker, config.workerinput["workercount"])


def rotated(arguments: list[str], worker: int, workers: int) -> list[str]:
    """Return the paths to collect, in the order of this worker; a single folder is replaced by its contents."""
    if len(arguments) == 1 and (folder := Path(arguments[0])).is_dir():
        paths = sorted(path for path in folder.iterdir() if path.is_dir() or path.name.startswith("test_"))
        arguments = [str(path) for path in paths if path.name != "__pycache__"] or arguments
    start = len(arguments) * worker // workers
    return arguments[start:] + arguments[:start]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    # Collected items live until the end, so garbage collections during the tests need not look at them.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return WORKERS_PER_CORE * (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # An id with an address differs between workers, and pytest-xdist refuses to run if they collect different tests.
    for item in items:
        if " object at 0x" in item.nodeid:
            raise pytest.UsageError(
                f"the id of a test contains an address, which each process has its own of: {item.nodeid}"
            )
    # Workers collect in different orders, but pytest-xdist requires them to report the same one.
    items.sort(key=lambda item: (not item.nodeid.startswith(SLOW_FOLDERS), item.nodeid.partition("::")[0]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    marker = metafunc.definition.get_closest_marker("loops")
    if marker is not None and has_coroutine(metafunc.function):
        metafunc.fixturenames.append("loop_name")
        metafunc.parametrize("loop_name", marker.args)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    return run_test(pyfuncitem) if has_coroutine(pyfuncitem.obj) else None


def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in (name for marker in item.iter_markers("needs") for name in marker.args):
        if find_tool(name) is not None:
            continue
        if os.environ.get("EMMETT_REQUIRE_TOOLS") == "1":
            pytest.fail(f"{name} was not found, and EMMETT_REQUIRE_TOOLS=1 asks for it: {HINTS[name]}", pytrace=False)
        # Of a skipped test, a worker of pytest-xdist passes only the report and its user_properties to the summary.
        item.user_properties.append((MISSING_TOOL, name))
        pytest.skip(f"{name} was not found")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    not_run: defaultdict[str, list[str]] = defaultdict(list)
    for report in terminalreporter.getreports("skipped"):
        for name in (value for key, value in report.user_properties if key == MISSING_TOOL):
            not_run[str(name)].append(report.nodeid)
    for name, tests in sorted(not_run.items()):
        terminalreporter.section(f"Not run, because {name} was not found", yellow=True)
        terminalreporter.line(f"To run them: {HINTS[name]}.")
        for test in sorted(tests):
            terminalreporter.line(f"  {test}")
