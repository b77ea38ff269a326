"""How connections of the default server end: by either side, by a fault, by the server's own end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from emmett import WebsocketClosed, abort, websocket
from tests.server.protocol_peer import PeerTransport, ProtocolPeer, settled
from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, TEXT, client_frame, close_payload


async def echo() -> None:
    async for message in websocket:
        await websocket.send(message)


async def wait() -> None:
    await websocket.accept()
    await asyncio.Event().wait()


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_the_peer_can_close(code: int) -> None:
    got: list[Any] = []

    async def listen() -> None:
        await websocket.accept()
        try:
            await websocket.receive()
        except WebsocketClosed as closed:
            got.append((closed.code, closed.reason))
            raise

    peer = ProtocolPeer(listen)
    await settled()
    await peer.send(client_frame(CLOSE, close_payload(code, b"bye")))
    assert peer.frames() == [(CLOSE, close_payload(code))]
    assert peer.transport.is_closing()
    assert got == [(code, "bye")]
    assert peer.protocol.task is None
    assert peer.ends == 0
    await peer.end()


async def test_a_close_frame_may_have_no_code() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    await peer.send(client_frame(CLOSE))
    assert peer.frames() == [(CLOSE, b"")]
    assert peer.websocket.close_code == 1005
    await peer.end()


@pytest.mark.parametrize(
    ("handler", "payload"),
    [
        (lambda: websocket.accept(), close_payload(1000)),
        (lambda: websocket.send("x"), close_payload(1000)),
        (lambda: close_with(4000, "enough"), close_payload(4000, b"enough")),
    ],
)
async def test_this_side_can_close(handler: Any, payload: bytes) -> None:
    async def talk() -> None:
        await handler()

    peer = ProtocolPeer(talk)
    await settled()
    assert peer.frames()[-1] == (CLOSE, payload)
    # Data that the peer sent before it saw the Close frame is read and ignored.
    assert not peer.transport.is_closing()
    await peer.send(client_frame(TEXT, b"late") + client_frame(PING, b"?"), client_frame(TEXT, b"x" * 10_000))
    assert peer.frames() == []
    await peer.close(1000)
    assert peer.frames() == []
    assert peer.transport.is_closing()
    await peer.end()


async def close_with(code: int, reason: str) -> None:
    await websocket.accept()
    await websocket.close(code, reason)


async def close_with_4000() -> None:
    await close_with(4000, "")


async def test_this_side_can_close_while_reading_is_paused() -> None:
    async def talk() -> None:
        await websocket.accept()
        await go.wait()

    go = asyncio.Event()
    peer = ProtocolPeer(talk, inbox_messages=2)
    await settled()
    await peer.say(*map(str, range(5)))
    assert not peer.transport.is_reading()
    go.set()
    await settled()
    assert peer.frames() == [(CLOSE, close_payload(1000))]
    assert peer.transport.is_reading()
    await peer.close()
    assert peer.transport.is_closing()
    await peer.end()


async def test_both_sides_may_close_at_once() -> None:
    peer = ProtocolPeer(close_with_4000)
    await settled()
    await peer.close(4001)
    assert peer.frames() == [(CLOSE, close_payload(4000))]
    assert peer.transport.is_closing()
    assert peer.websocket.close_code == 4000
    await peer.end()


async def test_a_close_frame_comes_after_data_that_the_peer_has_not_read() -> None:
    async def talk() -> None:
        await websocket.accept()
        await go.wait()
        async with asyncio.TaskGroup() as tasks:
            for number in range(3):
                tasks.create_task(websocket.send(str(number)))

    go = asyncio.Event()
    peer = ProtocolPeer(talk)
    await settled()
    peer.protocol.pause_writing()
    go.set()
    await settled()
    assert peer.frames() == []
    peer.protocol.resume_writing()
    await settled()
    assert peer.frames() == [(TEXT, b"0"), (TEXT, b"1"), (TEXT, b"2"), (CLOSE, close_payload(1000))]
    await peer.end()


async def test_a_handler_may_be_cancelled_while_its_close_frame_waits() -> None:
    async def talk() -> None:
        await websocket.accept()
        await go.wait()
        try:
            async with asyncio.timeout(0):
                await websocket.close(4000, "enough")
        except TimeoutError:
            pass

    go = asyncio.Event()
    peer = ProtocolPeer(talk)
    await settled()
    peer.protocol.pause_writing()
    go.set()
    await settled()
    assert peer.protocol.task is None
    peer.protocol.resume_writing()
    await settled()
    assert peer.frames() == [(CLOSE, close_payload(4000, b"enough"))]
    await peer.end()


async def test_a_peer_may_leave_while_a_close_frame_waits(caplog: pytest.LogCaptureFixture) -> None:
    peer = ProtocolPeer(close_with_4000)
    peer.protocol.pause_writing()
    await settled()
    assert peer.protocol.task is not None
    await peer.end()
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


FAULTS = [
    (client_frame(TEXT, b"x", mask=None), 1002),
    (client_frame(TEXT, b"x", rsv=4), 1002),
    (client_frame(0x3, b"x"), 1002),
    (client_frame(0xB, b"x"), 1002),
    (client_frame(CONTINUATION, b"x"), 1002),
    (client_frame(TEXT, b"x", fin=False) + client_frame(TEXT, b"x"), 1002),
    (client_frame(PING, b"x" * 126), 1002),
    (client_frame(PING, b"x", fin=False), 1002),
    (client_frame(CLOSE, b"\x03"), 1002),
    (client_frame(CLOSE, close_payload(1005)), 1002),
    (client_frame(CLOSE, close_payload(1000, b"\xff")), 1007),
    (client_frame(TEXT, b"\xff"), 1007),
    (client_frame(TEXT, b"x" * 101), 1009),
    (client_frame(BINARY, b"", fin=False) + client_frame(CONTINUATION, b"", fin=False) * 4, 1009),
]


@pytest.mark.parametrize(("data", "code"), FAULTS)
async def test_a_violation_of_the_protocol_closes_the_connection(
    data: bytes, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "emmett.websocket")
    got: list[Any] = []

    async def listen() -> None:
        async for message in websocket:
            got.append(message)
        got.append(websocket.close_code)

    peer = ProtocolPeer(listen, max_message_size=100, max_fragments=3)
    await settled()
    await peer.send(client_frame(TEXT, b"good") + data + client_frame(TEXT, b"behind"))
    assert got == ["good", code]
    ((opcode, payload),) = peer.frames()
    assert (opcode, payload[:2]) == (CLOSE, close_payload(code))
    assert f"failed with {code}: {payload[2:].decode()}" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.INFO}
    # The peer is read until it closes, as it might never see the Close frame otherwise.
    assert peer.transport.ended
    assert not peer.transport.is_closing()
    await peer.send(client_frame(TEXT, b"x" * 10_000))
    await peer.end()


async def test_a_violation_on_a_transport_without_half_close_closes_it() -> None:
    transport = PeerTransport()
    transport.half_close = False
    peer = ProtocolPeer(echo, transport=transport)
    await settled()
    await peer.send(client_frame(CONTINUATION))
    assert peer.frames()[0][0] == CLOSE
    assert transport.is_closing()
    await peer.end()


async def test_a_violation_after_our_close_frame_is_ignored() -> None:
    """It may be a late part of a message; in any case there is nothing more to report."""
    peer = ProtocolPeer(close_with_4000)
    await settled()
    peer.frames()
    await peer.send(client_frame(CLOSE, b"\x03"))
    assert peer.frames() == []
    assert peer.transport.is_aborted()
    await peer.end()


async def test_a_violation_in_held_back_data_closes_the_connection() -> None:
    got: list[Any] = []
    go = asyncio.Event()

    async def slow() -> None:
        await websocket.accept()
        await go.wait()
        async for message in websocket:
            got.append(message)
        got.append(websocket.close_code)

    peer = ProtocolPeer(slow, inbox_messages=2)
    await settled()
    frames = [client_frame(TEXT, b"%d" % number) for number in range(4)]
    await peer.send(b"".join(frames) + client_frame(TEXT, b"\xff"))
    assert peer.frames() == []
    go.set()
    await settled()
    assert got == ["0", "1", "2", "3", 1007]
    assert peer.frames()[0][1][:2] == close_payload(1007)
    await peer.end()


async def test_a_broken_connection_ends_with_1006(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "emmett.websocket")
    got: list[Any] = []

    async def listen() -> None:
        async for message in websocket:
            got.append(message)
        got.append((websocket.close_code, websocket.close_reason))
        with pytest.raises(WebsocketClosed):
            await websocket.send("too late")

    peer = ProtocolPeer(listen)
    await settled()
    await peer.say("one")
    await peer.lose(ConnectionResetError("reset by peer"))
    assert got == ["one", (1006, "")]
    assert "from 192.0.2.1:50000, '/': lost: reset by peer" in caplog.text
    assert peer.ends == 1


async def test_a_broken_connection_delivers_messages_held_back() -> None:
    got: list[Any] = []
    go = asyncio.Event()

    async def slow() -> None:
        await websocket.accept()
        await go.wait()
        async for message in websocket:
            got.append(message)

    peer = ProtocolPeer(slow, inbox_messages=2)
    await settled()
    await peer.send(b"".join(client_frame(TEXT, b"%d" % number) for number in range(10)) + b"\x81")
    await peer.lose()
    assert peer.ends == 0
    go.set()
    await settled()
    assert got == [str(number) for number in range(10)]
    assert peer.ends == 1


async def test_a_connection_may_break_before_the_response() -> None:
    got: list[type[BaseException]] = []
    go = asyncio.Event()

    async def slow() -> None:
        await go.wait()
        try:
            await websocket.accept()
        except WebsocketClosed as error:
            got.append(type(error))
            raise

    peer = ProtocolPeer(slow)
    await settled()
    await peer.lose()
    go.set()
    await settled()
    assert got == [WebsocketClosed]
    assert peer.transport.writes == []
    assert peer.ends == 1


async def test_a_handshake_may_be_refused_after_the_connection_broke() -> None:
    go = asyncio.Event()

    async def slow() -> None:
        await go.wait()
        abort(403)

    peer = ProtocolPeer(slow)
    await settled()
    await peer.lose()
    go.set()
    await settled()
    assert peer.transport.writes == []
    assert peer.ends == 1


async def test_a_half_closed_connection_is_closed() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    assert peer.protocol.eof_received() is False
    await peer.end()


class Stop(BaseException):
    """Like KeyboardInterrupt, which would end the test run."""


async def test_a_base_exception_drops_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    async def stop() -> None:
        await websocket.accept()
        raise Stop

    peer = ProtocolPeer(stop)
    await settled()
    assert peer.transport.is_aborted()
    assert "ended badly" in caplog.text
    await peer.end()


@pytest.mark.parametrize("handler", [echo, wait])
async def test_a_stopping_server_closes_idle_connections(handler: Any) -> None:
    peer = ProtocolPeer(handler, disconnect_grace=5)
    await settled()
    for _ in range(2):
        peer.protocol.shutdown()
    await settled()
    assert peer.frames() == [(CLOSE, close_payload(1012, b"service restart"))]
    assert peer.websocket.close_code == 1012
    await peer.close(1012)
    assert peer.transport.is_closing()
    await peer.lose()
    # A handler that does not notice gets its grace.
    await peer.sweep_from_now(5)
    assert peer.ends == 1


async def test_a_stopping_server_first_handles_received_messages() -> None:
    go = asyncio.Event()

    async def slow() -> None:
        async for message in websocket:
            await go.wait()
            await websocket.send(message)

    peer = ProtocolPeer(slow, inbox_messages=2)
    await settled()
    await peer.say(*map(str, range(5)))
    peer.protocol.shutdown()
    await settled()
    assert peer.frames() == []
    # The sweep checks whether the peer is still there, but new data is not accepted.
    await peer.sweep(0)
    assert not peer.transport.is_reading()
    go.set()
    await settled()
    frames = [(TEXT, b"%d" % number) for number in range(5)]
    assert peer.frames() == [*frames, (CLOSE, close_payload(1012, b"service restart"))]
    await peer.say("late")
    assert peer.frames() == []
    await peer.end()


async def test_a_stopping_server_first_handles_unparsed_data() -> None:
    sent = [str(number) for number in range(10_000)]
    taken: list[str | bytes] = []
    go_on = asyncio.Event()

    async def listen() -> None:
        async for message in websocket:
            taken.append(message)
            if message == sent[-1]:
                await go_on.wait()

    peer = ProtocolPeer(listen)
    await settled()
    peer.protocol.data_received(b"".join(client_frame(TEXT, message.encode()) for message in sent))
    # The handler waits for messages, so reading continues until the server stops.
    assert peer.transport.is_reading()
    peer.protocol.shutdown()
    assert not peer.transport.is_reading()
    while taken[-1:] != sent[-1:]:  # noqa: ASYNC110 - each turn reads some data
        await asyncio.sleep(0)
    await peer.say("late")
    go_on.set()
    await settled()
    assert taken == sent
    assert peer.frames() == [(CLOSE, close_payload(1012, b"service restart"))]
    await peer.end()


async def test_a_handler_that_returns_while_the_server_stops_closes_for_that_reason() -> None:
    go = asyncio.Event()

    async def slow() -> None:
        await websocket.receive()
        await go.wait()

    peer = ProtocolPeer(slow)
    await settled()
    await peer.say("x")
    peer.protocol.shutdown()
    go.set()
    await settled()
    assert peer.frames() == [(CLOSE, close_payload(1012, b"service restart"))]
    await peer.end()


async def test_a_stopping_server_does_not_affect_an_ended_connection() -> None:
    peer = ProtocolPeer(echo)
    await settled()
    await peer.close()
    await peer.lose()
    written = peer.transport.written
    peer.protocol.shutdown()
    await settled()
    assert peer.transport.written == written
    assert peer.ends == 1
