from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from benchmarks.frames import (
    COMPRESSED,
    FINAL_CLOSE,
    FINAL_TEXT,
    client_frame,
    echo_batch,
    masking_key,
    server_frame,
    split_frames,
)

T = TypeVar("T")


def parse(data: bytes, *, masked: bool) -> list[Frame]:
    """Parse a whole stream with an implementation that is not ours."""
    reader = StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    frames: list[Frame] = []
    while not result_of(reader.at_eof()):
        frames.append(result_of(Frame.parse(reader.read_exact, mask=masked)))
    return frames


def result_of(steps: Generator[None, None, T]) -> T:
    """Return the result of a generator that has all its bytes, so it never waits for more."""
    with pytest.raises(StopIteration) as stop:
        next(steps)
    result: T = stop.value.value
    return result


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_another_implementation_reads_the_frames(payload: bytes, key: bytes) -> None:
    assert parse(client_frame(payload, key), masked=True) == [Frame(Opcode.TEXT, payload)]
    assert parse(server_frame(payload), masked=False) == [Frame(Opcode.TEXT, payload)]


@pytest.mark.parametrize(
    ("size", "header"),
    [
        (125, bytes([0x81, 125])),
        (126, bytes([0x81, 126, 0, 126])),
        (65_535, bytes([0x81, 126, 255, 255])),
        (65_536, bytes([0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0])),
    ],
)
def test_length_is_written_in_the_shortest_form(size: int, header: bytes) -> None:
    assert server_frame(b"a" * size) == header + b"a" * size
    masked = client_frame(b"a" * size, b"\0\0\0\0")
    assert masked == bytes([0x81, header[1] | 0x80]) + header[2:] + b"\0\0\0\0" + b"a" * size


def test_a_batch_expects_the_messages_that_it_sends() -> None:
    batch = echo_batch(5, 32, 64, websocket=True)
    sent, expected = parse(batch.request, masked=True), parse(batch.reply, masked=False)
    assert sent == expected
    assert [len(frame.data) for frame in sent] == [64] * 32 == [64] * batch.messages
    assert all(bytes(frame.data).isascii() for frame in sent)
    assert len(batch.request) == 32 * 70
    assert len(batch.reply) == 32 * 66


def test_a_raw_server_gets_the_same_bytes_and_sends_them_all_back() -> None:
    raw, websocket = echo_batch(3, 4, 64, websocket=False), echo_batch(3, 4, 64, websocket=True)
    assert raw.request == raw.reply == websocket.request


def test_each_message_of_each_connection_has_its_own_text_and_key() -> None:
    batches = [echo_batch(number, 32, 64, websocket=True) for number in range(16)]
    texts = {bytes(frame.data) for batch in batches for frame in parse(batch.reply, masked=False)}
    keys = {batch.request[start + 2 : start + 6] for batch in batches for start in range(0, 32 * 70, 70)}
    assert len(texts) == len(keys) == 16 * 32
    assert b"\0\0\0\0" not in keys


@given(st.integers(0, 5000), st.integers(1, 8), st.integers(0, 70_000))
def test_a_batch_may_have_any_size(connection: int, messages: int, size: int) -> None:
    batch = echo_batch(connection, messages, size, websocket=True)
    assert [len(frame.data) for frame in parse(batch.reply, masked=False)] == [size] * messages


def test_frames_with_other_opcodes_can_be_written() -> None:
    (frame,) = parse(client_frame(b"\x03\xe8", masking_key(7), FINAL_CLOSE), masked=True)
    assert (frame.opcode, frame.data) == (Opcode.CLOSE, b"\x03\xe8")
    assert client_frame(b"", b"abcd", FINAL_TEXT | COMPRESSED) == b"\xc1\x80abcd"


@given(st.lists(st.integers(0, 70_000), max_size=4), st.integers(0, 12))
def test_frames_are_split_and_incomplete_ones_are_kept(sizes: list[int], cut: int) -> None:
    stream = b"".join(server_frame(b"x" * size) for size in sizes)
    frames, rest = split_frames(stream)
    assert [(first, len(payload)) for first, payload in frames] == [(FINAL_TEXT, size) for size in sizes]
    assert rest == b""
    shorter = stream[: max(len(stream) - cut, 0)]
    whole, begun = split_frames(shorter)
    assert b"".join(server_frame(payload) for _, payload in whole) + begun == shorter
    assert split_frames(begun + stream[len(shorter) :])[0] == frames[len(whole) :]


def test_a_masked_frame_from_a_server_is_refused() -> None:
    with pytest.raises(ValueError, match="masked"):
        split_frames(client_frame(b"text", b"abcd"))
