"""Reading: how much one connection may do between two turns of the loop, and what it holds back for the next."""

from __future__ import annotations

import asyncio
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emmett import websocket
from emmett.server.websocket_reading import READ_AHEAD
from emmett.wire.deflater import Deflater
from emmett.wire.frames import BYTES_A_TURN, FRAMES_A_TURN
from emmett.wire.inflater import Inflater
from tests.server.protocol_peer import ProtocolPeer, settled
from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload

# What uvloop reads in one wake-up, unless reading is paused in between.
READS_A_WAKE_UP = 32
READ_SIZE = 256 * 1024
MIB = 1024 * 1024


async def listen() -> None:
    async for _ in websocket:
        pass


async def be_busy() -> None:
    await websocket.accept()
    await asyncio.Event().wait()


async def close_at_once() -> None:
    await websocket.accept()


HANDLERS = {"waiting": listen, "busy": be_busy, "closing": close_at_once}

# Each read has whole frames of one kind; those in pairs are messages in fragments.
KINDS = {
    "pings": lambda size: client_frame(PING, b"x" * min(size, 125)),
    "pongs": lambda size: client_frame(PONG, b"x" * min(size, 125)),
    "texts": lambda size: client_frame(TEXT, b"x" * size),
    "binary": lambda size: client_frame(BINARY, b"x" * size),
    "fragments": lambda size: client_frame(TEXT, b"x" * size, fin=False) + client_frame(CONTINUATION, b"x" * size),
    "empty fragments": lambda size: client_frame(BINARY, b"", fin=False) + client_frame(CONTINUATION, b""),
}


async def flood(kind: str, size: int, handler: str, **limits: Any) -> tuple[float, int, int]:
    """Flood a connection as uvloop would.

    Returns:
        The most frames, and bytes, that were read between two turns of the loop, and the most writes.
    """
    peer = ProtocolPeer(HANDLERS[handler], close_timeout=1000, **limits)
    await settled()
    unit = KINDS[kind](size)
    read = unit * max(READ_SIZE // len(unit), 1)
    frames_a_unit = 2 if "fragments" in kind else 1
    reader = peer.protocol._reading.reader
    most_frames, most_bytes, most_writes = 0.0, 0, 0
    for _ in range(12):
        parsed, writes = reader.parsed, len(peer.transport.writes)
        for _ in range(READS_A_WAKE_UP):
            if peer.transport.is_reading():
                peer.protocol.data_received(read)
        await asyncio.sleep(0)
        most_frames = max(most_frames, (reader.parsed - parsed) / len(unit) * frames_a_unit)
        most_bytes = max(most_bytes, reader.parsed - parsed)
        most_writes = max(most_writes, len(peer.transport.writes) - writes)
        # At most the data of one wake-up waits: two reads.
        assert reader.unparsed <= 2 * len(read) + READ_AHEAD
    await peer.lose()
    await peer.sweep_from_now(11)
    return most_frames, most_bytes, most_writes


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)),
    st.sampled_from([0, 1, 125, 126, 5000, 65536]),
    st.sampled_from(sorted(HANDLERS)),
    st.sampled_from([16, 100_000]),
)
def test_no_kind_of_frame_blocks_the_loop(kind: str, size: int, handler: str, inbox_messages: int) -> None:
    """Reliability, line 80: counted in frames and bytes, since a clock would depend on the machine."""
    frames, read, _ = asyncio.run(flood(kind, size, handler, inbox_messages=inbox_messages, inbox_bytes=2**40))
    assert frames <= 2 * FRAMES_A_TURN
    assert read <= 2 * (BYTES_A_TURN + READ_SIZE)


async def test_a_flood_of_pings_is_answered_once_for_each_read() -> None:
    """Reliability, line 80: the latest Ping counts (RFC 6455, 5.5.3)."""
    peer = ProtocolPeer(listen)
    await settled()
    peer.frames()
    await peer.send(b"".join(client_frame(PING, b"%d" % number) for number in range(FRAMES_A_TURN)))
    assert peer.frames() == [(PONG, b"%d" % (FRAMES_A_TURN - 1))]
    before = len(peer.transport.writes)
    await peer.send(b"".join(client_frame(PING, b"%d" % number) for number in range(10 * FRAMES_A_TURN)))
    # One Pong for each turn that the read takes.
    assert 10 <= len(peer.transport.writes) - before <= 11
    assert peer.frames()[-1] == (PONG, b"%d" % (10 * FRAMES_A_TURN - 1))
    await peer.end()


