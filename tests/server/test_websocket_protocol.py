"""The websocket protocol on a transport in memory: the handshake, messages, back pressure, control frames."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref
from contextvars import ContextVar, copy_context
from itertools import pairwise
from typing import Any

import pytest

from emmett import WebsocketClosed, abort, websocket
from emmett.wire.frames import FRAMES_A_TURN
from tests.server.protocol_peer import PeerTransport, ProtocolPeer, settled
from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload
from tests.wire.upgrade_maker import ACCEPT


def is_reading(peer: ProtocolPeer) -> bool:
    """Return the attribute by a call, because mypy assumes that it keeps an asserted value."""
    return peer.transport.reading


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


async def test_the_handshake_is_answered_by_the_first_receive() -> None:
    peer = ProtocolPeer(echo, subprotocols=("v1",))
    assert peer.transport.writes == []
    await settled()
    lines = peer.head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 101 Switching Protocols"
    assert b"Sec-WebSocket-Accept: " + ACCEPT in lines
    assert not [line for line in lines if line.lower().startswith(b"sec-websocket-protocol")]
    assert peer.protocol.status == 101
    await peer.end()


async def test_accept_sends_headers_and_a_subprotocol() -> None:
    async def talk() -> None:
        with pytest.raises(ValueError, match="v2"):
            await websocket.accept(subprotocol="v2")
        await websocket.accept(headers={"X-Answer": "yes"}, subprotocol="v1")
        await echo()

    peer = ProtocolPeer(talk, subprotocols=("v1",))
    await settled()
    assert b"\r\nx-answer: yes" in peer.head
    assert b"\r\nSec-WebSocket-Protocol: v1" in peer.head
    assert peer.websocket.subprotocol == "v1"
    await peer.end()


async def test_a_refusal_is_a_response_and_the_end() -> None:
    async def refuse() -> None:
        abort(403, "members only", {"X-Reason": "age"})

    peer = ProtocolPeer(refuse)
    await settled()
    written = peer.transport.written
    assert written.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert written.endswith(b"\r\n\r\nmembers only")
    assert b"\r\nx-reason: age\r\n" in written
    assert b"\r\ndate: " in written.lower()
    assert peer.transport.ended
    assert (peer.protocol.status, peer.websocket.closed) == (403, True)
    await peer.end()


async def test_a_refused_peer_can_read_why() -> None:
    """Data that it has sent meanwhile is read and dropped until it closes too."""

    async def refuse() -> None: ...

    peer = ProtocolPeer(refuse, early=client_frame(TEXT, b"early"))
    await settled()
    answer = peer.transport.written
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert not peer.transport.is_closing()
    await peer.say("late")
    await peer.send(b"garbage", b"\xff" * 1000)
    assert peer.transport.written == answer
    assert not peer.transport.is_aborted()
    await peer.sweep_from_now(11)
    assert peer.transport.is_aborted()
    await peer.end()


async def test_without_half_close_a_refused_connection_closes_at_once() -> None:
    async def refuse() -> None: ...

    transport = PeerTransport()
    transport.half_close = False
    peer = ProtocolPeer(refuse, transport=transport)
    await settled()
    assert peer.transport.is_closing()
    await peer.end()


async def test_early_data_is_not_read_before_the_response() -> None:
    go = asyncio.Event()

    async def slow() -> None:
        await go.wait()
        await echo()

    peer = ProtocolPeer(slow, early=client_frame(TEXT, b"one") + client_frame(TEXT, b"two")[:4])
    assert not peer.transport.is_reading()
    # The loop had already started a read when reading was paused.
    peer.protocol.data_received(client_frame(TEXT, b"two")[4:] + client_frame(PING, b"?"))
    await settled()
    assert peer.transport.writes == []
    go.set()
    await settled()
    assert is_reading(peer)
    assert sorted(peer.frames()) == [(TEXT, b"one"), (TEXT, b"two"), (PONG, b"?")]
    await peer.end()


async def test_early_data_is_dropped_if_the_handler_refuses() -> None:
    async def refuse() -> None:
        abort(403)

    peer = ProtocolPeer(refuse, early=b"garbage \xff")
    await settled()
    assert peer.transport.written.startswith(b"HTTP/1.1 403 ")
    await peer.end()


async def test_messages_are_echoed() -> None:
    peer = ProtocolPeer(echo, max_message_size=10**6)
    await settled()
    messages = [(TEXT, b""), (BINARY, b""), (TEXT, "é".encode()), (BINARY, b"\xff" * 126), (BINARY, b"x" * 70000)]
    for opcode, payload in messages:
        await peer.send(client_frame(opcode, payload))
    assert peer.frames() == messages
    assert peer.protocol.messages == (5, 5)
    await peer.end()


async def test_a_ping_may_come_between_fragments() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    await peer.send(client_frame(TEXT, b"a", fin=False), client_frame(PING, b"!"), client_frame(CONTINUATION, b"b"))
    assert peer.frames() == [(PONG, b"!"), (TEXT, b"ab")]
    await peer.end()


async def test_the_answers_to_one_read_are_sent_in_one_write() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    before = len(peer.transport.writes)
    await peer.say(*map(str, range(10)))
    assert len(peer.transport.writes) == before + 1
    assert peer.texts() == [str(number) for number in range(10)]
    await peer.end()


@pytest.mark.parametrize("payload", [b"", b"x", b"y" * 125])
async def test_pings_are_answered_and_pongs_are_not(payload: bytes) -> None:
    peer = ProtocolPeer(echo)
    await settled()
    await peer.send(client_frame(PONG, b"unasked") + client_frame(PING, payload))
    assert peer.frames() == [(PONG, payload)]
    await peer.end()


async def test_a_busy_handler_pauses_reading() -> None:
    go = asyncio.Event()
    got: list[Any] = []

    async def slow() -> None:
        await websocket.accept()
        await go.wait()
        async for message in websocket:
            got.append(message)

    peer = ProtocolPeer(slow, inbox_messages=4)
    await settled()
    await peer.say("0", "1", "2", "3")
    assert peer.transport.is_reading()
    await peer.say("4", "5", "6", "7", "8")
    assert not peer.transport.is_reading()
    assert len(peer.protocol.inbox.messages) == 4
    go.set()
    await settled()
    assert is_reading(peer)
    assert got == [str(number) for number in range(9)]
    await peer.end()


async def test_a_waiting_handler_gets_a_whole_read_without_a_pause() -> None:
    got: list[Any] = []

    async def listen() -> None:
        async for message in websocket:
            got.append(message)

    transport = PeerTransport()
    peer = ProtocolPeer(listen, transport=transport, inbox_messages=4)
    await settled()
    paused: list[bool] = []
    transport.pause_reading = lambda: paused.append(True)  # type: ignore[method-assign]
    await peer.say(*map(str, range(50)))
    assert got == [str(number) for number in range(50)]
    assert not paused
    await peer.end()


async def test_a_handler_that_never_waits_lets_others_have_their_turn() -> None:
    turns: list[int] = []
    got: list[Any] = []

    def count() -> None:
        turns.append(len(got))
        if len(got) < 2000:
            asyncio.get_running_loop().call_soon(count)

    async def listen() -> None:
        async for message in websocket:
            got.append(message)

    peer = ProtocolPeer(listen, inbox_messages=4)
    await settled()
    asyncio.get_running_loop().call_soon(count)
    peer.protocol.data_received(b"".join(client_frame(TEXT, b"x") for _ in range(2000)))
    while len(got) < 2000:  # noqa: ASYNC110 - each turn reads some data
        await asyncio.sleep(0)
    turns.append(len(got))
    steps = [later - earlier for earlier, later in pairwise(turns)]
    assert max(steps) <= FRAMES_A_TURN
    await peer.end()


async def test_a_peer_that_does_not_read_makes_send_wait() -> None:
    sent: list[int] = []

    async def talk() -> None:
        for number in range(5):
            await websocket.send(str(number))
            sent.append(number)
        await echo()

    peer = ProtocolPeer(talk)
    peer.protocol.pause_writing()
    await settled()
    assert sent == []
    peer.protocol.resume_writing()
    await settled()
    assert sent == [0, 1, 2, 3, 4]
    assert peer.texts() == ["0", "1", "2", "3", "4"]
    await peer.end()


async def test_pings_of_a_peer_that_does_not_read_do_not_pile_up() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    peer.frames()
    peer.protocol.pause_writing()
    for number in range(100):
        await peer.send(client_frame(PING, b"%d" % number))
    assert peer.frames() == []
    peer.protocol.resume_writing()
    assert peer.frames() == [(PONG, b"99")]
    await peer.end()


async def test_send_nowait_drops_a_peer_that_does_not_keep_up(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "emmett.websocket")
    got: list[Any] = []

    async def talk() -> None:
        await websocket.accept()
        websocket.send_nowait("x" * 50)
        peer.transport.unsent = 52
        with pytest.raises(WebsocketClosed, match="does not keep up"):
            websocket.send_nowait("x" * 50)
        got.append((websocket.closed, websocket.close_code, peer.transport.is_aborted()))

    peer = ProtocolPeer(talk, write_limit=100)
    await settled()
    assert got == [(True, 1006, True)]
    assert "dropped: the peer has not taken 100 bytes" in caplog.text
    assert peer.texts() == ["x" * 50]
    await peer.end()


async def test_a_ping_returns_its_round_trip() -> None:
    got: list[float] = []

    async def talk() -> None:
        got.append(await websocket.ping())
        await echo()

    peer = ProtocolPeer(talk)
    await settled()
    ((opcode, payload),) = peer.frames()
    assert opcode == PING
    await peer.send(client_frame(PONG, b"another"))
    assert not got
    await peer.send(client_frame(PONG, payload))
    assert 0 <= got[0] < 10
    await peer.end()


@pytest.mark.parametrize("by", ["loss", "close"])
async def test_a_ping_without_an_answer_ends_with_the_connection(by: str) -> None:
    got: list[int] = []

    async def talk() -> None:
        for _ in range(2):
            with pytest.raises(WebsocketClosed) as closed:
                await websocket.ping()
            got.append(closed.value.code)

    peer = ProtocolPeer(talk)
    await settled()
    await (peer.lose() if by == "loss" else peer.close(4000))
    assert got == [1006, 1006] if by == "loss" else [4000, 4000]
    if by == "close":
        await peer.lose()
    assert peer.ends == 1


async def test_each_connection_has_a_number() -> None:
    peers = [ProtocolPeer(echo) for _ in range(3)]
    numbers = [peer.protocol.number for peer in peers]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    await settled()
    for peer in peers:
        await peer.end()


async def test_a_connection_is_freed_at_once() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    await peer.say("x")
    alive: list[weakref.ref[object]] = [weakref.ref(peer.websocket), weakref.ref(peer.protocol)]
    gc.collect()
    gc.disable()
    try:
        await peer.close()
        await peer.end()
        del peer
        assert [reference() for reference in alive] == [None, None]
    finally:
        gc.enable()


class Mark:
    """Something that can be watched."""


async def test_a_connection_does_not_keep_the_context_in_which_it_began() -> None:
    """After earlier requests on the connection, this may be the context of one of them, with its session."""
    variable: ContextVar[Mark] = ContextVar("variable")
    marks: list[weakref.ref[Mark]] = []

    def begin() -> ProtocolPeer:
        mark = Mark()
        variable.set(mark)
        marks.append(weakref.ref(mark))
        return ProtocolPeer(echo)

    gc.collect()
    gc.disable()
    try:
        peer = copy_context().run(begin)
        await settled()
        await peer.say("x")
        assert [mark() for mark in marks] == [None]
    finally:
        gc.enable()
    assert peer.texts() == ["x"]
    await peer.end()


async def test_a_message_in_the_same_read_as_a_close_is_delivered_first() -> None:
    got: list[Any] = []

    async def listen() -> None:
        async for message in websocket:
            got.append(message)
        got.append(websocket.close_code)

    peer = ProtocolPeer(listen, inbox_messages=2)
    await settled()
    frames = [client_frame(TEXT, b"%d" % number) for number in range(7)]
    await peer.send(b"".join(frames) + client_frame(CLOSE, close_payload(4000)))
    assert got == ["0", "1", "2", "3", "4", "5", "6", 4000]
    await peer.end()


@pytest.mark.parametrize("end", ["lost", "stopped"])
async def test_unparsed_messages_are_delivered_when_the_connection_ends(end: str) -> None:
    taken: list[str | bytes] = []
    go_on = asyncio.Event()

    async def slow() -> None:
        await websocket.accept()
        await go_on.wait()
        async for message in websocket:
            taken.append(message)

    # With such a large inbox the second refill happens in another turn, and the inbox is empty until then.
    peer = ProtocolPeer(slow, inbox_messages=2 * FRAMES_A_TURN)
    await settled()
    sent = [str(number) for number in range(10_000)]
    peer.protocol.data_received(b"".join(client_frame(TEXT, message.encode()) for message in sent))
    if end == "lost":
        peer.transport.closing = True
        peer.protocol.connection_lost(None)
    else:
        peer.protocol.shutdown()
    go_on.set()
    assert peer.protocol.task is not None
    await asyncio.wait({peer.protocol.task})
    assert taken == sent
    if end == "stopped":
        await peer.end()
    assert peer.ends == 1
