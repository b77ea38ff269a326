"""What every test gets: coroutine tests under a deadline, tools that a machine may lack, reproducible examples.

::

    @pytest.mark.deadline(60)                   # seconds that a coroutine test may take; 30 without the marker
    @pytest.mark.loops("asyncio", "uvloop")     # run a coroutine test on each of these event loops; asyncio without
    @pytest.mark.needs("chromium")              # skip the test where the tool is missing, and say so at the end
"""

from __future__ import annotations

import os
from collections import defaultdict

import hypothesis
import pytest

from tests.coroutines import LOOPS, has_coroutine, run_test
from tests.tools import FINDERS, HINTS, find_tool

MARKERS = (
    "deadline(seconds): how long a coroutine test may take, 30 seconds without this marker",
    f"loops(*names): run a coroutine test on each of these event loops: {', '.join(LOOPS)}",
    f"needs(*tools): skip the test where one of these tools is missing: {', '.join(FINDERS)}",
)
NOT_RUN = pytest.StashKey[defaultdict[str, list[str]]]()

# The same examples on every run. To look for new ones: pytest --hypothesis-profile=explore
hypothesis.settings.register_profile("reproducible", derandomize=True, deadline=None)
hypothesis.settings.register_profile("explore", max_examples=2000, deadline=None)
hypothesis.settings.load_profile("reproducible")


def pytest_configure(config: pytest.Config) -> None:
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    not_run: defaultdict[str, list[str]] = defaultdict(list)
    config.stash[NOT_RUN] = not_run


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
        item.config.stash[NOT_RUN][name].append(item.nodeid)
        pytest.skip(f"{name} was not found")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for name, tests in sorted(config.stash[NOT_RUN].items()):
        terminalreporter.section(f"Not run, because {name} was not found", yellow=True)
        terminalreporter.line(f"To run them: {HINTS[name]}.")
        for test in tests:
            terminalreporter.line(f"  {test}")
