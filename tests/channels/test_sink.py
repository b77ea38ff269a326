from __future__ import annotations

from emmett.channels.sink import Batch, Message


def test_frames_are_encoded_once_for_all_sinks_of_a_kind() -> None:
    made: list[Message] = []

    def encode(message: Message) -> bytes:
        made.append(message)
        return message.encode() if isinstance(message, str) else message

    batch = Batch(["a", b"b", "c"])
    assert batch.size == 3
    first = batch.frames(encode)
    assert first == b"abc"
    assert batch.frames(encode) is first
    assert made == ["a", b"b", "c"]
    assert batch.frames(lambda message: b"x") == b"xxx"
