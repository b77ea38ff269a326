"""Messages on their way through the hooks of a pipeline: what is dropped, changed, waited for, cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett.channels.sink import Batch
from emmett.errors import UsageError, WebsocketClosed
from emmett.pipeline import DROP
from tests.websockets.memory_connection import MemoryConnection, turns


class Gate:
    """A hook that waits until the test releases it."""

    def __init__(self) -> None:
        self.entered: list[Any] = []
        self.open = asyncio.Event()

    async def __call__(self, data: Any) -> Any:
        self.entered.append(data)
        await self.open.wait()
        return f"<{data}>"


async def pass_on(data: Any) -> Any:
    return data


async def drop_odd(data: Any) -> Any:
    return DROP if int(data) % 2 else data


async def fail_at_two(data: Any) -> Any:
    if data == "2":
        raise LookupError("two")
    return data


async def test_the_result_of_a_hook_is_received() -> None:
    connection = MemoryConnection(accepted=True)

    async def double(data: Any) -> Any:
        return {"doubled": int(data) * 2}

    connection.websocket.set_hooks(double, None)
    connection.arrive("21")
    received: Any = await connection.websocket.receive()
    assert received == {"doubled": 42}


async def test_the_result_of_a_hook_is_sent() -> None:
    connection = MemoryConnection()

    async def join(data: Any) -> Any:
        return ",".join(data)

    connection.websocket.set_hooks(None, join)
    await connection.websocket.send(["a", "b"])  # type: ignore[arg-type]
    assert connection.events == [("accept", {}, None), ("send", "a,b")]


async def test_a_dropped_message_is_not_received() -> None:
    connection = MemoryConnection(accepted=True)
    connection.websocket.set_hooks(drop_odd, None)
    connection.arrive("1", "3", "4", "5")
    assert await connection.websocket.receive() == "4"
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.arrive("7")
    await turns()
    assert not receiving.done()
    connection.arrive("8")
    assert await receiving == "8"


async def test_a_dropped_message_frees_its_place_too() -> None:
    connection = MemoryConnection(accepted=True)
    connection.websocket.set_hooks(drop_odd, None)
    connection.arrive("1")
    connection.inbox.held_back = True
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    assert connection.refilled == 1
    receiving.cancel()


async def test_a_dropped_message_is_not_sent() -> None:
    connection = MemoryConnection(accepted=True)
    connection.websocket.set_hooks(None, drop_odd)
    for number in range(5):
        await connection.websocket.send(str(number))
    assert connection.sent == ["0", "2", "4"]


async def test_an_exception_from_a_hook_reaches_only_the_caller() -> None:
    connection = MemoryConnection(accepted=True)
    connection.websocket.set_hooks(fail_at_two, fail_at_two)
    connection.arrive("1", "2", "3")
    assert await connection.websocket.receive() == "1"
    with pytest.raises(LookupError, match="two"):
        await connection.websocket.receive()
    assert await connection.websocket.receive() == "3"
    results = await asyncio.gather(
        *(connection.websocket.send(str(number)) for number in range(1, 4)), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), LookupError, type(None)]
    assert connection.sent == ["1", "3"]


async def test_a_hook_that_returns_an_invalid_message_is_an_error() -> None:
    connection = MemoryConnection(accepted=True)

    async def number(data: Any) -> Any:
        return 5

    connection.websocket.set_hooks(None, number)
    with pytest.raises(TypeError, match="a message is str or bytes-like"):
        await connection.websocket.send("x")
    connection.websocket.set_hooks(None, pass_on)
    await connection.websocket.send("y")
    assert connection.sent == ["y"]


async def test_a_later_message_does_not_overtake_one_whose_hook_waits() -> None:
    connection = MemoryConnection(accepted=True)
    first = asyncio.Event()

    async def slow_first(data: Any) -> Any:
        if data == "0":
            await first.wait()
        return data

    connection.websocket.set_hooks(None, slow_first)
    tasks = [asyncio.create_task(connection.websocket.send(str(number))) for number in range(5)]
    await turns()
    assert connection.sent == []
    first.set()
    await asyncio.gather(*tasks)
    assert connection.sent == ["0", "1", "2", "3", "4"]


async def test_a_later_message_does_not_overtake_one_that_waits_for_the_peer() -> None:
    connection = MemoryConnection(accepted=True)
    connection.websocket.set_hooks(None, pass_on)
    connection.reads.clear()
    tasks = [asyncio.create_task(connection.websocket.send(str(number))) for number in range(3)]
    await turns()
    connection.reads.set()
    tasks.append(asyncio.create_task(connection.websocket.send("3")))
    await asyncio.gather(*tasks)
    assert connection.sent == ["0", "1", "2", "3"]


async def test_a_send_cancelled_in_its_hook_sends_nothing_and_does_not_block_the_next() -> None:
    connection = MemoryConnection(accepted=True)
    gate = Gate()
    connection.websocket.set_hooks(None, gate)
    tasks = [asyncio.create_task(connection.websocket.send(str(number))) for number in range(3)]
    await turns()
    assert gate.entered == ["0"]
    tasks[0].cancel()
    tasks[1].cancel()
    await turns()
    assert gate.entered == ["0", "2"]
    gate.open.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert connection.sent == ["<2>"]


async def test_the_connection_may_end_while_a_hook_waits() -> None:
    connection = MemoryConnection(accepted=True)
    gate = Gate()
    connection.websocket.set_hooks(gate, gate)
    connection.arrive("in")
    sending = asyncio.create_task(connection.websocket.send("out"))
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.leave(4000, "bye")
    gate.open.set()
    # The message had already arrived.
    assert await receiving == "<in>"
    with pytest.raises(WebsocketClosed) as closed:
        await sending
    assert closed.value.code == 4000


async def test_a_receive_cancelled_in_its_hook_loses_nothing() -> None:
    connection = MemoryConnection(accepted=True)
    gate = Gate()
    connection.websocket.set_hooks(gate, None)
    connection.arrive("one", "two")
    for _ in range(3):
        receiving = asyncio.create_task(connection.websocket.receive())
        await turns()
        connection.arrive("more")
        receiving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await receiving
    gate.open.set()
    received = [await connection.websocket.receive() for _ in range(5)]
    assert received == ["<one>", "<two>", "<more>", "<more>", "<more>"]


async def test_a_receive_that_times_out_in_its_hook_loses_nothing() -> None:
    connection = MemoryConnection(accepted=True)
    gate = Gate()
    connection.websocket.set_hooks(gate, None)
    connection.arrive("one")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await connection.websocket.receive()
    connection.leave()
    gate.open.set()
    assert await connection.websocket.receive() == "<one>"
    with pytest.raises(WebsocketClosed):
        await connection.websocket.receive()


async def test_a_second_receive_while_a_hook_runs_is_an_error() -> None:
    """Otherwise a cancellation of the first one could change the order of the messages."""
    connection = MemoryConnection(accepted=True)
    gate = Gate()
    connection.websocket.set_hooks(gate, None)
    connection.arrive("one", "two")
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    with pytest.raises(UsageError, match="one task at a time may receive"):
        await connection.websocket.receive()
    assert gate.entered == ["one"]
    receiving.cancel()
    await turns()
    gate.open.set()
    assert [await connection.websocket.receive() for _ in range(2)] == ["<one>", "<two>"]


async def test_a_hook_may_send() -> None:
    connection = MemoryConnection(accepted=True)

    async def answer_keepalive(data: Any) -> Any:
        if data == "?":
            await connection.websocket.send("!")
            return DROP
        return data

    connection.websocket.set_hooks(answer_keepalive, pass_on)
    connection.arrive("?", "message")
    assert await connection.websocket.receive() == "message"
    assert connection.sent == ["!"]


async def test_send_nowait_cannot_run_hooks() -> None:
    connection = MemoryConnection(accepted=True)
    connection.websocket.set_hooks(pass_on, None)
    connection.websocket.send_nowait("x")
    connection.websocket.set_hooks(None, pass_on)
    with pytest.raises(UsageError, match=r"on_send hooks: use send\(\)"):
        connection.websocket.send_nowait("y")
    assert connection.sent == ["x"]


async def test_json_passes_the_hooks_as_text() -> None:
    connection = MemoryConnection(accepted=True)

    async def shout(data: Any) -> Any:
        return data.upper()

    connection.websocket.set_hooks(shout, shout)
    connection.arrive('{"a": "b"}')
    assert await connection.websocket.receive_json() == {"A": "B"}
    await connection.websocket.send_json({"a": "b"})
    assert connection.sent == ['{"A":"B"}']


async def test_a_batch_passes_the_hooks_before_the_connection_closes() -> None:
    connection = MemoryConnection(accepted=True)
    gate = Gate()
    connection.websocket.set_hooks(None, gate)
    assert connection.websocket.deliver(Batch(["1", "2"]))
    assert not connection.websocket.deliver(Batch(["3"]))
    closing = asyncio.create_task(connection.websocket.close(1000))
    await turns()
    assert connection.events == []
    gate.open.set()
    await closing
    assert connection.events == [("send", "<1>"), ("send", "<2>"), ("close", 1000, "")]
    with pytest.raises(WebsocketClosed):
        connection.websocket.deliver(Batch(["4"]))


async def test_a_batch_that_a_hook_fails_on_closes_the_connection() -> None:
    connection = MemoryConnection(accepted=True)
    connection.websocket.set_hooks(None, fail_at_two)
    assert connection.websocket.deliver(Batch(["1", "2", "3"]))
    await connection.websocket.wait_closed()
    assert connection.events == [("send", "1"), ("close", 1011, "")]
