"""Frames that do not end, on a clock that the test controls."""

from __future__ import annotations

from collections import deque

from emmett.server.frame_watch import FrameWatch
from emmett.wire.frames import FrameReader
from tests.wire.frame_maker import TEXT, client_frame
from tests.wire.owner import Owner


def make_reader() -> FrameReader:
    return FrameReader(deque(), Owner(), max_message_size=1000, max_fragments=10, max_messages=99, max_bytes=9999)


def test_a_frame_without_progress_is_overdue() -> None:
    reader, watch = make_reader(), FrameWatch(30.0)
    frame = client_frame(TEXT, b"x" * 500)
    reader.feed(frame[:1])
    assert not watch.is_overdue(reader, 100.0)
    reader.feed(frame[1:400])
    assert not watch.is_overdue(reader, 129.9)
    # Slow progress does not help: the deadline is that of the whole frame.
    assert watch.is_overdue(reader, 130.0)


def test_frames_that_end_in_time_are_not_overdue() -> None:
    reader, watch = make_reader(), FrameWatch(30.0)
    frame = client_frame(TEXT, b"x" * 500)
    for number in range(5):
        reader.feed(frame[:100])
        assert not watch.is_overdue(reader, 100.0 + 20 * number)
        reader.feed(frame[100:] + frame[:50])
        assert not watch.is_overdue(reader, 110.0 + 20 * number)
        reader.feed(frame[50:])
        assert not watch.is_overdue(reader, 119.0 + 20 * number)


def test_a_pause_between_fragments_does_not_count() -> None:
    reader, watch = make_reader(), FrameWatch(30.0)
    reader.feed(client_frame(TEXT, b"x", fin=False))
    assert not watch.is_overdue(reader, 100.0)
    assert not watch.is_overdue(reader, 1e9)