async def test_a_ping_is_answered_before_a_close_frame_in_the_same_read() -> None:
    """A Ping before the peer's Close frame must be answered (RFC 6455, 5.5.2), before our Close frame ends sending."""
    peer = ProtocolPeer(listen)
    await settled()
    await peer.send(client_frame(PING, b"?") + client_frame(CLOSE, close_payload(1000)))
    assert peer.frames() == [(PONG, b"?"), (CLOSE, close_payload(1000))]
    await peer.end()


async def test_a_ping_is_answered_before_a_broken_frame_in_the_same_read() -> None:
    peer = ProtocolPeer(listen)
    await settled()
    await peer.send(client_frame(PING, b"?") + client_frame(TEXT, rsv=7))
    pong, close = peer.frames()
    assert pong == (PONG, b"?")
    assert (close[0], close[1][:2]) == (CLOSE, close_payload(1002))
    await peer.end()


async def test_reading_continues_where_a_turn_ended() -> None:
    got: list[str | bytes] = []

    async def collect() -> None:
        async for message in websocket:
            got.append(message)

    peer = ProtocolPeer(collect)
    await settled()
    pings = client_frame(PING, b"x") * (3 * FRAMES_A_TURN)
    peer.protocol.data_received(pings + client_frame(TEXT, b"one"))
    peer.protocol.data_received(client_frame(TEXT, b"two"))
    # The loop would continue to read.
    assert not peer.transport.is_reading()
    await settled()
    assert got == ["one", "two"]
    assert peer.transport.is_reading()
    await peer.end()


async def test_bytes_after_a_violation_count_too() -> None:
    peer = ProtocolPeer(listen)
    await settled()
    await peer.send(client_frame(CONTINUATION))
    for _ in range(READS_A_WAKE_UP):
        if peer.transport.is_reading():
            peer.protocol.data_received(b"x" * READ_SIZE)
    assert not peer.transport.is_reading()
    await settled()
    assert peer.transport.is_reading()
    await peer.end()


@pytest.mark.parametrize("early", [b"", b"x" * READ_AHEAD])
async def test_data_before_the_response_is_bounded(early: bytes) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    peer = ProtocolPeer(never, early=early, accept_timeout=1000)
    await settled()
    for seconds in range(10):
        if peer.transport.is_reading():
            await peer.send(b"x" * (READ_AHEAD // 2))
        await peer.sweep(seconds)
    assert not peer.transport.is_reading()
    await peer.lose()
    await peer.sweep_from_now(11)
    assert peer.ends == 1


def compressed(peer: ProtocolPeer, count: int) -> list[bytes]:
    """Agree on compression; returns frames of about 1 kB, each of which inflates to 1 MiB."""
    inflater = Inflater(window_bits=15, context_takeover=False, max_size=MIB)
    deflater = Deflater(window_bits=15, context_takeover=False, memory_level=5, min_size=0)
    peer.protocol.compress("permessage-deflate", inflater, deflater)
    compressor = zlib.compressobj(wbits=-15)
    payload = (compressor.compress(bytes(MIB)) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return [client_frame(BINARY, payload, rsv=4) for _ in range(count)]


async def test_a_turn_is_limited_by_bytes_after_inflation() -> None:
    """Reliability, line 81: a read of 64 messages takes 64 turns instead of one."""
    got: list[int] = []

    async def measure() -> None:
        async for message in websocket:
            got.append(len(message))

    peer = ProtocolPeer(measure)
    frames = compressed(peer, 64)
    await settled()
    peer.protocol.data_received(b"".join(frames))
    most = 0
    while len(got) < 64:
        before = len(got)
        await asyncio.sleep(0)
        most = max(most, len(got) - before)
    assert got == [MIB] * 64
    assert most <= 2 * BYTES_A_TURN // MIB
    await peer.end()


async def test_draining_inflates_no_more_than_the_inbox_has_room_for() -> None:
    """Reliability, line 82."""
    go = asyncio.Event()
    got: list[int] = []

    async def slow() -> None:
        await websocket.accept()
        await go.wait()
        async for message in websocket:
            got.append(len(message))

    peer = ProtocolPeer(slow)
    frames = compressed(peer, 17)
    await settled()
    await peer.send(b"".join(frames))
    assert len(peer.protocol.inbox.messages) == 1
    peer.protocol.shutdown()
    await settled()
    assert len(peer.protocol.inbox.messages) == 1
    go.set()
    while peer.protocol.task is not None:  # noqa: ASYNC110 - each turn takes one message
        await asyncio.sleep(0)
    assert got == [MIB] * 17
    assert peer.frames() == [(CLOSE, close_payload(1012, b"service restart"))]
    await peer.end()
