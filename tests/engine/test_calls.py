"""The objects that `receive()` and `send()` return work as coroutines, on the running engine."""

from __future__ import annotations

import asyncio
import collections.abc
import gc
import inspect
import sys
import types
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from emmett.engine import ENGINE
from emmett.errors import UsageError, WebsocketClosed
from tests.server.protocol_peer import ProtocolPeer, settled
from tests.websockets.memory_connection import MemoryConnection

Call = Callable[[Any], Coroutine[Any, Any, Any]]


def receive(websocket: Any) -> Coroutine[Any, Any, Any]:
    return websocket.receive()  # type: ignore[no-any-return]


def send(websocket: Any) -> Coroutine[Any, Any, Any]:
    return websocket.send("text")  # type: ignore[no-any-return]


def following(websocket: Any) -> Coroutine[Any, Any, Any]:
    return websocket.__anext__()  # type: ignore[no-any-return]


KINDS = pytest.mark.parametrize("make", [receive, send, following])


def connected() -> MemoryConnection:
    """Return an accepted connection with one message."""
    connection = MemoryConnection(accepted=True)
    connection.inbox.messages.append("hello")
    return connection


@KINDS
async def test_inspection_recognises_a_coroutine(make: Call) -> None:
    call = make(connected().websocket)
    assert asyncio.iscoroutine(call)
    assert isinstance(call, collections.abc.Coroutine)
    assert inspect.isawaitable(call)
    # This holds for every coroutine that is not written in Python, such as those of Cython.
    assert inspect.iscoroutine(call) == isinstance(call, types.CoroutineType) == (ENGINE == "python")
    await call


@KINDS
async def test_nothing_happens_before_it_is_awaited(make: Call) -> None:
    connection = connected()
    call = make(connection.websocket)
    await asyncio.sleep(0)
    assert connection.events == []
    assert connection.inbox.messages == ["hello"]
    call.close()
    assert connection.inbox.messages == ["hello"]


@KINDS
async def test_a_call_that_is_never_awaited_causes_a_warning(make: Call) -> None:
    call: Any = make(connected().websocket)
    name = "send" if make is send else "receive"
    assert call.__name__ in (name, "receive_next")
    assert call.__qualname__ == f"Websocket.{name}"
    calls = [call]
    del call
    with pytest.warns(RuntimeWarning, match=rf"^coroutine 'Websocket\.{name}' was never awaited"):
        calls.clear()


@KINDS
async def test_a_closed_call_causes_no_warning(make: Call) -> None:
    websocket = connected().websocket
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        closed = make(websocket)
        closed.close()
        thrown = make(websocket)
        with pytest.raises(KeyError, match="why"):
            thrown.throw(KeyError("why"))
        for call in (closed, thrown):
            with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
                await call
        del closed, thrown, call
        gc.collect()


@KINDS
async def test_a_call_can_be_awaited_only_once(make: Call) -> None:
    call = make(connected().websocket)
    await call
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await call
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        call.throw(KeyError)


@KINDS
async def test_no_value_can_be_sent_into_the_first_step(make: Call) -> None:
    call = make(connected().websocket)
    with pytest.raises(TypeError, match="can't send non-None value to a just-started coroutine"):
        call.send(1)
    call.close()


async def test_a_result_is_the_value_of_stop_iteration() -> None:
    connection = connected()
    with pytest.raises(StopIteration) as caught:
        receive(connection.websocket).send(None)
    assert caught.value.value == "hello"
    steps = send(connection.websocket).__await__()
    with pytest.raises(StopIteration) as caught:
        while True:
            next(steps)
    assert caught.value.value is None


async def test_a_suspended_call_cannot_be_awaited_by_another() -> None:
    call = receive(MemoryConnection(accepted=True).websocket)
    waiting = asyncio.create_task(call)
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="coroutine is being awaited already"):
        await call
    waiting.cancel()


@KINDS
async def test_tasks_run_it_and_show_it(make: Call) -> None:
    task = asyncio.create_task(make(connected().websocket), name="mine")
    assert "mine" in repr(task)
    assert f"coro=<Websocket.{'send' if make is send else 'receive'}()" in repr(task)
    assert await task == (None if make is send else "hello")


async def test_gather_wait_for_and_task_groups_run_it() -> None:
    peer = ProtocolPeer(open_connection)
    await settled()
    websocket = peer.websocket
    await asyncio.gather(websocket.send("a"), websocket.send("b"))
    await asyncio.wait_for(websocket.send("c"), 10)
    async with asyncio.TaskGroup() as group:
        group.create_task(websocket.send("d"))
        group.create_task(websocket.send("e"), name="named")
    async with asyncio.timeout(10):
        await asyncio.shield(websocket.send("f"))
    assert peer.texts() == ["a", "b", "c", "d", "e", "f"]
    await peer.end()


async def test_a_receive_that_times_out_takes_no_message() -> None:
    connection = MemoryConnection(accepted=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection.websocket.receive(), 0)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await connection.websocket.receive()
    connection.inbox.messages.append("kept")
    assert await connection.websocket.receive() == "kept"


