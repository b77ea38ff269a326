"""A Close frame is found after frames of any length, without consuming them."""

from __future__ import annotations

import pytest

from emmett.wire.close_search import LOOKED_AT, find_close_frame
from tests.wire.frame_maker import BINARY, CLOSE, PING, TEXT, client_frame, close_payload


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536])
def test_a_close_frame_is_found_after_others(size: int) -> None:
    others = client_frame(BINARY, bytes(size)) + client_frame(PING, b"p")
    data = others + client_frame(CLOSE, close_payload(1000))
    found, position = find_close_frame(data, 0)
    assert found is not None
    assert position == len(others)
    assert (found.start, found.stop) == (len(others) + 6, len(data))


def test_an_incomplete_close_frame_is_not_found() -> None:
    data = client_frame(TEXT, b"one") + client_frame(CLOSE, close_payload(1000))
    for end in range(len(data)):
        found, position = find_close_frame(data[:end], 0)
        assert found is None
        assert position == (9 if end >= 9 else 0)


def test_a_search_covers_a_limited_number_of_frames_and_can_be_continued() -> None:
    frame = client_frame(TEXT, b"")
    data = frame * (LOOKED_AT + 1) + client_frame(CLOSE, b"")
    found, position = find_close_frame(data, 0)
    assert (found, position) == (None, len(frame) * LOOKED_AT)
    found, position = find_close_frame(data, position)
    assert found is not None
