"""The frames that a server sends, read by another implementation."""

from __future__ import annotations

import pytest

from emmett.wire.encoding import encode_control, encode_header, encode_message
from emmett.wire.frames import OP_PING


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_encoded_messages_are_read_back_by_websockets(size: int) -> None:
    from websockets.frames import Frame, Opcode
    from websockets.streams import StreamReader

    for message, opcode in (("é" * (size // 2), Opcode.TEXT), (b"\x00" * size, Opcode.BINARY)):
        stream = StreamReader()
        stream.feed_data(encode_message(message))
        parsing = Frame.parse(stream.read_exact, mask=False, max_size=None)
        try:
            next(parsing)
            raise AssertionError("the frame is not whole")
        except StopIteration as stop:
            frame = stop.value
        assert frame.opcode is opcode
        assert frame.data == (message.encode() if isinstance(message, str) else message)


def test_every_bytes_like_type_is_sent_as_binary() -> None:
    expected = encode_message(b"data")
    assert encode_message(bytearray(b"data")) == expected
    assert encode_message(memoryview(b"data")) == expected
    assert encode_message(memoryview(b"d.a.t.a.")[::2]) == expected


def test_a_subclass_of_str_is_sent_as_text() -> None:
    class Name(str):
        __slots__ = ()

    assert encode_message(Name("é")) == encode_message("é")


@pytest.mark.parametrize("message", [None, 1, ["text"], {"a": 1}])
def test_other_types_are_refused(message: object) -> None:
    with pytest.raises(TypeError, match="str or bytes-like"):
        encode_message(message)  # type: ignore[arg-type]


def test_control_frames_carry_at_most_125_bytes() -> None:
    assert encode_control(OP_PING, b"x" * 125) == encode_header(OP_PING, 125) + b"x" * 125
    with pytest.raises(ValueError, match="125"):
        encode_control(OP_PING, b"x" * 126)
