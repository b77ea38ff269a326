"""No test measures time or sleeps for a while: the exceptions are named here, each with its reason."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports import ROOT

CLOCKS = {"monotonic", "perf_counter", "process_time", "thread_time", "time"}
CLOCKS |= {f"{name}_ns" for name in CLOCKS}
# A sleep of this many seconds outlasts the deadline of every test, so it always ends by being cancelled.
FOREVER = 60

# Functions, with their files, that may read a clock or sleep, and how often.
ALLOWED: dict[tuple[str, str], int] = {
    # A deadline for a program that reports nothing: the clock only decides when the test gives up.
    ("tests/channels/brokers/redis/services.py", "fail_over"): 2,
    ("tests/channels/brokers/redis/services.py", "_wait"): 2,
    ("tests/cli/running.py", "connect"): 2,
    ("tests/cli/running.py", "wait_for"): 2,
    ("tests/coroutines.py", "_left_behind"): 2,
    ("tests/integration/test_dashboard.py", "wait_until"): 2,
    ("tests/nats.py", "_await_port"): 2,
    ("tests/valkey.py", "_until"): 2,
    ("tests/valkey.py", "start"): 2,
    # The test is about the clock itself, or moves it on from the current time.
    ("tests/centrifuge/kit.py", "soon"): 1,
    ("tests/channels/brokers/nats/test_jetstream.py", "test_the_time_is_that_of_the_server"): 1,
    # The test shows that a deadline does not expire. A sleep that takes longer only makes it stricter.
    ("tests/channels/brokers/redis/test_cluster.py", "test_a_slot_that_moves_is_followed"): 1,
    ("tests/channels/brokers/redis/test_link.py", "test_stop_leaves_no_socket_even_if_the_peer_reads_nothing"): 1,
    ("tests/integration/test_channel_nodes.py", "pause"): 1,
    ("tests/integration/test_hostile_connections.py", "slow"): 1,
    ("tests/integration/test_lifecycle.py", "test_no_keep_alive_timer_survives_the_upgrade"): 1,
    # A handler that works while its peer has left or while the server shuts down.
    ("tests/integration/test_every_server.py", "work"): 1,
    ("tests/integration/test_lifecycle.py", "work"): 2,
    ("tests/integration/test_shutdown.py", "test_a_handler_that_returns_meanwhile_closes_with_1012_too"): 1,
    ("tests/integration/test_shutdown.py", "test_received_messages_are_handled_and_answered_first"): 1,
}


def uses_of_time(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Return each call that reads a clock or sleeps: the innermost function, what it calls, the line.

    `sleep(0)` only lets others run, a `while` loop that sleeps waits for its condition, and a minute is forever.
    """

    def visit(node: ast.AST, function: str, is_loop: bool) -> Iterator[tuple[str, str, int]]:
        for child in ast.iter_child_nodes(node):
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            if isinstance(child, ast.Call) and (name := _reads_time(child)) and not (is_loop and "sleep" in name):
                yield function, name, child.lineno
            inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
            yield from visit(child, inside, not is_function and (is_loop or isinstance(child, ast.While)))

    yield from visit(tree, "<module>", False)


def _reads_time(call: ast.Call) -> str | None:
    match call.func:
        case ast.Attribute(value=ast.Name(id="time"), attr=name) if name in CLOCKS or name == "sleep":
            return f"time.{name}"
        case ast.Attribute(value=ast.Name(id="asyncio"), attr="sleep"):
            match call.args:
                case [ast.Constant(value=int(seconds)), *_] if seconds == 0 or seconds >= FOREVER:
                    return None
            return "asyncio.sleep"
        case ast.Attribute(value=ast.Name(id="loop"), attr="time"):
            return "loop.time"
    return None


def test_no_test_depends_on_time() -> None:
    found: Counter[tuple[str, str]] = Counter()
    lines: dict[tuple[str, str], str] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        name = str(path.relative_to(ROOT))
        for function, call, line in uses_of_time(ast.parse(path.read_text("utf-8"))):
            found[name, function] += 1
            lines[name, function] = f"{name}:{line}: {function} calls {call}"
    surplus = [lines[place] for place, count in found.items() if count > ALLOWED.get(place, 0)]
    assert not surplus, "wait for an event, count work (tests/work.py), or give the reason here:\n" + "\n".join(surplus)
    left_over = [place for place, count in ALLOWED.items() if count > found[place]]
    assert not left_over, f"no longer needed here: {left_over}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def f():\n    time.perf_counter()", [("f", "time.perf_counter", 2)]),
        ("def f():\n    time.sleep(1)", [("f", "time.sleep", 2)]),
        ("async def f():\n    await asyncio.sleep(0.1)", [("f", "asyncio.sleep", 2)]),
        ("async def f():\n    await asyncio.sleep(0)", []),
        ("async def f():\n    while g():\n        await asyncio.sleep(0.1)", []),
        ("async def f():\n    while time.time() < 1:\n        await asyncio.sleep(0.1)", [("f", "time.time", 2)]),
        ("async def f():\n    while g():\n        h()\n        await asyncio.sleep(1)", []),
        ("async def f():\n    await asyncio.sleep(60)", []),
        (
            "def f():\n    while g():\n        async def h():\n            await asyncio.sleep(1)",
            [("h", "asyncio.sleep", 4)],
        ),
        ("time.monotonic_ns()", [("<module>", "time.monotonic_ns", 1)]),
        ("now = clock.time()", []),
    ],
)
def test_uses_of_time_are_found(text: str, expected: list[tuple[str, str, int]]) -> None:
    assert list(uses_of_time(ast.parse(text))) == expected


def test_the_paths_are_those_of_files() -> None:
    assert all(Path(ROOT, path).is_file() for path, _ in ALLOWED)
