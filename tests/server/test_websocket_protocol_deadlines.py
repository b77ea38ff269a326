"""The deadlines of a connection, checked when the test says so: each expires in time and not early."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from emmett import WebsocketClosed, websocket
from emmett.server import websocket_protocol
from tests.server.protocol_peer import ProtocolPeer, settled
from tests.wire.frame_maker import CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


async def close() -> None:
    await websocket.accept()


async def test_an_unanswered_handshake_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("slow")

    peer = ProtocolPeer(slow, accept_timeout=5)
    await settled()
    await peer.sweep(4.9)
    assert peer.transport.writes == []
    await peer.sweep(5)
    assert peer.transport.written.startswith(b"HTTP/1.1 503 ")
    assert ended == ["slow"]
    assert "the handshake was not answered within 5 s: refused" in caplog.text
    await peer.end()


async def test_an_answered_handshake_has_no_deadline() -> None:
    peer = ProtocolPeer(echo, accept_timeout=5, ping_interval=None)
    await settled()
    await peer.sweep(1_000_000)
    assert peer.frames() == []
    assert not peer.transport.is_closing()
    await peer.end()


@pytest.mark.parametrize("early", [b"", client_frame(TEXT, b"x")[:3]])
async def test_other_deadlines_do_not_run_before_the_answer(early: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_protocol, "HANDSHAKE_GRACE", 0.0)

    async def slow() -> None:
        await asyncio.Event().wait()

    peer = ProtocolPeer(slow, early=early, accept_timeout=1000, ping_interval=1, frame_timeout=1)
    await settled()
    for seconds in range(0, 900, 100):
        await peer.sweep(seconds)
    assert peer.transport.writes == []
    peer.protocol.shutdown()
    await settled()
    await peer.end()


async def test_a_peer_that_does_not_close_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "emmett.websocket")
    peer = ProtocolPeer(close, close_timeout=5)
    await settled()
    assert peer.frames() == [(CLOSE, close_payload(1000))]
    await peer.sweep(4.9)
    assert not peer.transport.is_aborted()
    # Other data from the peer does not count as its Close frame.
    await peer.say("late")
    await peer.sweep_from_now(5)
    assert peer.transport.is_aborted()
    assert "dropped: the peer did not close within 5 s" in caplog.text
    await peer.end()


async def test_the_deadline_for_closing_begins_when_the_close_frame_is_sent() -> None:
    async def talk() -> None:
        await websocket.accept()
        await go.wait()

    go = asyncio.Event()
    peer = ProtocolPeer(talk, close_timeout=0.001, send_timeout=1000)
    await settled()
    peer.protocol.pause_writing()
    go.set()
    await settled()
    await peer.sweep(900)
    assert not peer.transport.is_aborted()
    peer.protocol.resume_writing()
    await settled()
    assert peer.frames() == [(CLOSE, close_payload(1000))]
    await peer.sweep(900)
    assert peer.transport.is_aborted()
    await peer.end()


@pytest.mark.parametrize("data", [client_frame(CLOSE, close_payload(1000)), client_frame(CONTINUATION)])
async def test_a_transport_that_does_not_close_is_aborted(data: bytes) -> None:
    """The peer does not read the last bytes, or does not close after its violation."""
    peer = ProtocolPeer(echo, close_timeout=5)
    await settled()
    await peer.send(data)
    await peer.sweep(4.9)
    assert not peer.transport.is_aborted()
    await peer.sweep_from_now(5)
    assert peer.transport.is_aborted()
    await peer.end()


async def test_a_refused_peer_that_does_not_read_is_dropped() -> None:
    async def refuse() -> None: ...

    peer = ProtocolPeer(refuse, close_timeout=5)
    await settled()
    await peer.sweep_from_now(5)
    assert peer.transport.is_aborted()
    await peer.end()


async def test_a_peer_that_does_not_read_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "emmett.websocket")
    got: list[int] = []

    async def talk() -> None:
        await websocket.accept()
        await go.wait()
        with pytest.raises(WebsocketClosed) as closed:
            await websocket.send("x")
        got.append(closed.value.code)

    go = asyncio.Event()
    peer = ProtocolPeer(talk, send_timeout=5)
    await settled()
    peer.protocol.pause_writing()
    go.set()
    await settled()
    await peer.sweep(4.9)
    assert not peer.transport.is_aborted()
    await peer.sweep_from_now(5)
    assert peer.transport.is_aborted()
    assert "dropped: the peer did not read for 5 s" in caplog.text
    await peer.lose()
    assert got == [1006]
    assert peer.ends == 1


async def test_a_peer_that_reads_in_time_is_kept() -> None:
    peer = ProtocolPeer(echo, send_timeout=5, ping_interval=None)
    await settled()
    peer.protocol.pause_writing()
    await peer.sweep(4.9)
    peer.protocol.resume_writing()
    await peer.sweep(1000)
    assert not peer.transport.is_aborted()
    await peer.end()


async def test_a_frame_that_never_ends_closes_the_connection() -> None:
    peer = ProtocolPeer(echo, frame_timeout=5, ping_interval=None)
    await settled()
    await peer.send(client_frame(TEXT, b"whole") + client_frame(TEXT, b"half")[:4])
    await peer.sweep(0)
    await peer.sweep(4.9)
    assert peer.texts() == ["whole"]
    await peer.sweep(5)
    ((opcode, payload),) = peer.frames()
    assert (opcode, payload) == (CLOSE, close_payload(1008, b"frame not whole within 5 s"))
    await peer.end()


async def test_bytes_one_by_one_do_not_prolong_a_frame() -> None:
    peer = ProtocolPeer(echo, frame_timeout=5, ping_interval=None)
    await settled()
    frame = client_frame(TEXT, b"12345678")
    for second, byte in enumerate(frame[:6]):
        await peer.send(bytes([byte]))
        await peer.sweep(second)
    assert peer.frames()[0][1][:2] == close_payload(1008)
    await peer.end()


async def test_a_pause_between_two_frames_is_allowed() -> None:
    peer = ProtocolPeer(echo, frame_timeout=5, ping_interval=None)
    await settled()
    await peer.send(client_frame(TEXT, b"a", fin=False))
    for seconds in (0, 10, 20):
        await peer.sweep(seconds)
    await peer.send(client_frame(CONTINUATION, b"b"))
    assert peer.texts() == ["ab"]
    await peer.end()


async def test_a_frame_is_not_overdue_while_the_server_does_not_read() -> None:
    async def slow() -> None:
        await websocket.accept()
        await go.wait()
        await echo()

    go = asyncio.Event()
    peer = ProtocolPeer(slow, inbox_messages=1, frame_timeout=5, ping_interval=5, ping_timeout=5)
    await settled()
    await peer.send(b"".join(client_frame(TEXT, b"x") for _ in range(3)) + b"\x81")
    assert not peer.transport.is_reading()
    for seconds in range(0, 100, 4):
        await peer.sweep(seconds)
        # The sweep reads a little at a time, to notice whether the peer is still there.
        await peer.send(client_frame(TEXT, b"y")[1:] + b"\x81")
        assert not peer.transport.is_reading()
    assert {opcode for opcode, _ in peer.frames()} == {PING}
    go.set()
    await settled()
    await peer.send(client_frame(TEXT, b"z")[1:])
    assert peer.texts() == ["x"] * 3 + ["y"] * 25 + ["z"]
    await peer.end()


async def test_a_silent_peer_is_pinged_and_dropped(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "emmett.websocket")
    peer = ProtocolPeer(echo, ping_interval=10, ping_timeout=5)
    await settled()
    await peer.sweep(9.9)
    assert peer.frames() == []
    await peer.sweep(10)
    assert peer.frames() == [(PING, b"")]
    await peer.sweep(14.9)
    assert not peer.transport.is_aborted()
    await peer.sweep(15)
    assert peer.transport.is_aborted()
    await peer.end()
    # Once, and not again as a peer that left.
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert lines[0].endswith("dropped: the peer did not answer a Ping within 5 s")


@pytest.mark.parametrize("sign", [client_frame(PONG), client_frame(TEXT, b"x"), client_frame(TEXT, b"x")[:1]])
async def test_any_received_data_is_a_sign_of_life(sign: bytes) -> None:
    peer = ProtocolPeer(echo, ping_interval=10, ping_timeout=5, frame_timeout=1000)
    await settled()
    await peer.sweep(10)
    await peer.send(sign)
    await peer.sweep(19.9)
    await peer.sweep(20)
    assert not peer.transport.is_aborted()
    assert [opcode for opcode, _ in peer.frames() if opcode == PING] == [PING, PING]
    await peer.end()


async def test_no_ping_is_sent_after_a_close_frame() -> None:
    peer = ProtocolPeer(close, ping_interval=1, ping_timeout=1, close_timeout=1000)
    await settled()
    peer.frames()
    for seconds in range(1, 900, 100):
        await peer.sweep(seconds)
    assert peer.frames() == []
    assert not peer.transport.is_aborted()
    await peer.end()


async def test_a_busy_handler_is_cancelled_after_its_grace(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[str] = []

    async def busy() -> None:
        await websocket.accept()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("busy")

    peer = ProtocolPeer(busy, disconnect_grace=5)
    await settled()
    await peer.lose()
    await peer.sweep(4.9)
    assert not ended
    assert peer.ends == 0
    await peer.sweep_from_now(5)
    assert ended == ["busy"]
    assert "the handler did not end after the peer had left: cancelled" in caplog.text
    assert peer.ends == 1


async def test_a_handler_that_still_takes_messages_is_not_cancelled() -> None:
    steps = asyncio.Semaphore(0)
    got: list[Any] = []

    async def slow() -> None:
        await websocket.accept()
        while True:
            await steps.acquire()
            got.append(await websocket.receive())

    peer = ProtocolPeer(slow, disconnect_grace=5)
    await settled()
    await peer.say("0", "1", "2", "3")
    await peer.lose()
    for number in range(3):
        steps.release()
        await settled()
        await peer.sweep_from_now(6 * (number + 1))
        assert peer.protocol.task is not None
    assert got == ["0", "1", "2"]
    # It takes no more messages.
    await peer.sweep_from_now(24)
    assert peer.protocol.task is None
    assert peer.ends == 1


async def test_a_handler_that_ignores_its_cancellation_is_cancelled_again() -> None:
    asked: list[Any] = []
    go = asyncio.Event()

    async def stubborn() -> None:
        await websocket.accept()
        while not go.is_set():
            try:
                await go.wait()
            except asyncio.CancelledError:
                asked.append(None)

    peer = ProtocolPeer(stubborn, disconnect_grace=5)
    await settled()
    await peer.lose()
    await peer.sweep_from_now(5)
    await peer.sweep(7)
    assert len(asked) == 1
    await peer.sweep_from_now(11)
    assert len(asked) == 2
    go.set()
    await settled()
    assert peer.ends == 1


async def test_a_connection_that_has_ended_has_no_deadline() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    await peer.end()
    await peer.sweep(1_000_000)
    assert not peer.transport.is_aborted()
    assert peer.ends == 1


async def test_a_peer_that_hangs_up_without_reading_the_rest_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def deaf() -> None:
        await websocket.accept()
        await websocket.wait_closed()

    peer = ProtocolPeer(deaf, send_timeout=5, inbox_messages=2)
    await settled()
    peer.transport.unsent = 50_000
    await peer.say("one", "two", "three")
    assert not peer.protocol.eof_received()
    peer.transport.closing = peer.transport.hung_up = True
    await peer.sweep_from_now(0)
    peer.transport.unsent = 40_000
    for seconds in (4.5, 9.0):
        # It reads some of it, slowly.
        await peer.sweep_from_now(seconds)
        assert not peer.transport.is_aborted()
    await peer.sweep_from_now(9.6)
    assert peer.transport.is_aborted()
    assert "the peer hung up and did not read for 5 s" in caplog.text
    await peer.end()
