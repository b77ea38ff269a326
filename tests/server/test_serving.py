"""A server whose start and stop are bounded, in the loop of the test; tests/cli/test_lifetimes.py sends signals."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from contextvars import ContextVar
from typing import Literal

import pytest

from emmett import App, websocket
from emmett.config import MIB
from emmett.server import Server, make_config
from tests.integration.raw_client import connect
from tests.integration.servers import run_emmett


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


def test_a_closed_terminal_stops_it_like_other_signals() -> None:
    server = Server(make_config(App(__name__), configure_logging=False))
    before = signal.getsignal(signal.SIGHUP)
    with server.capture_signals():
        signal.raise_signal(signal.SIGHUP)
        assert server.should_exit
    assert signal.getsignal(signal.SIGHUP) is before


def test_an_ignored_signal_stays_ignored() -> None:
    server = Server(make_config(App(__name__), configure_logging=False))
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with server.capture_signals():
            signal.raise_signal(signal.SIGHUP)
            assert not server.should_exit
    finally:
        signal.signal(signal.SIGHUP, before)


async def test_a_handler_that_ignores_its_cancellation_is_named(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    app.config.server.shutdown_timeout = app.config.server.cancel_timeout = 0.1
    release, ended = asyncio.Event(), asyncio.Event()

    @app.websocket("/")
    async def stubborn() -> None:
        await websocket.accept()
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    @app.on_shutdown
    async def end() -> None:
        ended.set()

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        (task,) = running.server.server_state.tasks()  # type: ignore[union-attr]
    assert ended.is_set()
    assert "stubborn" in caplog.text
    assert f"{__file__}:" in caplog.text
    release.set()
    await task


@pytest.mark.parametrize("event", ["on_startup", "on_shutdown"])
async def test_a_signal_ends_waiting_startup_functions(event: str, caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    waiting = asyncio.Event()

    async def wait() -> None:
        waiting.set()
        await asyncio.Event().wait()

    getattr(app, event)(wait)
    server = Server(make_config(app, port=0, configure_logging=False))
    serving = asyncio.create_task(server.serve())
    if event == "on_shutdown":
        while not server.started:  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.001)
        server.handle_exit(signal.SIGTERM, None)
    await waiting.wait()
    server.handle_exit(signal.SIGTERM, None)
    await serving
    assert f"a signal ended the functions of {event}" in caplog.text


async def test_shutdown_functions_have_a_deadline(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    app.config.server.shutdown_timeout = 0.1

    @app.on_shutdown
    async def wait() -> None:
        await asyncio.Event().wait()

    async with run_emmett(app):
        pass
    assert "the functions of on_shutdown did not end within 0.1 s" in caplog.text


async def test_an_error_at_the_start_ends_with_status_3(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)

    @app.on_startup
    async def fail() -> None:
        raise LookupError("no database")

    config = make_config(app, port=0, configure_logging=False)
    config.load()
    with pytest.raises(SystemExit) as caught:
        await Server(config).startup()
    assert caught.value.code == 3


variable: ContextVar[str] = ContextVar("variable", default="unset")


async def test_handlers_see_context_variables_set_at_startup() -> None:
    app = App(__name__)

    @app.on_startup
    async def start() -> None:
        variable.set("set at the start")

    @app.websocket("/")
    async def tell() -> None:
        await websocket.send(variable.get())

    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/")
        assert (await client.read_frame())[1] == b"set at the start"


def test_tasks_left_by_the_application_do_not_keep_the_process_alive(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    app.config.server.cancel_timeout = 0.1
    app.config.server.kept_memory = None
    tasks: list[asyncio.Task[None]] = []

    async def stubborn() -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    server = Server(
        make_config(app, port=0, configure_logging=False, loop="asyncio"), lambda: server.handle_exit(2, None)
    )

    @app.on_startup
    async def start() -> None:
        tasks.append(asyncio.create_task(stubborn()))

    with caplog.at_level(logging.CRITICAL, "asyncio"):
        assert server.run_until_stopped()
        assert not tasks.pop().done()
        # A later test would otherwise get asyncio's message about a pending task that is collected.
        gc.collect()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_an_exit_in_a_task_of_the_application_ends_only_that_task(
    loop: Literal["asyncio", "uvloop"], caplog: pytest.LogCaptureFixture
) -> None:
    app = App(__name__)
    seen: list[object] = []

    async def leave(code: int) -> None:
        sys.exit(code)

    async def watch(server: Server) -> None:
        tasks = [asyncio.create_task(leave(code)) for code in (7, 8)]
        asyncio.get_running_loop().call_soon(sys.exit, 9)
        await asyncio.wait(tasks)
        await asyncio.sleep(0)
        seen.extend(repr(task.exception()) for task in tasks)
        server.handle_exit(signal.SIGTERM, None)

    server = Server(make_config(app, port=0, configure_logging=False, loop=loop))

    @app.on_startup
    async def start() -> None:
        seen.append(asyncio.create_task(watch(server)))

    assert server.run_until_stopped()
    assert seen[1:] == ["SystemExit(7)", "SystemExit(8)"]
    ended = [record.args for record in caplog.records if "called sys.exit" in record.msg]
    # uvloop raises only the last exception of a turn.
    assert ended == ([(7,), (8,), (9,)] if loop == "asyncio" else [(9,)])


@pytest.mark.parametrize(("setting", "kept"), [(64 * MIB, [64 * MIB]), (MIB, [MIB]), (None, [])])
def test_a_server_in_its_own_process_keeps_freed_memory(
    setting: int | None, kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    configured: list[int] = []
    monkeypatch.setattr("emmett.server.serving.keep_freed_memory", configured.append)
    app = App(__name__)
    assert app.config.server.kept_memory == 64 * MIB
    app.config.server.kept_memory = setting
    server = Server(
        make_config(app, port=0, configure_logging=False, loop="asyncio"), lambda: server.handle_exit(2, None)
    )
    assert server.run_until_stopped()
    assert configured == kept


async def test_a_server_in_a_shared_process_does_not_configure_the_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    configured: list[int] = []
    monkeypatch.setattr("emmett.server.serving.keep_freed_memory", configured.append)
    async with run_emmett(App(__name__)):
        pass
    assert configured == []


async def test_it_accepts_connections_for_a_while_before_it_drains() -> None:
    app = App(__name__)
    app.config.server.drain_delay = 30.0
    ready, stopping = asyncio.Event(), asyncio.Event()
    server = Server(make_config(app, port=0, configure_logging=False), ready.set, stopping.set)

    @app.route("/")
    async def draining() -> str:
        return str(app.is_draining)

    config = server.config
    serving = asyncio.ensure_future(server.serve())
    await ready.wait()
    assert await ask(config.port) == b"False"
    server.handle_exit(signal.SIGTERM, None)
    await stopping.wait()
    assert await ask(config.port) == b"True"
    # A second signal ends the wait.
    server.handle_exit(signal.SIGTERM, None)
    await serving
    assert config.stop_timeout == 30.0 + 2 * (config.shutdown_timeout + config.cancel_timeout)


async def ask(port: int) -> bytes:
    """Send a request on a new connection; return the body of the response."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer.partition(b"\r\n\r\n")[2]


async def test_the_application_can_stop_the_server() -> None:
    app = App(__name__)
    async with run_emmett(app) as running:
        assert app.table.drain is not None
        assert running.server is not None
        app.table.drain()
        # Unlike a second signal, a second request does not force it.
        app.table.drain()
        assert (running.server.should_exit, running.server.force_exit) == (True, False)
