"""Compressed messages through the outbox: what is compressed is written, in that order (reliability: Compression)."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import WebsocketClosed
from emmett.websockets.outbox import Outbox
from emmett.wire.deflater import Deflater
from emmett.wire.encoding import encode_control, encode_message
from emmett.wire.frames import OP_CLOSE, OP_PING
from tests.websockets.memory_transport import MemoryTransport
from tests.wire.deflate_maker import Peer

CLOSE_FRAME = encode_control(OP_CLOSE, b"\x03\xe8")


class Transport(MemoryTransport):
    """A transport that passes on data at once."""

    def get_write_buffer_size(self) -> int:
        return 0


def make_outbox(*, context_takeover: bool = True, min_size: int = 0) -> tuple[Outbox, MemoryTransport]:
    transport = Transport()
    outbox = Outbox(asyncio.get_running_loop(), transport, 1000)
    outbox.compress(Deflater(window_bits=12, context_takeover=context_takeover, memory_level=5, min_size=min_size))
    return outbox, transport


def read_messages(written: bytes, *, takeover: bool = True) -> list[bytes]:
    """Inflate all the messages that were written, in their order."""
    peer, position, messages = Peer(takeover=takeover), 0, []
    while position < len(written):
        start, length = position + 2, written[position + 1]
        if length == 126:
            start, length = position + 4, int.from_bytes(written[position + 2 : position + 4], "big")
        if written[position] & 0x0F in (1, 2):
            messages.append(peer.read_frame(written[position : start + length]))
        position = start + length
    return messages


async def turn(times: int = 3) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def start(outbox: Outbox, message: str | bytearray) -> asyncio.Task[None]:
    waiting = outbox.write(message, False)
    assert isinstance(waiting, Coroutine)
    return asyncio.create_task(waiting)


async def test_collected_messages_and_control_frames_keep_their_order() -> None:
    outbox, transport = make_outbox()
    for number in range(5):
        assert outbox.write(f"message {number}", True) is None
    outbox.write_ping(encode_control(OP_PING, b"?"))
    outbox.write("message 5", False)
    assert read_messages(transport.written) == [f"message {number}".encode() for number in range(6)]


@pytest.mark.parametrize("context_takeover", [True, False])
async def test_a_cancelled_writer_leaves_no_trace_in_the_context(context_takeover: bool) -> None:
    outbox, transport = make_outbox(context_takeover=context_takeover)
    outbox.write("one one one", False)
    outbox.stall()
    waiting = [start(outbox, f"{word} {word} {word}") for word in ("two", "three", "four")]
    await turn()
    waiting[0].cancel()
    waiting[1].cancel()
    await turn()
    outbox.resume()
    await turn()
    outbox.write("five five five four", False)
    assert [task.cancelled() for task in waiting] == [True, True, False]
    assert read_messages(transport.written, takeover=context_takeover) == [
        b"one one one",
        b"four four four",
        b"five five five four",
    ]


async def test_a_message_that_overtakes_waiting_writers_is_compressed_first() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    waiting = start(outbox, "the one that waits")
    await turn()
    assert outbox.write_now("the one that passes", 10_000)
    outbox.resume()
    await waiting
    assert read_messages(transport.written) == [b"the one that passes", b"the one that waits"]


async def test_a_buffer_is_sent_as_it_was_at_the_call() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    buffer = bytearray(b"before before")
    waiting = start(outbox, buffer)
    buffer[:] = b"after  after "
    outbox.resume()
    await waiting
    assert read_messages(transport.written) == [b"before before"]


async def test_a_close_frame_comes_after_waiting_messages() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    first = start(outbox, "the last words")
    closing = outbox.write_last(CLOSE_FRAME, WebsocketClosed(1000))
    assert closing is not None
    closed = asyncio.ensure_future(closing)
    await turn()
    outbox.resume()
    await asyncio.gather(first, closed)
    assert transport.written.endswith(CLOSE_FRAME)
    assert read_messages(transport.written) == [b"the last words"]


async def test_a_writer_whose_peer_has_left_compresses_nothing() -> None:
    outbox, transport = make_outbox()
    outbox.stall()
    waiting = start(outbox, "too late")
    await turn()
    outbox.lose(WebsocketClosed(1006))
    with pytest.raises(WebsocketClosed):
        await waiting
    assert transport.written == b""


async def test_small_messages_are_sent_uncompressed() -> None:
    outbox, transport = make_outbox(min_size=10)
    outbox.write("small", False)
    assert transport.written == encode_message("small")


STEPS = st.lists(
    st.sampled_from(["write", "more", "now", "stall", "resume", "turn", "cancel first", "cancel last"]), max_size=40
)


@given(STEPS, st.booleans())
async def test_the_peer_can_always_inflate_the_messages(steps: list[str], takeover: bool) -> None:
    outbox, transport = make_outbox(context_takeover=takeover)
    tasks: dict[str, asyncio.Task[None]] = {}
    sent = []
    for number, step in enumerate(steps):
        message = f"message {number} of {len(steps)} messages"
        waiting = [task for task in tasks.values() if not task.done()]
        if step in ("write", "more"):
            writing = outbox.write(message, step == "more")
            if writing is None:
                sent.append(message)
            else:
                assert isinstance(writing, Coroutine)
                tasks[message] = asyncio.create_task(writing)
        elif step == "now":
            assert outbox.write_now(message, 1 << 30)
            sent.append(message)
        elif step == "stall":
            outbox.stall()
        elif step == "resume":
            outbox.resume()
        elif step == "turn":
            await turn()
        elif waiting:
            waiting[0 if step == "cancel first" else -1].cancel()
    outbox.resume()
    await asyncio.gather(*tasks.values(), return_exceptions=True)
    await turn()
    sent += [message for message, task in tasks.items() if not task.cancelled()]
    received = [message.decode() for message in read_messages(transport.written, takeover=takeover)]
    assert sorted(received) == sorted(sent)
    assert outbox.written == len(sent)
