"""The connection of generated Python clients, on a server that the test drives."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from emmett.schema.clients import python_connection
from emmett.schema.clients.python_connection import CallsConnection, ItemStream
from emmett.schema.clients.python_runtime import CallFailed, ConnectionLost, QueueFull
from tests.schema.clients.peer import Line, ScriptedPeer, scripted_peer


class Said(msgspec.Struct):
    text: str


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Let the client reconnect at once; record the codes and attempts for which it would have waited."""
    found: list[tuple[int, int]] = []

    def pause_after(code: int, attempt: int) -> float:
        found.append((code, attempt))
        return 0.0

    monkeypatch.setattr(python_connection, "pause_after", pause_after)
    return found


@contextlib.asynccontextmanager
async def connected(**options: Any) -> AsyncIterator[tuple[CallsConnection, Line, ScriptedPeer]]:
    async with scripted_peer() as peer:
        connection = CallsConnection(peer.url, {"said": Said}, **options)
        connection.open()
        try:
            line = await peer.accept()
            await connection.opened()
            yield connection, line, peer
        finally:
            await connection.close()


def stream(connection: CallsConnection) -> ItemStream[str]:
    return ItemStream(connection, "answer", {"prompt": "why?"}, str)


def result(id_: int, value: Any) -> dict[str, Any]:
    return {"id": id_, "result": value}


async def test_calls_are_completed_by_the_replies_with_their_ids() -> None:
    async with connected() as (connection, line, _):
        calls = [asyncio.create_task(connection.call("add", {"a": number}, int)) for number in (1, 2)]
        assert await line.read() == {"id": 1, "method": "add", "params": {"a": 1}}
        assert await line.read() == {"id": 2, "method": "add", "params": {"a": 2}}
        await line.write(result(9, 0), {"id": None, "error": {"code": 1, "message": "?"}}, result(2, 20), result(1, 10))
        assert await asyncio.gather(*calls) == [10, 20]


async def test_a_batch_of_replies_is_read() -> None:
    async with connected() as (connection, line, _):
        call = asyncio.create_task(connection.call("add", {}, int))
        await line.read()
        await line.websocket.send('[{"jsonrpc":"2.0","id":1,"result":3}]')
        assert await call == 3


async def test_a_result_of_another_type_is_an_error() -> None:
    async with connected() as (connection, line, _):
        call = asyncio.create_task(connection.call("add", {}, int))
        await line.read()
        await line.write(result(1, "3"))
        with pytest.raises(msgspec.ValidationError, match="Expected `int`, got `str`"):
            await call


async def test_an_error_keeps_its_code_and_data() -> None:
    async with connected() as (connection, line, _):
        call = asyncio.create_task(connection.call("add", {}, int))
        await line.read()
        await line.write({"id": 1, "error": {"code": 17, "message": "no seats", "data": {"wait": 5}}})
        with pytest.raises(CallFailed) as failed:
            await call
        assert (failed.value.code, failed.value.message, failed.value.data) == (17, "no seats", {"wait": 5})


async def test_invalid_messages_of_the_server_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as (connection, line, _):
        call = asyncio.create_task(connection.call("add", {}, int))
        await line.read()
        await line.websocket.send("{")
        await line.write({"method": "$/progress", "params": {"token": "x"}}, {"method": "$/progress"})
        await line.items(77, "nobody's")
        await line.write(result(1, 3))
        assert await call == 3
    assert len([record for record in caplog.records if "dropped" in record.message]) == 3


async def test_a_cancelled_call_is_cancelled_at_the_server() -> None:
    async with connected() as (connection, line, _):
        call = asyncio.create_task(connection.call("slow", {}, int))
        await line.read()
        call.cancel()
        assert await line.read() == {"method": "$/cancelRequest", "params": {"id": 1}}
        with pytest.raises(asyncio.CancelledError):
            await call
        # Its late reply is dropped.
        await line.write({"id": 1, "error": {"code": -32800, "message": "the call was cancelled"}})


