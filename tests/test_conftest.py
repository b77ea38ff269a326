"""What tests/conftest.py promises to every test, shown with tests that break the rules."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import conftest, tools
from tests.imports import ROOT

pytest_plugins = ["pytester"]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.delenv("EMMETT_REQUIRE_TOOLS", raising=False)
    return Runner(pytester)


class Runner:
    """Runs the text of a test module as our tests are run, in this process."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester

    def __call__(self, text: str, **outcomes: int) -> str:
        """Run the tests, compare the outcomes, and return what pytest printed."""
        self.pytester.makepyfile(f"import asyncio, pytest\n{text}")
        result = self.pytester.runpytest_inprocess("-p", "tests.conftest", "--strict-markers", "-Werror", "-rA")
        result.assert_outcomes(**outcomes)
        return result.stdout.str()


def test_a_coroutine_test_runs_on_a_loop(run: Runner) -> None:
    run(
        """
@pytest.fixture
def seven():
    return 7

@pytest.mark.parametrize("more", [1, 2])
async def test_function(seven, more):
    await asyncio.sleep(0)
    assert seven + more > 7

class TestClass:
    async def test_method(self, seven):
        await asyncio.sleep(0)
        assert self and seven == 7

async def test_failing():
    await asyncio.sleep(0)
    assert 1 == 2
""",
        passed=3,
        failed=1,
    )


def test_a_test_that_hangs_fails_where_it_hangs(run: Runner) -> None:
    output = run(
        """
@pytest.mark.deadline(0.05)
async def test_hanging():
    await the_place_where_it_hangs()

async def the_place_where_it_hangs():
    await asyncio.Event().wait()
""",
        failed=1,
    )
    assert "did not end within 0.05 seconds" in output
    assert "in the_place_where_it_hangs" in output or "await asyncio.Event().wait()" in output


def test_a_timeout_error_of_the_test_itself_is_not_changed(run: Runner) -> None:
    output = run("async def test_timeout():\n    raise TimeoutError('of the test itself')\n", failed=1)
    assert "TimeoutError: of the test itself" in output
    assert "did not end" not in output


def test_a_leftover_task_is_named(run: Runner) -> None:
    output = run(
        """
async def forgotten():
    await asyncio.Event().wait()

async def test_leaving():
    globals()["task"] = asyncio.create_task(forgotten())
""",
        failed=1,
    )
    assert "left behind" in output
    assert "forgotten()" in output


def test_a_task_that_is_about_to_end_is_awaited(run: Runner) -> None:
    run(
        """
async def ending(cancelled):
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.02)

async def test_leaving():
    task = globals()["task"] = asyncio.create_task(ending(asyncio.Event()))
    await asyncio.sleep(0)
    task.cancel()
""",
        passed=1,
    )


def test_a_leftover_transport_is_named(run: Runner) -> None:
    output = run(
        """
async def test_leaving():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    globals()["left"] = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    server.close()
""",
        failed=1,
    )
    assert "an open transport: <_SelectorSocketTransport" in output


def test_a_leftover_listening_socket_is_named(run: Runner) -> None:
    output = run(
        """
import socket

@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening

async def test_leaving(listening):
    await asyncio.get_running_loop().create_server(asyncio.Protocol, sock=listening)
""",
        failed=1,
    )
    assert "an open socket: " in output


@pytest.mark.parametrize("error", ["", "raise LookupError('of the test')"])
def test_leftovers_are_named_on_uvloop_too(run: Runner, error: str) -> None:
    output = run(
        f"""
@pytest.mark.loops("uvloop")
async def test_leaving():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
    await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    {error}
""",
        failed=1,
    )
    assert ("LookupError: of the test" if error else "unclosed resource <TCPTransport") in output


def test_an_unhandled_error_in_a_callback_fails_the_test(run: Runner) -> None:
    output = run(
        """
def failing():
    raise LookupError("in a callback")

async def test_quiet():
    asyncio.get_running_loop().call_soon(failing)
    await asyncio.sleep(0)
""",
        failed=1,
    )
    assert "LookupError('in a callback')" in output


def test_a_test_runs_on_each_loop_of_its_marker(run: Runner) -> None:
    output = run(
        """
@pytest.mark.loops("asyncio", "uvloop")
async def test_loop(request):
    kind = type(asyncio.get_running_loop()).__module__
    assert kind.startswith(request.node.callspec.params["loop_name"])
""",
        passed=2,
    )
    assert "test_loop[asyncio]" in output
    assert "test_loop[uvloop]" in output


