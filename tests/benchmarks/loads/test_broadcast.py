from __future__ import annotations

import pytest

from benchmarks.frames import echo_batch
from benchmarks.loads.broadcast import Subscriber
from tests.benchmarks.loads.test_echo import MemoryTransport

BATCH = echo_batch(0, 4, 64, websocket=True)
REPLY = BATCH.reply


class Heard:
    """Return a subscriber and its output."""

    def __init__(self) -> None:
        self.complete = 0
        self.complaints: list[str] = []
        self.subscriber = Subscriber(BATCH, self.completed, self.complaints.append)

    def completed(self) -> None:
        self.complete += 1


@pytest.mark.parametrize("piece", [1, 65, 66, 100, len(REPLY)])
def test_a_batch_in_any_pieces_is_complete_once(piece: int) -> None:
    heard = Heard()
    for start in range(0, len(REPLY), piece):
        assert heard.complete == 0
        heard.subscriber.data_received(REPLY[start : start + piece])
    assert (heard.complete, heard.complaints) == (1, [])


@pytest.mark.parametrize("data", [REPLY[66:132], REPLY + b"\x81", REPLY[:65] + b"?"])
def test_lost_repeated_and_changed_messages_are_detected(data: bytes) -> None:
    heard = Heard()
    heard.subscriber.data_received(data)
    assert len(heard.complaints) == 1
    assert heard.complete == 0


def test_messages_before_the_last_probe_do_not_count() -> None:
    heard = Heard()
    heard.subscriber.probe = b"probe 2"
    for data in (b"probe 1", b"pro", b"be 2"):
        assert heard.subscriber.probe is not None
        heard.subscriber.data_received(data)
    assert heard.subscriber.probe is None
    heard.subscriber.data_received(REPLY)
    assert (heard.complete, heard.complaints) == (1, [])


def test_a_connection_that_ends_too_early_is_a_failure() -> None:
    heard = Heard()
    heard.subscriber.attach(MemoryTransport())
    heard.subscriber.connection_lost(None)
    heard.subscriber.close()
    heard.subscriber.connection_lost(None)
    assert heard.complaints == ["the server closed a subscriber's connection after 0 replies: end of stream"]
