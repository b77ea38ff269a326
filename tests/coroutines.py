"""Runs a coroutine test on an event loop of its own, under a deadline, and fails it when it leaves something behind."""

from __future__ import annotations

import asyncio
import functools
import inspect
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

# In seconds. Long enough for the slowest machine: it only ends tests that hang.
DEADLINE = 180.0
# How long tasks and transports that are about to end may take after the test has returned, in seconds.
GRACE = 1.0
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.SelectorEventLoop,
    "uvloop": uvloop.new_event_loop,
}

CoroutineFunction = Callable[..., Coroutine[Any, Any, object]]


def has_coroutine(function: Any) -> bool:
    """Tell whether a test is `async def`, alone or under Hypothesis' `@given`."""
    return inspect.iscoroutinefunction(_innermost(function))


def _innermost(function: Any) -> Any:
    return function.hypothesis.inner_test if getattr(function, "is_hypothesis_test", False) else function


def run_test(item: pytest.Function) -> bool:
    """Run a coroutine test according to its markers. Returning True makes pytest regard the test as called."""
    deadline = item.get_closest_marker("deadline")
    seconds = float(deadline.args[0]) if deadline else DEADLINE
    loop_name = str(item.callspec.params.get("loop_name", "asyncio")) if hasattr(item, "callspec") else "asyncio"
    run = functools.partial(_run, seconds=seconds, loop_factory=LOOPS[loop_name])
    arguments = {name: item.funcargs[name] for name in inspect.signature(item.obj).parameters}
    if getattr(item.obj, "is_hypothesis_test", False):
        _run_examples(item, run, arguments)
    else:
        run(item.obj(**arguments))
    return True


def _run_examples(item: pytest.Function, run: Callable[[Any], None], arguments: dict[str, Any]) -> None:
    """Let Hypothesis draw the examples; each one runs on an event loop of its own."""
    handle = item.obj.hypothesis
    test = handle.inner_test

    @functools.wraps(test)
    def run_example(*args: Any, **kwargs: Any) -> None:
        run(test(*args, **kwargs))

    handle.inner_test = run_example
    try:
        item.obj(**arguments)
    finally:
        handle.inner_test = test


def _run(
    test: Coroutine[Any, Any, object], *, seconds: float, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    problems: list[str] = []

    def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        problems.append(context["message"] + (f": {error!r}" if error else ""))

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(note)
        await _within(seconds, test)
        problems.extend(await _left_behind())

    runner = asyncio.Runner(loop_factory=loop_factory)
    try:
        runner.run(main())
    finally:
        problems.extend(_close(runner))
    if problems:
        pytest.fail("the test passed, but left behind:\n" + "\n".join(problems), pytrace=False)


def _close(runner: asyncio.Runner) -> list[str]:
    """Close the loop and return its warnings."""
    with warnings.catch_warnings(record=True) as caught:
        # uvloop reports open handles only here, and never returns if its warning is turned into an error.
        warnings.simplefilter("always")
        runner.close()
    return [str(warning.message) for warning in caught]


async def _within(seconds: float, test: Coroutine[Any, Any, object]) -> None:
    deadline = asyncio.timeout(seconds)
    try:
        async with deadline:
            await test
    except TimeoutError as error:
        if not deadline.expired():
            raise
        raise AssertionError(f"the test did not end within {seconds:g} seconds; the trace above shows where") from error


async def _left_behind() -> list[str]:
    """Name the tasks and transports that do not end by themselves within the grace; then end the transports."""
    loop = asyncio.get_running_loop()
    end = loop.time() + GRACE
    while (left := [*_tasks(), *_transports(loop), *_sockets(loop)]) and loop.time() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    # The runner cancels the tasks. Open transports would raise their ResourceWarning in some later test.
    for transport in _open_transports(loop):
        transport.abort()
    # uvloop cannot be asked, but also needs these turns to see the ends of the connections closed last.
    for _ in range(10):
        await asyncio.sleep(0)
    return left


def _tasks() -> list[str]:
    return [f"a running task: {task!r}" for task in asyncio.all_tasks() - {asyncio.current_task()}]


def _transports(loop: asyncio.AbstractEventLoop) -> list[str]:
    return [f"an open transport: {transport!r}" for transport in _open_transports(loop)]


def _open_transports(loop: asyncio.AbstractEventLoop) -> list[asyncio.WriteTransport]:
    """Only asyncio's loop can tell; uvloop warns of its transports when it is closed."""
    return [transport for transport in getattr(loop, "_transports", {}).values() if not transport.is_closing()]


def _sockets(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Return what the loop waits for in addition to transports: listening sockets, pipes, and unflushed data."""
    selector = getattr(loop, "_selector", None)
    if selector is None:
        return []
    known = {transport.get_extra_info("socket").fileno() for transport in _open_transports(loop)}
    known.add(getattr(loop, "_ssock").fileno())  # noqa: B009 - the loop's own wake-up socket, which no type declares
    return [f"an open socket: {key!r}" for key in selector.get_map().values() if key.fd not in known]
