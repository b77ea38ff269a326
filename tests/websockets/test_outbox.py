"""The outbox alone: coalescing, order, waiting in line."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels.sink import Batch
from emmett.errors import WebsocketClosed
from emmett.websockets.outbox import Outbox
from emmett.wire.encoding import encode_control, encode_message
from emmett.wire.frames import OP_CLOSE, OP_PONG
from tests.websockets.memory_transport import MemoryTransport

CLOSE_FRAME = encode_control(OP_CLOSE, b"\x03\xe8")


def make_outbox(high_water: int = 1000) -> tuple[Outbox, MemoryTransport]:
    transport = MemoryTransport()
    return Outbox(asyncio.get_running_loop(), transport, high_water), transport


async def turn(times: int = 3) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def start(outbox: Outbox, message: str) -> asyncio.Task[None]:
    waiting = outbox.write(message, False)
    assert waiting is not None
    assert isinstance(waiting, Coroutine)
    return asyncio.create_task(waiting)


async def test_a_lone_message_is_written_at_once() -> None:
    outbox, transport = make_outbox()
    assert outbox.write("one", False) is None
    assert transport.writes == [encode_message("one")]
    assert outbox.written == 1
    assert transport.high_water == 1000


async def test_messages_followed_by_others_are_sent_in_one_write() -> None:
    outbox, transport = make_outbox()
    outbox.write("one", True)
    outbox.write(b"two", True)
    assert transport.writes == []
    outbox.write("three", False)
    assert transport.writes == [encode_message("one") + encode_message(b"two") + encode_message("three")]
    await turn()
    assert len(transport.writes) == 1


@pytest.mark.parametrize("more", [True, False])
@pytest.mark.parametrize(
    "message",
    [
        "x" * 65_535,
        "x" * 65_536,
        "é" * 40_000,
        b"x" * 65_536,
        bytearray(b"x" * 70_000),
        memoryview(b"xy" * 70_000)[::2],
    ],
    ids=["below", "text", "more than ASCII", "bytes", "bytearray", "every other byte"],
)
async def test_a_large_message_keeps_its_place(message: str | bytes, more: bool) -> None:
    outbox, transport = make_outbox(high_water=1_000_000)
    outbox.write("one", True)
    outbox.write(message, more)
    outbox.write("three", False)
    assert transport.written == b"".join(map(encode_message, ("one", message, "three")))
    assert outbox.written == 3


async def test_collected_messages_are_sent_in_the_next_turn() -> None:
    outbox, transport = make_outbox()
    outbox.write("one", True)
    outbox.write("two", True)
    await turn()
    assert transport.writes == [encode_message("one") + encode_message("two")]


async def test_the_collected_bytes_are_bounded() -> None:
    outbox, transport = make_outbox(high_water=100)
    for _ in range(5):
        outbox.write("x" * 50, True)
    assert len(transport.writes) == 2


async def test_control_frames_keep_their_place() -> None:
    outbox, transport = make_outbox()
    outbox.write("one", True)
    outbox.write_pong(encode_control(OP_PONG))
    outbox.write("two", False)
    assert transport.written == encode_message("one") + encode_control(OP_PONG) + encode_message("two")


async def test_writers_wait_in_line() -> None:
    outbox, transport = make_outbox()
    outbox.write("one", True)
    outbox.stall()
    tasks = [start(outbox, name) for name in ("two", "three", "four")]
    await turn()
    assert transport.written == encode_message("one")
    outbox.resume()
    # No other writer may overtake the first one between its call and its turn.
    tasks.append(start(outbox, "five"))
    await asyncio.gather(*tasks)
    expected = [encode_message(name) for name in ("one", "two", "three", "four", "five")]
    assert transport.written == b"".join(expected)
    assert outbox.write("six", False) is None


async def test_a_line_stops_when_the_transport_is_full_again() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    first, second = start(outbox, "one"), start(outbox, "two")
    await turn()
    outbox.resume()
    outbox.stall()
    await turn(5)
    assert not second.done()
    outbox.resume()
    await asyncio.gather(first, second)
    assert transport.written == encode_message("one") + encode_message("two")


async def test_a_cancelled_wait_writes_nothing() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    tasks = [start(outbox, name) for name in ("one", "two", "three")]
    await turn()
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.wait(tasks[:2])
    outbox.resume()
    await tasks[2]
    assert transport.written == encode_message("three")
    assert outbox.written == 1


async def test_a_cancellation_before_its_turn_passes_the_turn_on() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    first, second = start(outbox, "one"), start(outbox, "two")
    await turn()
    outbox.resume()
    first.cancel()
    await second
    assert first.cancelled() or first.cancelling()
    assert transport.written == encode_message("two")


async def test_a_close_frame_comes_after_waiting_writers() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    tasks = [start(outbox, "one")]
    waiting = outbox.write_last(CLOSE_FRAME, WebsocketClosed(1000))
    assert waiting is not None
    tasks.append(asyncio.ensure_future(waiting))
    with pytest.raises(WebsocketClosed):
        outbox.write("late", False)
    await turn()
    outbox.resume()
    await asyncio.gather(*tasks)
    assert transport.written == encode_message("one") + CLOSE_FRAME


async def test_a_close_frame_flushes_collected_messages() -> None:
    outbox, transport = make_outbox()
    outbox.write("one", True)
    assert outbox.write_last(CLOSE_FRAME, WebsocketClosed(1000)) is None
    assert transport.written == encode_message("one") + CLOSE_FRAME


async def test_a_reply_to_a_close_frame_overtakes_waiting_writers() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    task = start(outbox, "one")
    await turn()
    outbox.write_reply(CLOSE_FRAME, WebsocketClosed(4000, "bye"))
    with pytest.raises(WebsocketClosed) as closed:
        await task
    assert (closed.value.code, closed.value.reason) == (4000, "bye")
    assert transport.written == CLOSE_FRAME


async def test_pongs_do_not_pile_up() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    for number in range(1000):
        outbox.write_pong(encode_control(OP_PONG, str(number).encode()))
    assert transport.writes == []
    outbox.resume()
    assert transport.written == encode_control(OP_PONG, b"999")


async def test_an_invalid_message_takes_no_place_in_line() -> None:
    outbox, transport = make_outbox()
    with pytest.raises(TypeError, match="send_json"):
        outbox.write(None, False)  # type: ignore[arg-type]
    outbox.stall()
    with pytest.raises(TypeError, match="send_json"):
        outbox.write(None, False)  # type: ignore[arg-type]
    with pytest.raises(UnicodeEncodeError):
        outbox.write("\ud800", False)
    outbox.resume()
    assert outbox.write("fine", False) is None
    assert transport.written == encode_message("fine")


STEPS = st.lists(st.sampled_from(["write", "more", "stall", "resume", "turn", "cancel"]), max_size=40)


@given(STEPS)
async def test_messages_always_follow_the_order_of_the_calls(steps: list[str]) -> None:
    outbox, transport = make_outbox(high_water=60)
    tasks: list[tuple[str, asyncio.Task[None]]] = []
    sent: list[str] = []
    for number, step in enumerate(steps):
        if step == "stall":
            outbox.stall()
        elif step == "resume":
            outbox.resume()
        elif step == "turn":
            await turn()
        elif step == "cancel":
            for _, task in tasks[-1:]:
                task.cancel()
        else:
            name = f"message {number}"
            sent.append(name)
            waiting = outbox.write(name, step == "more")
            if waiting is not None:
                tasks.append((name, asyncio.ensure_future(waiting)))
                # As in `await websocket.send(…)`, the wait begins with the call.
                await asyncio.sleep(0)
    outbox.resume()
    await turn(2 * len(steps) + 5)
    await asyncio.gather(*(task for _, task in tasks), return_exceptions=True)
    cancelled = {name for name, task in tasks if task.cancelled()}
    expected = [encode_message(name) for name in sent if name not in cancelled]
    assert transport.written == b"".join(expected)


async def test_a_batch_is_one_write_and_encoded_once() -> None:
    batch = Batch(["one", b"two"])
    first, second = make_outbox(), make_outbox()
    for outbox, _ in (first, second):
        assert outbox.write_batch(batch)
        assert outbox.written == 2
    assert first[1].writes == second[1].writes == [encode_message("one") + encode_message(b"two")]
    assert batch.frames(encode_message) is batch.frames(encode_message)


async def test_a_batch_comes_after_collected_messages() -> None:
    outbox, transport = make_outbox()
    outbox.write("one", True)
    assert outbox.write_batch(Batch(["two"]))
    assert transport.written == encode_message("one") + encode_message("two")


async def test_a_batch_does_not_overtake_waiting_writers() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    waiting = start(outbox, "one")
    await turn()
    assert not outbox.write_batch(Batch(["two"]))
    ready = asyncio.Event()
    outbox.when_ready(ready.set)
    await turn()
    assert not ready.is_set()
    outbox.resume()
    assert not outbox.write_batch(Batch(["two"])), "the first in line has not written yet"
    await ready.wait()
    assert outbox.write_batch(Batch(["two"]))
    await waiting
    assert transport.written == encode_message("one") + encode_message("two")


async def test_a_waiting_batch_learns_of_the_end() -> None:
    for is_lost in (True, False):
        outbox, _ = make_outbox()
        ready = asyncio.Event()
        outbox.stall()
        outbox.when_ready(ready.set)
        waiting = None if is_lost else outbox.write_last(CLOSE_FRAME, WebsocketClosed(1000))
        if is_lost:
            outbox.lose(WebsocketClosed(1006))
        await ready.wait()
        with pytest.raises(WebsocketClosed):
            outbox.write_batch(Batch(["one"]))
        outbox.lose(WebsocketClosed(1006))
        if waiting is not None:
            # A task may run its first step only after the loss.
            with pytest.raises(WebsocketClosed):
                await waiting
