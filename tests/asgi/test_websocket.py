"""Websockets over ASGI: the promises of docs/design.md, kept with the messages of another server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, WebsocketClosed, abort, websocket
from emmett.asgi.websocket import MESSAGE_COST, READ_AHEAD
from emmett.errors import UsageError
from tests.asgi.peers import WebsocketPeer
from tests.websockets.memory_connection import turns


def app_with(handler: Any, **settings: Any) -> App:
    app = App(__name__)
    app.websocket("/", **settings)(handler)
    return app


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


async def test_the_handshake_is_read_from_the_scope() -> None:
    app = App(__name__)

    @app.websocket("/rooms/<str:name>")
    async def room(name: str) -> None:
        parts = (websocket.scheme, websocket.host, websocket.path, name, websocket.query_params.a)
        await websocket.send(" ".join(map(str, (*parts, websocket.headers["x-y"], websocket.client))))

    peer = WebsocketPeer(app, "/rooms/é?a=1", [("X-Y", "z")], scheme="wss")
    assert await peer.receive() == "wss localhost /rooms/é é 1 z ('192.0.2.1', 50000)"
    assert await peer.closed() == (1000, "")


async def test_accept_sends_headers_and_a_subprotocol() -> None:
    async def talk() -> None:
        await websocket.accept(headers={"X-Answer": "yes"}, subprotocol="v2")
        await websocket.accept(subprotocol="v1")
        await websocket.send(str(websocket.subprotocol))

    peer = WebsocketPeer(app_with(talk), subprotocols=["v1", "v2"])
    assert await peer.accepted() == {
        "type": "websocket.accept",
        "subprotocol": "v2",
        "headers": [(b"x-answer", b"yes")],
    }
    assert await peer.receive() == "v2"
    assert await peer.closed() == (1000, "")


@pytest.mark.parametrize(
    "arguments",
    [{"subprotocol": "v3"}, {"headers": {"X-Split": "a\r\nb"}}, {"headers": {"Sec-WebSocket-Protocol": "v1"}}],
)
async def test_an_invalid_accept_raises_and_sends_nothing(arguments: Any) -> None:
    async def talk() -> None:
        with pytest.raises(ValueError, match=r"subprotocol|X-Split|Sec-WebSocket-Protocol"):
            await websocket.accept(**arguments)
        assert not websocket.accepted
        await websocket.send("plainly")

    peer = WebsocketPeer(app_with(talk), subprotocols=["v1"])
    assert (await peer.accepted())["headers"] == []
    assert await peer.receive() == "plainly"
    assert await peer.closed() == (1000, "")


async def test_concurrent_first_calls_accept_once() -> None:
    async def talk() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(3):
                tasks.create_task(websocket.send(str(number)))
            tasks.create_task(websocket.receive())

    peer = WebsocketPeer(app_with(talk))
    peer.reads.clear()
    await turns(20)
    peer.reads.set()
    await peer.accepted()
    assert [await peer.receive() for _ in range(3)] == ["0", "1", "2"]
    peer.send("done")
    assert await peer.closed() == (1000, "")


async def test_only_the_first_close_counts() -> None:
    async def talk() -> None:
        await websocket.accept()
        await asyncio.gather(websocket.close(4000, "first"), websocket.close(4001, "second"))
        await websocket.close(4002, "third")

    peer = WebsocketPeer(app_with(talk))
    await peer.accepted()
    assert await peer.closed() == (4000, "first")


async def test_text_and_binary_messages_pass_both_ways() -> None:
    peer = WebsocketPeer(app_with(echo))
    messages: list[str | bytes] = ["text", b"binary", "", b"", "é", b"\xff"]
    peer.send(*messages)
    assert [await peer.receive() for _ in messages] == messages
    peer.leave()
    await peer.ended()


async def test_a_refusal_is_a_denial_response() -> None:
    async def refuse() -> None:
        abort(402, "members pay", {"X-Reason": "money"})

    peer = WebsocketPeer(app_with(refuse))
    start = await peer.next()
    assert start == {
        "type": "websocket.http.response.start",
        "status": 402,
        "headers": [(b"x-reason", b"money"), (b"content-length", b"11")],
    }
    assert await peer.next() == {"type": "websocket.http.response.body", "body": b"members pay"}
    await peer.ended()


@pytest.mark.parametrize("changes", [{"extensions": {}}, {"extensions": {"tls": {}}}])
async def test_a_refusal_on_a_server_without_denial_responses_is_a_close(changes: Any) -> None:
    async def refuse() -> None:
        abort(402)

    peer = WebsocketPeer(app_with(refuse), **changes)
    assert await peer.next() == {"type": "websocket.close", "code": 1000}
    await peer.ended()


async def test_a_handshake_without_a_matching_route_is_refused_with_404() -> None:
    app = app_with(echo, hostname="example.org", schemes="wss")
    assert await WebsocketPeer(app, "/nowhere").refused() == (404, b"Not Found")
    assert await WebsocketPeer(app, headers=[("host", "example.org")]).refused() == (404, b"Not Found")


async def test_handshakes_from_other_origins_are_refused() -> None:
    app = app_with(echo)
    assert (await WebsocketPeer(app, headers=[("origin", "http://evil.example")]).refused())[0] == 403
    peer = WebsocketPeer(app, headers=[("origin", "http://localhost")])
    peer.send("x")
    assert await peer.receive() == "x"
    peer.leave()
    await peer.ended()


async def test_a_handshake_without_an_answer_in_time_is_refused() -> None:
    cancelled = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    assert (await WebsocketPeer(app_with(wait, accept_timeout=0.01)).refused())[0] == 503
    assert cancelled.is_set()


async def test_received_messages_are_delivered_before_the_end() -> None:
    got: list[Any] = []
    go = asyncio.Event()

    async def slow() -> None:
        await websocket.accept()
        await go.wait()
        with pytest.raises(WebsocketClosed) as closed:
            while True:
                got.append(await websocket.receive())
        got.append((closed.value.code, closed.value.reason))

    peer = WebsocketPeer(app_with(slow))
    peer.send("1", "2", "3")
    peer.leave(4000, "bye")
    await peer.accepted()
    await turns(20)
    go.set()
    await peer.ended()
    assert got == ["1", "2", "3", (4000, "bye")]


@pytest.mark.parametrize(
    ("event", "end"),
    [
        ({"code": 1001, "reason": "away"}, (1001, "away")),
        ({"code": 1005, "reason": ""}, (1005, "")),
        ({"code": 1005}, (1006, "")),
        ({"code": None, "reason": None}, (1006, "")),
        ({}, (1006, "")),
    ],
)
@pytest.mark.parametrize("version", ["2.4", "2.3"])
async def test_code_and_reason_come_from_the_server(version: str, event: dict[str, Any], end: tuple[int, str]) -> None:
    if version == "2.3" and end[0] == 1006:
        # The server never reports a reason, so it may also have received a Close frame without a code.
        end = (1005, "")
    got: list[Any] = []

    async def wait() -> None:
        await websocket.accept()
        await websocket.wait_closed()
        got.append((websocket.close_code, websocket.close_reason))

    peer = WebsocketPeer(app_with(wait), asgi={"version": "3.0", "spec_version": version})
    await peer.accepted()
    peer._incoming.put_nowait({"type": "websocket.disconnect", **event})
    await peer.ended()
    assert got == [end]


@pytest.mark.parametrize("settings", [{"inbox_messages": 4}, {"inbox_bytes": 3000}])
async def test_the_inbox_is_bounded(settings: dict[str, int]) -> None:
    go = asyncio.Event()
    got: list[str | bytes] = []

    async def slow() -> None:
        await websocket.accept()
        await go.wait()
        got.extend([message async for message in websocket])

    peer = WebsocketPeer(app_with(slow, **settings))
    await peer.accepted()
    # 4 messages fill the inbox, and 64 more are received ahead of it.
    sent = [f"{number:0{1024 - MESSAGE_COST}}" for number in range(100)]
    peer.send(*sent)
    peer.leave()
    await turns(300)
    assert peer.waiting == 101 - 4 - READ_AHEAD // 1024
    go.set()
    await peer.ended()
    assert got == sent


async def test_a_peer_that_leaves_while_the_inbox_is_full_is_noticed_and_loses_nothing() -> None:
    noticed: list[int | None] = []
    got: list[str | bytes] = []

    async def sends_only() -> None:
        await websocket.accept()
        await websocket.wait_closed()
        noticed.append(websocket.close_code)
        got.extend([message async for message in websocket])

    peer = WebsocketPeer(app_with(sends_only))
    await peer.accepted()
    peer.send(*map(str, range(17)))
    peer.leave(4000)
    await peer.ended()
    assert noticed == [4000]
    assert got == [str(number) for number in range(17)]


@pytest.mark.parametrize("message", ["x" * 11, b"x" * 11, "é" * 6])
async def test_a_message_over_the_limit_closes_with_1009(message: str | bytes) -> None:
    peer = WebsocketPeer(app_with(echo, max_message_size=10))
    peer.send("x" * 10)
    assert await peer.receive() == "x" * 10
    peer.send(message, "never seen")
    assert await peer.closed() == (1009, "message over 10 bytes")


async def test_a_handler_learns_of_a_message_that_is_too_large() -> None:
    got: list[Any] = []

    async def listen() -> None:
        try:
            await websocket.receive()
        except WebsocketClosed as closed:
            got.append((closed.code, closed.reason))
            raise

    peer = WebsocketPeer(app_with(listen, max_message_size=10))
    peer.send("x" * 11)
    await peer.accepted()
    assert await peer.closed() == (1009, "message over 10 bytes")
    assert got == [(1009, "message over 10 bytes")]


async def test_sends_of_several_tasks_keep_the_order_of_the_calls() -> None:
    async def talk() -> None:
        await websocket.accept()
        async with asyncio.TaskGroup() as tasks:
            for number in range(5):
                tasks.create_task(websocket.send(str(number)))

    peer = WebsocketPeer(app_with(talk))
    await peer.accepted()
    peer.reads.clear()
    await turns(20)
    peer.reads.set()
    assert [await peer.receive() for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert await peer.closed() == (1000, "")


async def test_a_send_that_the_server_completes_at_once_needs_no_coroutine() -> None:
    stalled = asyncio.Event()

    async def talk() -> None:
        await websocket.accept()
        write: Any = websocket.connection._connection.writer.write
        assert write("at once", False) is None
        await stalled.wait()
        await write("later", False)

    peer = WebsocketPeer(app_with(talk))
    await peer.accepted()
    assert await peer.receive() == "at once"
    peer.reads.clear()
    stalled.set()
    await turns(20)
    assert peer.events.empty()
    peer.reads.set()
    assert await peer.receive() == "later"


async def test_nothing_overtakes_what_is_sent_without_waiting() -> None:
    async def talk() -> None:
        await websocket.accept()
        websocket.send_nowait("1")
        await websocket.send("2")
        websocket.send_nowait(b"3")
        websocket.send_nowait("4")
        await websocket.send("5")
        websocket.send_nowait("6")
        await websocket.close(4000, "that was all")

    peer = WebsocketPeer(app_with(talk))
    assert [await peer.receive() for _ in range(6)] == ["1", "2", b"3", "4", "5", "6"]
    assert await peer.closed() == (4000, "that was all")


async def test_what_is_sent_without_waiting_outlives_the_handler() -> None:
    async def talk() -> None:
        await websocket.accept()
        for number in range(3):
            websocket.send_nowait(str(number))

    peer = WebsocketPeer(app_with(talk))
    await peer.accepted()
    peer.reads.clear()
    await turns(20)
    peer.reads.set()
    assert [await peer.receive() for _ in range(3)] == ["0", "1", "2"]
    assert await peer.closed() == (1000, "")


async def test_a_peer_that_does_not_keep_up_is_dropped() -> None:
    got: list[Any] = []

    async def talk() -> None:
        await websocket.accept()
        stopped.set()
        await go.wait()
        websocket.send_nowait("four")
        websocket.send_nowait(b"four")
        with pytest.raises(WebsocketClosed, match="does not keep up"):
            websocket.send_nowait("four")
        got.append((websocket.closed, websocket.close_code))

    stopped, go = asyncio.Event(), asyncio.Event()
    peer = WebsocketPeer(app_with(talk, write_limit=11))
    await stopped.wait()
    peer.reads.clear()
    go.set()
    await turns(20)
    peer.reads.set()
    assert [await peer.receive(), await peer.receive()] == ["four", b"four"]
    await peer.ended()
    assert got == [(True, 1006)]


async def test_buffer_space_is_freed_as_the_peer_reads() -> None:
    async def talk() -> None:
        await websocket.accept()
        for _ in range(5):
            websocket.send_nowait("12345678")
            await websocket.send("")

    peer = WebsocketPeer(app_with(talk, write_limit=10))
    assert [await peer.receive() for _ in range(10)] == ["12345678", ""] * 5
    assert await peer.closed() == (1000, "")


async def test_a_peer_that_does_not_read_is_dropped() -> None:
    got: list[int] = []

    async def talk() -> None:
        await websocket.accept()
        stopped.set()
        await go.wait()
        with pytest.raises(WebsocketClosed) as closed:
            await websocket.send("x")
        got.append(closed.value.code)

    stopped, go = asyncio.Event(), asyncio.Event()
    peer = WebsocketPeer(app_with(talk, send_timeout=0.01))
    await stopped.wait()
    peer.reads.clear()
    go.set()
    await peer.task
    assert got == [1006]


async def test_an_error_of_the_server_on_send_means_that_the_peer_has_gone() -> None:
    got: list[int | None] = []

    async def talk() -> None:
        await websocket.accept()
        peer.broken = True
        with pytest.raises(WebsocketClosed):
            await websocket.send("x")
        got.append(websocket.close_code)
        with pytest.raises(WebsocketClosed):
            websocket.send_nowait("x")
        await websocket.close()

    peer = WebsocketPeer(app_with(talk))
    await peer.task
    assert got == [1006]


async def test_a_busy_handler_has_its_grace_when_the_peer_leaves() -> None:
    got: list[str] = []

    async def busy() -> None:
        await websocket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            got.append("cancelled")

    peer = WebsocketPeer(app_with(busy, disconnect_grace=0.01))
    await peer.accepted()
    peer.leave()
    await peer.ended()
    assert got == ["cancelled"]


async def test_pings_are_unsupported() -> None:
    async def talk() -> None:
        with pytest.raises(UsageError, match="ASGI has no pings"):
            await websocket.ping()

    peer = WebsocketPeer(app_with(talk))
    await peer.accepted()
    assert await peer.closed() == (1000, "")


@pytest.mark.parametrize("data", [None, 5, ["x"]])
async def test_invalid_messages_are_refused(data: Any) -> None:
    async def talk() -> None:
        await websocket.accept()
        with pytest.raises(TypeError, match="a message is str or bytes-like"):
            await websocket.send(data)
        with pytest.raises(TypeError, match="a message is str or bytes-like"):
            websocket.send_nowait(data)
        await websocket.send("fine")

    peer = WebsocketPeer(app_with(talk))
    assert await peer.receive() == "fine"
    assert await peer.closed() == (1000, "")


async def test_a_buffer_may_be_used_again_once_the_call_has_returned() -> None:
    async def talk() -> None:
        await websocket.accept()
        buffer = bytearray(b"one")
        websocket.send_nowait(buffer)
        buffer[:] = b"two"
        await websocket.send(memoryview(buffer))

    peer = WebsocketPeer(app_with(talk))
    assert [await peer.receive(), await peer.receive()] == [b"one", b"two"]
    assert await peer.closed() == (1000, "")


async def test_a_server_that_cancels_waits_for_the_handler() -> None:
    got: list[str] = []

    async def tidy() -> None:
        await websocket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            await turns()
            got.append("tidied up")

    peer = WebsocketPeer(app_with(tidy))
    await peer.accepted()
    peer.task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await peer.task
    assert got == ["tidied up"]
    event = await peer.events.get()
    assert (event["type"], event["code"]) == ("websocket.close", 1011)