async def test_a_call_fails_at_its_deadline() -> None:
    async with connected(timeout=0.01) as (connection, line, _):
        with pytest.raises(TimeoutError, match=r"slow: no reply within 0\.01 s"):
            await connection.call("slow", {}, int)
        await line.read()
        assert (await line.read())["method"] == "$/cancelRequest"


async def test_a_stream_is_sent_when_it_is_read_and_ends_with_its_reply() -> None:
    async with connected() as (connection, line, _):
        items = stream(connection)

        async def read() -> list[str]:
            return [item async for item in items]

        reading = asyncio.create_task(read())
        assert await line.read() == {"id": 1, "method": "answer", "params": {"prompt": "why?"}}
        await line.items(1, "a", "b")
        await line.write(result(1, None))
        assert await reading == ["a", "b"]
        with pytest.raises(StopAsyncIteration):
            await anext(items)


async def test_leaving_the_loop_cancels_a_stream() -> None:
    async with connected() as (connection, line, _):

        async def read() -> None:
            async for item in stream(connection):
                assert item == "a"
                break

        reading = asyncio.create_task(read())
        await line.read()
        await line.items(1, "a")
        await reading
        gc.collect()
        assert await line.read() == {"method": "$/cancelRequest", "params": {"id": 1}}


async def test_the_end_of_the_block_cancels_a_stream() -> None:
    async with connected() as (connection, line, _):
        async with stream(connection) as items:
            first = asyncio.create_task(anext(items))
            await line.read()
            await line.items(1, "a", "b")
            assert await first == "a"
        assert (await line.read())["method"] == "$/cancelRequest"
        with pytest.raises(StopAsyncIteration):
            await anext(items)


async def test_the_items_before_an_error_are_read_first() -> None:
    async with connected() as (connection, line, _):
        items = stream(connection)
        first = asyncio.create_task(anext(items))
        await line.read()
        await line.items(1, "a", "b")
        await line.write({"id": 1, "error": {"code": -32603, "message": "Internal error"}})
        assert [await first, await anext(items)] == ["a", "b"]
        with pytest.raises(CallFailed):
            await anext(items)


async def test_an_unread_stream_fails_when_it_holds_too_much() -> None:
    async with connected(max_items=2) as (connection, line, _):
        items = stream(connection)
        first = asyncio.create_task(anext(items))
        await line.read()
        await line.items(1, "a")
        assert await first == "a"
        await line.items(1, "b", "c", "d")
        assert (await line.read())["method"] == "$/cancelRequest"
        assert [await anext(items), await anext(items)] == ["b", "c"]
        with pytest.raises(QueueFull, match="answer: more than 2 items"):
            await anext(items)


async def test_a_burst_of_items_does_not_starve_their_reader() -> None:
    async with connected(max_items=10) as (connection, line, _):
        items = stream(connection)

        async def read() -> int:
            return len([item async for item in items])

        reading = asyncio.create_task(read())
        await line.read()
        await line.items(1, *["x"] * 500)
        await line.write(result(1, None))
        assert await reading == 500


async def test_calls_waiting_for_a_connection_are_sent_in_order() -> None:
    async with scripted_peer() as peer:
        connection = CallsConnection(peer.url, {})
        connection.open()
        call = asyncio.create_task(connection.call("add", {}, int))
        await asyncio.sleep(0)
        await connection.notify("typing", {"room": "a"})
        first = asyncio.create_task(anext(stream(connection)))
        line = await peer.accept()
        assert [(await line.read())["method"] for _ in range(3)] == ["add", "typing", "answer"]
        await line.write(result(1, 3))
        await line.items(2, "a")
        assert (await call, await first) == (3, "a")
        await connection.close()


