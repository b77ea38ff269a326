from __future__ import annotations

from emmett.wire.frames import FrameReader
from tests.wire.frame_maker import BINARY, TEXT, client_frame
from tests.wire.owner import Owner


def make_reader(max_messages: int = 1) -> tuple[FrameReader, list[str | bytes]]:
    messages: list[str | bytes] = []
    reader = FrameReader(
        messages,
        Owner(),
        max_message_size=1000,
        max_fragments=10,
        max_messages=max_messages,
        max_bytes=1000,
    )
    return reader, messages


def test_an_error_in_discarded_data_is_not_reported() -> None:
    reader, messages = make_reader()
    assert reader.feed(client_frame(TEXT, b"one") + client_frame(TEXT, b"two") + client_frame(TEXT, rsv=7))
    assert reader.discard() is False
    assert messages == ["one"]


def test_growth_without_a_listener_is_not_reported() -> None:
    reader, messages = make_reader()
    reader.step = 1
    begun = client_frame(BINARY, b"begun", fin=False)
    assert not reader.feed(begun)
    assert not reader.feed(client_frame(0, b", done"))
    assert messages == [b"begun, done"]