def test_each_hypothesis_example_runs_on_its_own_loop(run: Runner) -> None:
    run(
        """
from hypothesis import given, strategies as st

loops = []

@given(st.integers(0, 3))
async def test_passing(number):
    await asyncio.sleep(0)
    loops.append(asyncio.get_running_loop())

def test_each_example_had_a_loop_of_its_own():
    assert len(loops) > 1 and len(set(map(id, loops))) == len(loops)

class TestClass:
    @given(number=st.integers(0, 3))
    async def test_failing(self, number):
        await asyncio.sleep(0)
        assert number < 3
""",
        passed=2,
        failed=1,
    )


NEEDING = """
@pytest.mark.needs("chromium")
def test_in_a_browser():
    pass

def test_elsewhere():
    pass
"""


@pytest.fixture
def no_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def test_tests_skipped_for_a_missing_tool_are_named_at_the_end(run: Runner, no_tools: None) -> None:
    output = run(NEEDING, passed=1, skipped=1)
    end = output[output.index("Not run, because chromium was not found") :]
    assert "::test_in_a_browser" in end
    assert "install Chromium" in end


def test_a_missing_tool_is_a_failure_where_all_are_required(
    run: Runner, no_tools: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMMETT_REQUIRE_TOOLS", "1")
    output = run(NEEDING, passed=1, errors=1)
    assert "EMMETT_REQUIRE_TOOLS=1" in output


def test_the_summary_gathers_from_all_workers(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, no_tools: None
) -> None:
    monkeypatch.delenv("EMMETT_REQUIRE_TOOLS", raising=False)
    for number in range(3):
        pytester.makepyfile(**{f"test_{number}": f"import pytest\n{NEEDING}"})
    arguments = ("-p", "tests.conftest", "--numprocesses", "2", "--dist", "loadfile")
    result = pytester.runpytest_inprocess(*arguments)
    result.assert_outcomes(passed=3, skipped=3)
    end = result.stdout.str().partition("Not run, because chromium was not found")[2]
    assert [line.strip() for line in end.splitlines() if "::" in line] == [
        f"test_{number}.py::test_in_a_browser" for number in range(3)
    ]


def test_slow_folders_start_first(run: Runner, pytester: pytest.Pytester) -> None:
    for folder in ("tests/asgi", "tests/integration", "tests/wire"):
        (pytester.path / folder).mkdir(parents=True)
        (pytester.path / folder / f"test_{Path(folder).name}.py").write_text("def test_it():\n    pass\n")
    output = run("", passed=3)
    order = [line for line in output.splitlines() if line.startswith("PASSED")]
    assert [line.split("/")[1] for line in order] == ["integration", "asgi", "wire"]


DRAWING = """
from hypothesis import given, settings, strategies as st

drawn = []

@settings(max_examples=500)
@given(st.integers())
def test_drawing(number):
    drawn.append(number)

def test_what_was_drawn():
    import pathlib
    pathlib.Path("drawn").write_text(repr(drawn))
    assert 918273645546372819 not in drawn
"""


def test_examples_do_not_depend_on_the_modules_that_are_loaded(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hypothesis would draw the constants of local modules; in a process of its own, since it caches them."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    drawn = []
    for constants in ("", "import constants\n"):
        pytester.makepyfile(test_it=constants + DRAWING, constants="NUMBER = 918273645546372819\n")
        pytester.runpytest_subprocess("-p", "tests.conftest").assert_outcomes(passed=2)
        drawn.append((pytester.path / "drawn").read_text())
    assert len(drawn[0]) > 500
    assert drawn[0] == drawn[1]


def test_a_test_that_needs_a_tool_runs_where_it_is_installed(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tools.FINDERS, "chromium", lambda: os.devnull)
    output = run(NEEDING, passed=2)
    assert "Not run" not in output


def test_workers_collect_the_same_tests_from_different_starting_points(tmp_path: Path) -> None:
    for name in ("folder", "__pycache__"):
        (tmp_path / name).mkdir()
    for name in ("test_one.py", "test_two.py", "kit.py"):
        (tmp_path / name).touch()
    paths = [str(tmp_path / name) for name in ("folder", "test_one.py", "test_two.py")]
    assert conftest.rotated([str(tmp_path)], 0, 3) == paths
    assert conftest.rotated([str(tmp_path)], 2, 3) == [paths[2], paths[0], paths[1]]
    assert conftest.rotated(["a", "b"], 1, 2) == ["b", "a"]
    assert conftest.rotated(["a"], 1, 2) == ["a"]
