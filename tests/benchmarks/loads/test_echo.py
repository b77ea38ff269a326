from __future__ import annotations

import asyncio

import pytest

from benchmarks.frames import Batch, echo_batch
from benchmarks.loads.echo import EchoConnection, describe_difference


class MemoryTransport(asyncio.Transport):
    """Keeps the written bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = False
        self.protocol: asyncio.BaseProtocol | None = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: bytes | bytearray | memoryview[int]) -> None:
        self.writes.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True


class Peer:
    """Return a connection under test, its transport and its list of complaints."""

    def __init__(self, batch: Batch) -> None:
        self.complaints: list[str] = []
        self.transport = MemoryTransport()
        self.connection = EchoConnection(batch, self.complaints.append)


BATCH = echo_batch(1, 4, 64, websocket=True)


@pytest.fixture
def peer() -> Peer:
    peer = Peer(BATCH)
    peer.connection.attach(peer.transport)
    peer.connection.running = True
    peer.connection.send()
    return peer


def test_it_writes_a_batch_takes_the_transport_and_waits(peer: Peer) -> None:
    assert peer.transport.protocol is peer.connection
    assert peer.transport.writes == [BATCH.request]
    assert (peer.connection.count, peer.connection.finished) == (0, False)


@pytest.mark.parametrize("size", [1, 7, 66, 100, len(BATCH.reply)])
def test_a_whole_reply_in_any_pieces_triggers_the_next_batch(peer: Peer, size: int) -> None:
    for start in range(0, len(BATCH.reply), size):
        assert len(peer.transport.writes) == 1
        peer.connection.data_received(BATCH.reply[start : start + size])
    assert peer.transport.writes == [BATCH.request] * 2
    assert peer.connection.count == 4
    assert peer.connection.checked_bytes == len(BATCH.reply)
    assert not peer.complaints


def test_whole_messages_of_an_unfinished_batch_count(peer: Peer) -> None:
    peer.connection.data_received(BATCH.reply[: 66 * 2 + 65])
    assert peer.connection.count == 2


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (BATCH.reply[:70] + b"?" + BATCH.reply[71:], "wrong from byte 70 of 264"),
        (BATCH.reply[66:132], "wrong from byte 4 of 264"),  # the second message's reply comes first
        (BATCH.reply + b"\x81", "wrong from byte 264 of 264"),
    ],
)
def test_a_wrong_reply_is_a_failure(peer: Peer, data: bytes, complaint: str) -> None:
    peer.connection.data_received(data)
    assert len(peer.complaints) == 1
    assert complaint in peer.complaints[0]
    assert len(peer.transport.writes) == 1


def test_a_wrong_byte_is_found_in_a_later_piece(peer: Peer) -> None:
    peer.connection.data_received(BATCH.reply[:100])
    peer.connection.data_received(b"\0")
    assert "wrong from byte 100 of 264: b'\\x00' instead of" in peer.complaints[0]


def test_after_stop_the_last_reply_is_checked_and_nothing_sent(peer: Peer) -> None:
    peer.connection.running = False
    finished_before = peer.connection.finished
    peer.connection.data_received(BATCH.reply)
    assert (finished_before, peer.connection.finished) == (False, True)
    assert len(peer.transport.writes) == 1
    peer.connection.close()
    peer.connection.connection_lost(None)
    assert peer.transport.closed
    assert not peer.complaints


def test_a_lost_connection_is_a_failure(peer: Peer) -> None:
    peer.connection.data_received(BATCH.reply)
    peer.connection.connection_lost(ConnectionResetError("reset"))
    assert peer.complaints == ["the server closed a connection after 4 replies: reset"]


def test_the_difference_shows_both_sides() -> None:
    text = describe_difference(b"abcdefgh", 2, b"cdXf")
    assert text == "the reply is wrong from byte 4 of 8: b'Xf' instead of b'efgh'"
