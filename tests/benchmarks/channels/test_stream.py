"""The streams of all subscribers of a process are compared byte for byte, and each publication is checked."""

from __future__ import annotations

import pytest

from benchmarks.channels.stream import Stream, WrongDelivery, publication
from benchmarks.frames import server_frame

SIZE = 64


def frame(publisher: int, number: int, sent: int = 7) -> bytes:
    return server_frame(publication(publisher, number, sent, SIZE))


def new_stream() -> tuple[Stream, list[int]]:
    heard: list[int] = []
    return Stream(2, heard.append), heard


def test_the_first_stream_is_parsed_and_the_others_are_compared_with_it() -> None:
    stream, heard = new_stream()
    data = frame(0, 0, 11) + frame(1, 0, 12) + frame(0, 1, 13)
    ends = [stream.take(0, data[:100])]
    ends.append(stream.take(100, data[100:]))
    assert ends == [100, len(data)]
    assert heard == [0, 1, 0]
    assert stream.sent == [11, 12, 13]
    assert stream.origins == [0, 1, 0]
    assert list(stream.counts) == [2, 1]
    # Another subscriber gets the same bytes in other pieces.
    assert stream.take(stream.take(0, data[:5]), data[5:]) == len(data)
    assert heard == [0, 1, 0]


def test_publications_are_counted_up_to_a_position() -> None:
    stream, _ = new_stream()
    data = frame(0, 0) + frame(0, 1)
    stream.take(0, data)
    half = len(data) // 2
    assert [stream.count_until(position) for position in (0, half - 1, half, len(data))] == [0, 0, 1, 2]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (frame(0, 0) + frame(0, 0), "number 0 of publisher 0 came again"),
        (frame(0, 1), "number 1 of publisher 0 came before number 0"),
        (frame(1, 0) + frame(1, 2), "number 2 of publisher 1 came before number 1"),
        (frame(2, 0), "nobody published"),
        (server_frame(b"hello"), "nobody published"),
        (b"\x88\x02\x03\xe8", "a frame began with byte 0x88"),
    ],
)
def test_repeated_missing_and_foreign_publications_are_found(data: bytes, complaint: str) -> None:
    stream, _ = new_stream()
    with pytest.raises(WrongDelivery, match=complaint):
        stream.take(0, data)


def test_all_subscribers_of_a_process_must_get_the_same_bytes() -> None:
    stream, _ = new_stream()
    stream.take(0, frame(0, 0) + frame(1, 0))
    with pytest.raises(WrongDelivery, match="from byte 0 on"):
        stream.take(0, frame(1, 0))
    with pytest.raises(WrongDelivery, match="from byte 0 on"):
        stream.take(0, frame(1, 0) + frame(0, 0) + frame(0, 1))


@pytest.mark.parametrize("size", [64, 125, 126, 200, 70_000])
def test_publications_may_have_any_size(size: int) -> None:
    stream, heard = new_stream()
    data = b"".join(server_frame(publication(1, number, 5, size)) for number in range(3))
    assert stream.take(0, data) == len(data)
    assert heard == [1, 1, 1]
    assert stream.ends[-1] == len(data)
