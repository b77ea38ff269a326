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


def test_every_growth_by_a_step_is_reported() -> None:
    reader, messages = make_reader()
    reader.owner = owner = Owner()
    assert not reader.feed(client_frame(BINARY, b"begun", fin=False))
    # By default, the step is never reached.
    assert owner.growths == 0
    reader.step = 1
    assert not reader.feed(client_frame(0, b" and", fin=False))
    assert owner.growths == 1
    assert not reader.feed(client_frame(0, b" done"))
    assert messages == [b"begun and done"]
