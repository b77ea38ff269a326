"""The connection as an application sees it, above a connection in memory."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from emmett.channels.sink import Batch
from emmett.errors import UsageError, WebsocketClosed
from tests.websockets.memory_connection import MemoryConnection, turns


async def test_the_handshake_can_be_read() -> None:
    fields = (
        (b"host", b"server.example.com:81"),
        (b"x-custom", b"value"),
        (b"cookie", b"name=value; theme=dark"),
    )
    connection = MemoryConnection(
        path="/café", query_string=b"one=1&many=a&many=b&blank=", headers=fields, subprotocols=("v1", "v2")
    )
    websocket = connection.websocket
    assert (websocket.scheme, websocket.path, websocket.host) == ("ws", "/café", "server.example.com:81")
    assert websocket.headers["X-CUSTOM"] == "value"
    assert websocket.headers.get("missing", "default") == "default"
    assert websocket.cookies["theme"].value == "dark"
    assert websocket.cookies is websocket.cookies
    assert websocket.query_params == {"one": "1", "many": ["a", "b"], "blank": ""}
    assert websocket.query_params.missing is None
    assert websocket.query_params is websocket.query_params
    assert websocket.client == ("192.0.2.1", 50000)
    assert websocket.subprotocols == ("v1", "v2")
    assert (websocket.accepted, websocket.subprotocol, websocket.closed) == (False, None, False)
    assert (websocket.close_code, websocket.close_reason) == (None, None)
    assert websocket.connection is websocket


async def test_a_handshake_may_have_no_host_and_no_cookies() -> None:
    websocket = MemoryConnection(headers=()).websocket
    assert websocket.host == ""
    assert not websocket.cookies


async def test_accept_works_only_once() -> None:
    connection = MemoryConnection(subprotocols=("v1",))
    await connection.websocket.accept(headers={"X-A": "b"}, subprotocol="v1")
    await connection.websocket.accept(subprotocol="not offered either")
    assert connection.events == [("accept", {"X-A": "b"}, "v1")]
    assert (connection.websocket.accepted, connection.websocket.subprotocol) == (True, "v1")


async def test_a_failed_accept_may_be_followed_by_another_one() -> None:
    connection = MemoryConnection()
    with pytest.raises(ValueError, match="was not offered"):
        await connection.websocket.accept(subprotocol="v1")
    await connection.websocket.accept()
    assert connection.events == [("accept", {}, None)]


@pytest.mark.parametrize("call", ["receive", "send", "send_json", "ping", "receive_text"])
async def test_the_first_call_accepts(call: str) -> None:
    connection = MemoryConnection()
    connection.inbox.messages.append("early")
    arguments: tuple[Any, ...] = ("text",) if call.startswith("send") else ()
    await getattr(connection.websocket, call)(*arguments)
    assert connection.events[0] == ("accept", {}, None)


async def test_concurrent_first_calls_accept_once() -> None:
    connection = MemoryConnection()
    connection.reads.clear()
    tasks = [
        asyncio.create_task(connection.websocket.receive()),
        asyncio.create_task(connection.websocket.send("one")),
        asyncio.create_task(connection.websocket.send("two")),
    ]
    await turns()
    connection.arrive("hello")
    connection.reads.set()
    await asyncio.gather(*tasks)
    assert tasks[0].result() == "hello"
    assert connection.sent == ["one", "two"]
    assert connection.websocket.accepted


async def test_messages_are_received_in_order() -> None:
    connection = MemoryConnection(accepted=True)
    connection.arrive("text", b"binary", "", b"")
    assert [await connection.websocket.receive() for _ in range(4)] == ["text", b"binary", "", b""]
    for message in ("text", b"binary", "", bytearray(b"array"), memoryview(b"view")):
        await connection.websocket.send(message)
    assert connection.sent == ["text", b"binary", "", bytearray(b"array"), memoryview(b"view")]


async def test_receive_waits_for_an_arrival() -> None:
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    assert not receiving.done()
    connection.arrive("now", "then")
    assert await receiving == "now"
    assert await connection.websocket.receive() == "then"


async def test_a_wake_without_a_message_is_no_message() -> None:
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    for _ in range(3):
        await turns()
        connection.inbox.wake()
    await turns()
    connection.arrive("now")
    assert await receiving == "now"


async def test_a_second_receive_is_an_error_that_explains_itself() -> None:
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    with pytest.raises(UsageError, match="already waiting in another task"):
        await connection.websocket.receive()
    connection.arrive("for the first")
    assert await receiving == "for the first"


async def test_a_cancelled_receive_loses_nothing() -> None:
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.arrive("one", "two")
    # The message has arrived, but the waiting task has not run yet.
    receiving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await receiving
    assert [await connection.websocket.receive() for _ in range(2)] == ["one", "two"]


async def test_the_last_message_of_the_inbox_asks_for_more() -> None:
    connection = MemoryConnection(accepted=True)
    connection.arrive("one", "two", "three")
    connection.inbox.held_back = True
    refilled = []
    for _ in range(3):
        await connection.websocket.receive()
        refilled.append(connection.refilled)
    assert refilled == [0, 0, 1]


async def test_received_messages_are_delivered_before_the_end() -> None:
    connection = MemoryConnection(accepted=True)
    connection.arrive("one", "two")
    connection.leave(4000, "bye")
    websocket = connection.websocket
    assert (websocket.closed, websocket.close_code, websocket.close_reason) == (True, 4000, "bye")
    with pytest.raises(WebsocketClosed):
        await websocket.send("too late")
    assert [await websocket.receive() for _ in range(2)] == ["one", "two"]
    for _ in range(2):
        with pytest.raises(WebsocketClosed) as closed:
            await websocket.receive()
        assert (closed.value.code, closed.value.reason) == (4000, "bye")


async def test_a_waiting_receive_learns_of_the_end() -> None:
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.leave(1001)
    with pytest.raises(WebsocketClosed) as closed:
        await receiving
    assert closed.value.code == 1001


async def test_only_the_first_end_counts() -> None:
    connection = MemoryConnection(accepted=True)
    connection.leave(4000, "first")
    connection.leave(1006, "second")
    assert (connection.websocket.close_code, connection.websocket.close_reason) == (4000, "first")


async def test_each_call_raises_its_own_exception() -> None:
    connection = MemoryConnection(accepted=True)
    connection.leave()
    errors = []
    for _ in range(2):
        with pytest.raises(WebsocketClosed) as closed:
            await connection.websocket.receive()
        errors.append(closed.value)
    assert errors[0] is not errors[1]


async def test_a_loop_over_messages_ends_without_an_exception() -> None:
    connection = MemoryConnection()
    connection.inbox.messages.extend(["one", "two"])
    received = []
    async for message in connection.websocket:
        received.append(message)
        if message == "two":
            connection.leave(1006)
    assert received == ["one", "two"]


async def test_accepting_an_ended_connection_is_an_error() -> None:
    connection = MemoryConnection()
    connection.leave(1006)
    for call in (connection.websocket.accept(), connection.websocket.receive(), connection.websocket.send("x")):
        with pytest.raises(WebsocketClosed):
            await call
    assert connection.events == []


@pytest.mark.parametrize("data", [None, 5, ["a"], {"a": 1}, object()])
async def test_invalid_messages_are_refused(data: Any) -> None:
    connection = MemoryConnection(accepted=True)
    with pytest.raises(TypeError, match="a message is str or bytes-like"):
        await connection.websocket.send(data)
    assert connection.events == []


async def test_sends_of_several_tasks_keep_the_order_of_the_calls() -> None:
    connection = MemoryConnection(accepted=True)
    connection.reads.clear()
    tasks = [asyncio.create_task(connection.websocket.send(str(number))) for number in range(10)]
    await turns()
    tasks[4].cancel()
    await turns()
    connection.reads.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert connection.sent == ["0", "1", "2", "3", "5", "6", "7", "8", "9"]


async def test_close_sends_a_code_and_a_reason() -> None:
    connection = MemoryConnection(accepted=True)
    await connection.websocket.close(4000, "enough")
    await connection.websocket.close(4001, "only the first counts")
    assert connection.events == [("close", 4000, "enough")]
    assert (connection.websocket.close_code, connection.websocket.close_reason) == (4000, "enough")
    with pytest.raises(WebsocketClosed):
        await connection.websocket.send("x")


async def test_close_comes_after_sent_messages() -> None:
    connection = MemoryConnection(accepted=True)
    connection.reads.clear()
    sending = asyncio.create_task(connection.websocket.send("last"))
    closing = asyncio.create_task(connection.websocket.close())
    await turns()
    assert connection.events == []
    connection.reads.set()
    await asyncio.gather(sending, closing)
    assert connection.events == [("send", "last"), ("close", 1000, "")]


async def test_close_before_accepting_refuses() -> None:
    connection = MemoryConnection()
    await connection.websocket.close(4000, "no")
    assert connection.events == [("refuse", 403, "", {})]
    assert connection.websocket.closed


@pytest.mark.parametrize(
    ("code", "reason"),
    [(999, ""), (1004, ""), (1005, ""), (1006, ""), (1015, ""), (2999, ""), (5000, ""), (1000, "x" * 124)],
)
async def test_invalid_codes_and_reasons_are_refused(code: int, reason: str) -> None:
    connection = MemoryConnection(accepted=True)
    with pytest.raises(ValueError, match="close"):
        await connection.websocket.close(code, reason)
    assert connection.events == []
    assert not connection.websocket.closed


async def test_wait_closed_wakes_all_waiting_tasks() -> None:
    connection = MemoryConnection(accepted=True)
    waiting = [asyncio.create_task(connection.websocket.wait_closed()) for _ in range(3)]
    await turns()
    waiting[1].cancel()
    await turns()
    assert not waiting[0].done()
    connection.leave(4000)
    await asyncio.gather(waiting[0], waiting[2])
    await connection.websocket.wait_closed()
    assert waiting[1].cancelled()


async def test_this_side_closing_counts_as_the_end() -> None:
    connection = MemoryConnection(accepted=True)
    waiting = asyncio.create_task(connection.websocket.wait_closed())
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    await connection.websocket.close(4000, "enough")
    await waiting
    with pytest.raises(WebsocketClosed) as closed:
        await receiving
    assert (closed.value.code, closed.value.reason) == (4000, "enough")


async def test_leaving_ends_after_all_messages_were_delivered() -> None:
    connection = MemoryConnection(accepted=True)
    connection.arrive("one", "two")
    connection.websocket.leave(1012, "service restart")
    websocket = connection.websocket
    assert await websocket.receive() == "one"
    await websocket.send("answer")
    assert await websocket.receive() == "two"
    assert connection.events == [("send", "answer")]
    with pytest.raises(WebsocketClosed) as closed:
        await websocket.receive()
    assert (closed.value.code, closed.value.reason) == (1012, "service restart")
    assert connection.events[1:] == [("close", 1012, "service restart")]


async def test_leaving_wakes_waiting_tasks() -> None:
    connection = MemoryConnection(accepted=True)
    receiving = asyncio.create_task(connection.websocket.receive())
    await turns()
    connection.websocket.leave(1012, "service restart")
    with pytest.raises(WebsocketClosed) as closed:
        await receiving
    assert closed.value.code == 1012


async def test_send_nowait_sends_or_refuses_at_once() -> None:
    connection = MemoryConnection()
    with pytest.raises(UsageError, match=r"await websocket\.accept\(\) first"):
        connection.websocket.send_nowait("x")
    await connection.websocket.accept()
    connection.websocket.send_nowait("text")
    connection.websocket.send_nowait(b"binary")
    assert connection.sent == ["text", b"binary"]
    connection.leave()
    with pytest.raises(WebsocketClosed):
        connection.websocket.send_nowait("x")


async def test_ping_returns_the_round_trip() -> None:
    assert await MemoryConnection().websocket.ping() == 0.25


async def test_an_ended_connection_is_freed_at_once() -> None:
    connection = MemoryConnection(accepted=True)
    websocket = weakref.ref(connection.websocket)
    connection.leave()
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(WebsocketClosed):
            await connection.websocket.receive()
        await connection.websocket.wait_closed()
        # The server drops its reference.
        del connection.websocket
        assert websocket() is None
    finally:
        gc.enable()


async def test_a_batch_is_accepted_whole_or_not_at_all() -> None:
    connection = MemoryConnection(accepted=True)
    websocket = connection.websocket
    assert websocket.deliver(Batch(["one", b"two"]))
    connection.reads.clear()
    assert not websocket.deliver(Batch(["three"]))
    ready = asyncio.Event()
    websocket.when_ready(ready.set)
    connection.reads.set()
    await ready.wait()
    assert websocket.deliver(Batch(["three"]))
    assert connection.sent == ["one", b"two", "three"]


async def test_a_batch_needs_an_accepted_connection() -> None:
    with pytest.raises(UsageError, match="accept"):
        MemoryConnection().websocket.deliver(Batch(["one"]))