async def test_after_a_cancelled_receive_another_may_wait() -> None:
    connection = MemoryConnection(accepted=True)
    first = asyncio.create_task(connection.websocket.receive())
    await asyncio.sleep(0)
    with pytest.raises(UsageError, match="already waiting in another task"):
        await connection.websocket.receive()
    first.cancel("reason")
    with pytest.raises(asyncio.CancelledError, match="reason"):
        await first
    second = asyncio.create_task(connection.websocket.receive())
    await asyncio.sleep(0)
    connection.inbox.messages.append("hello")
    connection.inbox.wake()
    assert await second == "hello"


async def test_a_message_that_arrives_with_the_cancellation_is_kept() -> None:
    connection = MemoryConnection(accepted=True)
    waiting = asyncio.create_task(connection.websocket.receive())
    await asyncio.sleep(0)
    connection.inbox.messages.append("hello")
    connection.inbox.wake()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert connection.inbox.messages == ["hello"]


async def test_a_receive_woken_without_a_message_continues_to_wait() -> None:
    connection = MemoryConnection(accepted=True)
    waiting = asyncio.create_task(connection.websocket.receive())
    for _ in range(3):
        await asyncio.sleep(0)
        connection.inbox.wake()
        await asyncio.sleep(0)
        assert not waiting.done()
    connection.inbox.messages.append(b"at last")
    connection.inbox.wake()
    assert await waiting == b"at last"


async def test_iteration_ends_when_receive_raises() -> None:
    connection = connected()
    messages = []
    connection.websocket.end(1001, "away")
    async for message in connection.websocket:
        messages.append(message)
    assert messages == ["hello"]
    with pytest.raises(StopAsyncIteration):
        await anext(connection.websocket)
    with pytest.raises(WebsocketClosed, match="1001: away"):
        await connection.websocket.receive()


async def test_a_waiting_send_can_be_cancelled_or_resumed() -> None:
    connection = MemoryConnection(accepted=True)
    connection.reads.clear()
    first, second = (asyncio.create_task(connection.websocket.send(text)) for text in ("one", "two"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait((first,))
    assert first.cancelled()
    connection.reads.set()
    await second
    assert connection.events == [("send", "two")]


async def test_tools_see_the_inner_coroutine() -> None:
    connection = MemoryConnection(accepted=True)

    async def hook(message: Any) -> Any:
        await asyncio.sleep(0)
        return (message, "changed")

    connection.websocket.set_hooks(hook, None)
    task: asyncio.Task[Any] = asyncio.create_task(connection.websocket.receive())
    await asyncio.sleep(0)
    assert task.get_coro().cr_frame.f_code.co_name == "receive_next"  # type: ignore[union-attr]
    assert [frame.f_code.co_name for frame in task.get_stack()] == ["receive_next"]
    connection.inbox.messages.append("hello")
    connection.inbox.wake()
    # A hook may turn a message into a tuple, which must not be taken for the arguments of an exception.
    assert await task == ("hello", "changed")


async def test_a_task_without_a_frame_can_be_printed() -> None:
    task = asyncio.create_task(MemoryConnection(accepted=True).websocket.receive())
    await asyncio.sleep(0)
    assert len(task.get_stack()) == (ENGINE == "python")
    task.print_stack(file=sys.stderr)
    assert "Websocket.receive()" in repr(task)
    if sys.version_info >= (3, 14):
        assert asyncio.format_call_graph(task)
    task.cancel()


async def test_a_reentrant_step_is_refused() -> None:
    connection = MemoryConnection(accepted=True)
    seen: list[type[Exception]] = []

    def write(message: Any, more: bool) -> None:
        for step in (lambda: call.send(None), call.close):
            try:
                step()
            except Exception as error:
                seen.append(type(error))

    connection.websocket._writer = types.SimpleNamespace(write=write)
    call = connection.websocket.send("text")
    await call
    assert seen == [ValueError, ValueError]


async def test_a_call_in_a_cycle_is_collected() -> None:
    connection = connected()
    call = connection.websocket.receive()
    holder = types.SimpleNamespace(call=call)
    waiting = asyncio.create_task(MemoryConnection(accepted=True).websocket.receive())
    holder.itself = holder
    await call
    del call, holder
    await asyncio.sleep(0)
    waiting.cancel()
    gc.collect()


async def open_connection() -> None:
    """The handler of a connection that the test itself uses."""
    from emmett import websocket

    await websocket.accept()
    await websocket.wait_closed()


async def test_successive_calls_are_new_objects() -> None:
    connection = connected()
    websocket = connection.websocket
    for number in range(100):
        connection.inbox.messages[:] = [f"message {number}", "next"]
        calls: list[Any] = [websocket.receive(), websocket.send("text"), websocket.receive()]
        assert await calls[0] == f"message {number}"
        await calls[1]
        if number % 2:
            # The finalizer of a call that is never awaited runs each time.
            with pytest.warns(RuntimeWarning, match="never awaited"):
                calls.clear()
        else:
            assert await calls[2] == "next"
