from __future__ import annotations

import pytest

from benchmarks.frames import echo_batch
from benchmarks.loads.funnel import Producer, Reader
from tests.benchmarks.loads.test_echo import MemoryTransport


class Funnel:
    """Three producers that have sent their first message, and their reader."""

    def __init__(self) -> None:
        self.complaints: list[str] = []
        batches = [echo_batch(number, 1, 64, websocket=True) for number in range(1000, 1003)]
        self.replies = [batch.reply for batch in batches]
        self.transports = [MemoryTransport() for _ in batches]
        self.producers = [Producer(batch.request, self.complaints.append) for batch in batches]
        self.reader = Reader(dict(zip(self.replies, self.producers, strict=True)), self.complaints.append)
        for producer, transport in zip(self.producers, self.transports, strict=True):
            producer.attach(transport)
            producer.running = True
            producer.send()


@pytest.fixture
def funnel() -> Funnel:
    return Funnel()


@pytest.mark.parametrize("piece", [1, 65, 70, 1000])
def test_messages_in_any_order_and_pieces_make_their_producers_send_the_next(funnel: Funnel, piece: int) -> None:
    stream = funnel.replies[2] + funnel.replies[0]
    for start in range(0, len(stream), piece):
        funnel.reader.data_received(stream[start : start + piece])
    assert [producer.answered for producer in funnel.producers] == [1, 0, 1]
    assert [len(transport.writes) for transport in funnel.transports] == [2, 1, 2]
    assert not funnel.complaints


def test_a_message_that_was_not_sent_is_detected(funnel: Funnel) -> None:
    funnel.reader.data_received(echo_batch(1003, 1, 64, websocket=True).reply)
    assert "nobody sent" in funnel.complaints[0]


def test_a_repeated_message_is_detected(funnel: Funnel) -> None:
    funnel.producers[0].running = False
    funnel.reader.data_received(funnel.replies[0] * 2)
    assert funnel.complaints[0].endswith("twice")
    assert funnel.producers[0].answered == 1


def test_a_producer_must_receive_nothing_and_stay_connected(funnel: Funnel) -> None:
    funnel.producers[0].data_received(b"what")
    funnel.producers[0].connection_lost(None)
    funnel.reader.attach(MemoryTransport())
    funnel.reader.connection_lost(OSError("gone"))
    assert funnel.complaints == [
        "a producer got b'what'",
        "the server closed a producer's connection after 0 replies: end of stream",
        "the server closed the reader's connection after 0 replies: gone",
    ]
