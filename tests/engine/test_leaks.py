"""The engine frees everything that it allocates: after repeated work, the process has the same number of objects."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from emmett.engine import BaseOutbox, BaseReading, BaseWebsocket, Batch, Inbox, encode_message, hand_out
from emmett.errors import FrameError, UsageError
from emmett.wire.frames import FrameReader
from tests.server.protocol_peer import ProtocolPeer, settled
from tests.websockets.memory_connection import MemoryConnection
from tests.websockets.memory_transport import MemoryTransport
from tests.wire.frame_maker import BINARY, PING, TEXT, client_frame
from tests.wire.owner import Owner

# Rounds before the first count, during which caches fill, and between two counts.
WARM_UP, ROUNDS = 30, 100
# Blocks by which a cache of the interpreter may still grow. A leak takes at least one block in each round.
SLACK = ROUNDS // 2

Work = Callable[[], Coroutine[Any, Any, None]]


def reader(messages: Any) -> FrameReader:
    return FrameReader(messages, Owner(), max_message_size=1 << 20, max_fragments=8, max_messages=64, max_bytes=1 << 20)


async def whole_frames() -> None:
    stream = b"".join(client_frame(TEXT, text.encode()) for text in ("", "a", "é", "☃" * 500, "x" * 70_000))
    reader([]).feed(stream + client_frame(BINARY, b"bytes") + client_frame(PING, b"ping"))


async def frames_in_pieces() -> None:
    for payload in (b"a" * 9000, "é".encode() * 4500, b"a" * 8000 + "é".encode() * 500):
        stream = client_frame(TEXT, payload) * 2
        reading = reader([])
        for start in range(0, len(stream), 1000):
            reading.feed(stream[start : start + 1000])


async def unfinished_frames() -> None:
    for size in (10, 100, 2000):
        reader([]).feed(client_frame(TEXT, b"a" * 3000)[:size])
        reader([]).feed(bytearray(client_frame(TEXT, "é".encode() * 3000)[:size]))


async def faults() -> None:
    for stream in (
        client_frame(TEXT, b"\xff"),
        client_frame(TEXT, b"a" * 3000 + b"\xff"),
        client_frame(TEXT, b"a", rsv=7),
        client_frame(TEXT, b"a", mask=None),
    ):
        reading = reader([])
        with pytest.raises(FrameError):
            for start in range(0, len(stream), 1000):
                reading.feed(stream[start : start + 1000])


async def encoding() -> None:
    for message in ("a", "é", "x" * 70_000, b"bytes", bytearray(b"more"), memoryview(b"abc")[::2]):
        encode_message(message)
    for wrong in (None, 1, "\ud800"):
        with pytest.raises((TypeError, UnicodeEncodeError)):
            encode_message(wrong)  # type: ignore[arg-type]


async def large_messages() -> None:
    outbox = BaseOutbox(asyncio.get_running_loop(), MemoryTransport(), 1000)
    for message in ("x" * 70_000, "é" * 40_000, b"x" * 70_000, bytearray(70_000)):
        outbox.write("small", True)
        outbox.write(message, False)


class Receiver:
    take = staticmethod(lambda content: {"yes": True, "no": False}[content])
    hold = fail = staticmethod(lambda _: None)


async def batches() -> None:
    for content in ("yes", "no", "error"):
        hand_out(content, [Receiver, Receiver], content)
    batch = Batch(["text", b"bytes"])
    for encode in (encode_message, encode_message, str):
        with contextlib.suppress(TypeError):
            batch.frames(encode)  # type: ignore[arg-type]


async def waiting() -> None:
    inbox = Inbox(asyncio.get_running_loop(), Owner())
    arrival = inbox.arrival()
    with pytest.raises(UsageError):
        await inbox.arrival()
    inbox.wake()
    await arrival
    forgotten = inbox.arrival()
    forgotten.cancel()
    inbox.wake_for_read()


async def calls() -> None:
    connection = MemoryConnection(accepted=True)
    websocket = connection.websocket
    for message in ("hello", b"bytes"):
        connection.inbox.messages.append(message)
        await websocket.receive()
        await websocket.send(message)
    websocket.send("closed").close()
    with pytest.raises(KeyError):
        websocket.receive().throw(KeyError("why"))
    with pytest.raises(TypeError):
        await websocket.send(None)  # type: ignore[arg-type]
    task = asyncio.create_task(websocket.receive())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait((task,))
    with pytest.warns(RuntimeWarning, match="never awaited"):
        websocket.send("never")  # type: ignore[unused-coroutine]
    connection.websocket.end(1000, "")
    async for _ in websocket:
        raise AssertionError


async def echo() -> None:
    from emmett import websocket

    async for message in websocket:
        await websocket.send(message)


async def whole_connections() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    await peer.say("one", "two", "three")
    await peer.send(client_frame(TEXT, b"x" * 70_000)[:50_000])
    await peer.send(client_frame(PING, b"")[:1])
    await peer.end()


@pytest.mark.parametrize(
    "work",
    [whole_frames, frames_in_pieces, unfinished_frames, faults, encoding, large_messages, batches, waiting, calls],
    ids=lambda work: work.__name__,
)
async def test_nothing_leaks(work: Work) -> None:
    async def rounds(count: int) -> int:
        for _ in range(count):
            await work()
        await asyncio.sleep(0)
        gc.collect()
        return sys.getallocatedblocks()

    await rounds(WARM_UP)
    counts = [await rounds(ROUNDS) for _ in range(4)]
    # A leak shows each time; other threads of the process, such as that of pytest-xdist, keep something once.
    assert min(later - earlier for earlier, later in itertools.pairwise(counts)) < SLACK


async def test_nothing_is_left_of_a_connection() -> None:
    # Only objects can be counted, not blocks: each connection has an application, which stays registered for its URLs.
    def living() -> int:
        gc.collect()
        kinds = (Inbox, FrameReader, BaseOutbox, BaseReading, BaseWebsocket)
        return sum(isinstance(each, kinds) for each in gc.get_objects())

    before = living()
    for _ in range(10):
        await whole_connections()
    assert living() == before


@pytest.mark.parametrize("kind", [Inbox, FrameReader, type(encode_message)])
async def test_freed_objects_do_not_keep_their_types(kind: type) -> None:
    await whole_frames()
    await waiting()
    before = sys.getrefcount(kind)
    for _ in range(20):
        await whole_frames()
        await waiting()
    assert sys.getrefcount(kind) == before