async def test_the_queue_is_bounded_and_drops_cancelled_calls() -> None:
    async with scripted_peer() as peer:
        connection = CallsConnection(peer.url, {}, max_queue=2, timeout=None)
        connection.open()
        call = asyncio.create_task(connection.call("add", {}, int))
        await asyncio.sleep(0)
        await connection.notify("typing", {})
        with pytest.raises(QueueFull, match="2 messages wait"):
            await connection.notify("typing", {})
        with pytest.raises(QueueFull):
            await connection.call("add", {}, int)
        call.cancel()
        await asyncio.wait([call])
        await connection.notify("typed", {})
        line = await peer.accept()
        assert [(await line.read())["method"] for _ in range(2)] == ["typing", "typed"]
        await connection.close()


async def test_a_stream_that_gets_no_connection_in_time_fails() -> None:
    async with scripted_peer() as peer:
        peer.statuses = [503] * 10_000
        connection = CallsConnection(peer.url, {}, timeout=0.01)
        connection.open()
        with pytest.raises(TimeoutError, match=r"answer: no connection within 0\.01 s"):
            await anext(stream(connection))
        await connection.close()


async def test_calls_in_flight_fail_when_the_connection_is_lost(pauses: list[tuple[int, int]]) -> None:
    async with connected() as (connection, line, peer):
        call = asyncio.create_task(connection.call("add", {}, int))
        first = asyncio.create_task(anext(stream(connection)))
        await line.read()
        await line.read()
        await line.break_off()
        for each in (call, first):
            with pytest.raises(ConnectionLost) as lost:
                await each
            assert lost.value.code == 1006
        line = await peer.accept()
        await connection.opened()
        again = asyncio.create_task(connection.call("add", {}, int))
        assert (await line.read())["id"] == 3
        await line.write(result(3, 3))
        assert await again == 3
    assert pauses == [(1006, 0)]


async def test_pauses_grow_while_no_connection_lasts(
    pauses: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connected() as (connection, line, peer):
        for code in (1012, 1013, 1011):
            await line.close(code)
            line = await peer.accept()
            await connection.opened()
        monkeypatch.setattr(python_connection, "STABLE", 0.0)
        await line.close(1001)
        await peer.accept()
    assert pauses == [(1012, 0), (1013, 1), (1011, 2), (1001, 0)]


async def test_a_final_code_closes_the_client(pauses: list[tuple[int, int]]) -> None:
    async with connected() as (connection, line, peer):
        call = asyncio.create_task(connection.call("add", {}, int))
        await line.read()
        await line.close(4401, "ticket expired")
        with pytest.raises(ConnectionLost, match="ended with 4401: ticket expired"):
            await call
        assert connection.state == "closed"
        for attempt in (connection.call("add", {}, int), connection.notify("typing", {}), connection.opened()):
            with pytest.raises(ConnectionLost):
                await attempt
        assert len(peer.paths) == 1
    assert pauses == []


async def test_the_status_of_a_refused_handshake_decides_about_reconnecting(pauses: list[tuple[int, int]]) -> None:
    async with scripted_peer() as peer:
        peer.statuses = [503, 429, 403]
        connection = CallsConnection(peer.url, {})
        connection.open()
        with pytest.raises(ConnectionLost, match="refused with 403") as lost:
            await connection.opened()
        assert lost.value.code == 4403
        await connection.close()
    assert pauses == [(4503, 0), (4429, 1)]


async def test_an_application_can_decide_about_reconnecting() -> None:
    async with connected(is_final=lambda code, reason: reason == "moved") as (connection, line, peer):
        await line.close(1000, "idle")
        line = await peer.accept()
        await line.close(1012, "moved")
        with pytest.raises(ConnectionLost, match="moved"):
            while True:
                await connection.call("add", {}, int)


async def test_hurry_ends_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_connection, "pause_after", lambda code, attempt: 3600.0)
    async with connected() as (connection, line, peer):
        waiting = asyncio.Event()
        connection.on_state(lambda state: waiting.set() if state == "waiting" else None)
        await line.break_off()
        await waiting.wait()
        connection.hurry()
        await peer.accept()
        await connection.opened()


