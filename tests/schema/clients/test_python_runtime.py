"""The parts of the connection of generated Python clients."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest

from emmett.schema.clients.python_runtime import (
    CallFailed,
    ConnectionLost,
    QueueFull,
    _convert,
    _decode_incoming,
    _encode,
    _Incoming,
    _PendingCall,
    _Waiting,
    is_final,
    path_segment,
    pause_after,
)


@pytest.mark.parametrize(
    ("data", "seconds"), [({"retry_after": 0.5}, 0.5), ({"retry_after": "soon"}, None), ({}, None), ([1], None)]
)
def test_an_error_says_when_to_repeat_a_call_above_a_limit(data: object, seconds: float | None) -> None:
    assert CallFailed(-32029, "too many", data).retry_after == seconds


def test_a_variable_of_a_path_is_one_segment() -> None:
    assert path_segment("room", "a b?ü") == "a%20b%3F%C3%BC"
    for value in ("", ".", "..", "a/b"):
        with pytest.raises(ValueError, match=f"room='{value}': a variable of a path contains no slash"):
            path_segment("room", value)


def test_the_code_decides_whether_to_reconnect() -> None:
    final = (1000, 1002, 1003, 1007, 1008, 1010, 4400, 4401, 4403, 4404, 4499)
    passing = (1001, 1005, 1006, 1009, 1011, 1012, 1013, 4000, 4408, 4429, 4500, 4503)
    assert all(is_final(code) for code in final)
    assert not any(is_final(code) for code in passing)


@pytest.mark.parametrize(
    ("code", "attempt", "expected"),
    [
        (1006, 0, (0.5, 1.0)),
        (1006, 3, (4.0, 8.0)),
        (1006, 2000, (15.0, 30.0)),
        (1012, 0, (0.0, 1.0)),
        (1001, 0, (0.0, 1.0)),
        (1013, 0, (5.0, 10.0)),
        (4429, 9, (15.0, 30.0)),
    ],
)
def test_the_code_decides_when_to_reconnect(
    code: int, attempt: int, expected: tuple[float, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    bounds = []
    for choose in (min, max):
        monkeypatch.setattr(random, "uniform", lambda a, b, choose=choose: choose(a, b))
        bounds.append(pause_after(code, attempt))
    assert tuple(bounds) == expected


def test_pauses_differ_from_client_to_client() -> None:
    assert len({pause_after(1006, 0) for _ in range(10)}) > 1


def test_errors_contain_their_details() -> None:
    assert str(CallFailed(17, "no seats")) == "17: no seats"
    assert str(CallFailed(17, "no seats", {"wait": 5})) == "17: no seats {'wait': 5}"
    assert str(ConnectionLost(1012)) == "the connection ended with 1012"
    assert str(ConnectionLost(4401, "ticket expired")) == "the connection ended with 4401: ticket expired"


async def test_a_queue_yields_its_items_and_then_its_end() -> None:
    queue: _Waiting[str] = _Waiting(10, "answer")
    assert queue.put("a")
    queue.end(ValueError("over"))
    assert not queue.put("b")
    queue.end(ValueError("twice"))
    assert await queue.get() == "a"
    for _ in range(2):
        with pytest.raises(ValueError, match="over"):
            await queue.get()


async def test_a_reader_waits_for_an_item() -> None:
    queue: _Waiting[str] = _Waiting(10, "answer")
    reading = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put("a")
    assert await reading == "a"


async def test_a_queue_is_bounded() -> None:
    queue: _Waiting[int] = _Waiting(4, "answer")
    assert [queue.put(number) for number in range(3)] == [True] * 3
    assert queue.is_crowded
    assert [queue.put(number) for number in range(3)] == [True, False, False]
    assert [await queue.get() for _ in range(4)] == [0, 1, 2, 0]
    with pytest.raises(QueueFull, match="answer: more than 4 items"):
        await queue.get()


async def test_a_reply_is_the_one_item_of_a_call_and_the_end_of_a_stream() -> None:
    reply = _decode_incoming('{"jsonrpc":"2.0","id":1,"result":[1,2]}')
    assert isinstance(reply, _Incoming)
    call, stream = _PendingCall(1, 1, "add", False), _PendingCall(2, 9, "answer", True)
    call.take(reply)
    stream.take(reply)
    assert bytes(await call.received.get()) == b"[1,2]"
    with pytest.raises(StopAsyncIteration):
        await stream.received.get()
    empty, failed = _PendingCall(3, 1, "add", False), _PendingCall(4, 1, "add", False)
    empty.take(_Incoming(id=3))
    assert bytes(await empty.received.get()) == b"null"
    wrong = _decode_incoming('{"id":4,"error":{"code":17,"message":"no","data":1}}')
    assert isinstance(wrong, _Incoming)
    failed.take(wrong)
    with pytest.raises(CallFailed, match="17: no 1"):
        await failed.received.get()


def test_messages_are_encoded_and_read() -> None:
    assert _encode({"id": 1, "method": "add", "params": {}}) == '{"jsonrpc":"2.0","id":1,"method":"add","params":{}}'
    assert _convert(msgspec.UNSET, dict[str, int]) == {}
    assert _convert(msgspec.Raw(b"3"), int) == 3
