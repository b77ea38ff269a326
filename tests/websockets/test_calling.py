"""Calls on a connection: they must come from its thread, and log nothing when the connection ends."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable

import pytest

from emmett.errors import UsageError, WebsocketClosed
from emmett.websockets.calling import check_caller, excuse_closing
from emmett.websockets.outbox import Outbox
from emmett.wire.deflater import Deflater
from tests.websockets.memory_connection import MemoryConnection, turns
from tests.websockets.memory_transport import MemoryTransport


async def test_a_call_in_the_loop_passes() -> None:
    loop = asyncio.get_running_loop()
    check_caller(loop, "send_nowait")
    passed = asyncio.Event()

    def later() -> None:
        check_caller(loop, "send_nowait")
        passed.set()

    loop.call_soon(later)
    await passed.wait()


async def test_a_call_of_another_thread_says_what_to_use() -> None:
    loop = asyncio.get_running_loop()

    def elsewhere() -> None:
        check_caller(loop, "send_nowait")

    async def in_another_loop() -> None:
        check_caller(loop, "send_nowait")

    for call in (elsewhere, lambda: asyncio.run(in_another_loop())):
        with pytest.raises(UsageError, match=r"use loop\.call_soon_threadsafe\(connection\.send_nowait, data\)"):
            await asyncio.to_thread(call)


@pytest.mark.parametrize("compressed", [False, True])
async def test_send_nowait_of_another_thread_writes_nothing(compressed: bool) -> None:
    transport = MemoryTransport()
    transport.get_write_buffer_size = lambda: 0  # type: ignore[method-assign]
    outbox = Outbox(asyncio.get_running_loop(), transport, 1000)
    if compressed:
        outbox.compress(Deflater(window_bits=12, context_takeover=True, memory_level=5, min_size=1))
    with pytest.raises(UsageError, match="send_nowait"):
        await asyncio.to_thread(outbox.write_now, "x" * 100, 1000)
    assert transport.writes == []
    loop = asyncio.get_running_loop()
    await asyncio.to_thread(loop.call_soon_threadsafe, outbox.write_now, "x" * 100, 1000)
    await turns()
    assert len(transport.writes) == 1


def unseen(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log of asyncio about tasks whose result was never retrieved."""
    gc.collect()
    return [record.getMessage() for record in caplog.records if "never retrieved" in record.getMessage()]


async def test_a_receive_without_a_waiting_task_ends_silently(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.websocket.end(1000, "")
    await turns()
    assert receiving.done()
    del receiving
    assert unseen(caplog) == []


async def test_a_task_that_awaits_the_receive_gets_the_error(caplog: pytest.LogCaptureFixture) -> None:
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.websocket.end(4000, "")
    with pytest.raises(WebsocketClosed, match="4000"):
        await receiving


@pytest.mark.parametrize("fail", [lambda: LookupError("our own"), lambda: RuntimeError("another")])
async def test_other_errors_are_still_reported(fail: Callable[[], Exception], caplog: pytest.LogCaptureFixture) -> None:
    reported: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(str(context["exception"])))

    async def goes_on() -> None:
        excuse_closing(asyncio.current_task())
        excuse_closing(asyncio.current_task())
        raise fail()

    task = asyncio.create_task(goes_on())
    await turns()
    assert task.done()
    del task
    gc.collect()
    assert reported == [str(fail())]
    asyncio.get_running_loop().set_exception_handler(None)