async def test_the_query_is_computed_for_each_attempt() -> None:
    count = 0

    async def query() -> dict[str, str]:
        nonlocal count
        count += 1
        if count == 2:
            raise OSError("no token")
        return {"token": f"t{count}&"}

    async with connected(query=query) as (_, line, peer):
        await line.break_off()
        await peer.accept()
        assert peer.paths == ["/api?token=t1%26", "/api?token=t3%26"]
    async with connected(query={"a": "b"}, headers={"X-Test": "1"}) as (_, line, peer):
        assert peer.paths == ["/api?a=b"]
        assert line.websocket.request is not None
        assert line.websocket.request.headers["X-Test"] == "1"


async def test_events_reach_their_handlers_and_iterators(caplog: pytest.LogCaptureFixture) -> None:
    async with connected() as (connection, line, _):
        seen: list[Said] = []

        def fail(event: Said) -> None:
            raise RuntimeError("a bad handler")

        connection.on("said", fail)
        stop = connection.on("said", seen.append)
        events = connection.events()
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await line.write({"method": "said", "params": {"text": "a"}}, {"method": "unknown", "params": {}})
        assert await first == Said("a")
        stop()
        await line.write({"method": "said", "params": {"text": 1}}, {"method": "said", "params": {"text": "b"}})
        assert await anext(events) == Said("b")
        assert seen == [Said("a")]
        await line.close(1000)
        with pytest.raises(ConnectionLost):
            await anext(events)
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == ["a handler failed"] * 2
    assert any("an event 'said' of the server was dropped" in record.message for record in caplog.records)


async def test_the_requests_of_the_server_are_answered(caplog: pytest.LogCaptureFixture) -> None:
    async def confirm(params: dict[str, str]) -> bool:
        await asyncio.sleep(0)
        return params["text"] == "Sure?"

    def refuse(_: Any) -> None:
        raise CallFailed(403, "no", {"why": "rules"})

    async with connected() as (connection, line, _):
        connection.answer("confirm", confirm)
        connection.answer("refuse", refuse)
        connection.answer("fail", lambda params: params["missing"])

        async def ask(method: str) -> dict[str, Any]:
            await line.write({"id": "s1", "method": method, "params": {"text": "Sure?"}})
            return await line.read()

        assert await ask("confirm") == {"id": "s1", "result": True}
        assert (await ask("refuse"))["error"] == {"code": 403, "message": "no", "data": {"why": "rules"}}
        assert (await ask("fail"))["error"] == {"code": -32603, "message": "Internal error"}
        assert (await ask("unknown"))["error"] == {"code": -32601, "message": "Method not found"}
    assert "the request fail failed" in caplog.text


async def test_too_many_requests_of_the_server_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(python_connection, "MAX_ANSWERS", 1)
    async with connected() as (connection, line, _):
        answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        connection.answer("ask", lambda params: answered)
        await line.write({"id": "s1", "method": "ask"}, {"id": "s2", "method": "ask"})
        assert (await line.read())["error"]["code"] == -32029
        answered.set_result("yes")
        assert await line.read() == {"id": "s1", "result": "yes"}


async def test_closing_fails_waiting_calls() -> None:
    async with connected() as (connection, line, _):
        call = asyncio.create_task(connection.call("add", {}, int))
        await line.read()
        await connection.close(4000, "enough")
        with pytest.raises(ConnectionLost, match="4000: enough"):
            await call
        await line.websocket.wait_closed()
        assert line.websocket.close_code == 4000


async def test_wrong_use_is_explained() -> None:
    with pytest.raises(ValueError, match="'example' is not a URL of a websocket"):
        CallsConnection("example", {})
    with pytest.raises(RuntimeError, match="async with"):
        await CallsConnection("ws://127.0.0.1:1", {}).call("add", {}, int)
