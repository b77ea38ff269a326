from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels.brokers.nats.format import At, pack, payload_size, read_at, read_time, unpack
from emmett.channels.publication import Position


def head(value: str) -> bytes:
    return b"NATS/1.0\r\nNats-TTL: 5s\r\nEmmett-At: %b\r\n\r\n" % value.encode()


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=10))
def test_packed_publications_can_be_unpacked(payloads: list[bytes]) -> None:
    at = At("e1", 7, len(payloads), 1000, 60)
    assert read_at(head(str(at))) == at
    entries = unpack(at, pack(payloads))
    assert payload_size(at, pack(payloads)) == sum(map(len, payloads))
    assert [entry.payload for entry in entries] == payloads
    assert [entry.position for entry in entries] == [Position("e1", 7 + number) for number in range(len(payloads))]
    assert at.top == 6 + len(payloads)


def test_a_mark_contains_no_publications() -> None:
    at = At("e1", 7, 0, 1000, 60)
    assert unpack(at, b"") == []
    assert at.top == 7
    assert read_at(head("e1:0:0:1:1")) == At("e1", 0, 0, 1, 1)


def test_a_message_without_the_field_has_no_position() -> None:
    assert read_at(b"NATS/1.0\r\nOther: 1\r\n\r\n") is None
    assert read_at(b"") is None


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            ":",
            "e",
            "e:1",
            "e:1:1:1",
            "e:0:1:1:1",
            "e:-1:1:1:1",
            "e:1:1:1:1:1",
            "e:01:1:1:1",
            "e:1:1:0:1",
            " :1:1:1:1",
        ),
        *(
            "é:1:1:1:1",
            "e f:1:1:1:1",
            "e:1:10000:1:1",
            "e:9999999999999999999:1:1:1",
            "e" * 79 + ":1:1:1:1",
            "e:١:1:1:1",
        ),
    ],
)
def test_invalid_fields_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="a publication at"):
        read_at(head(value))


@given(st.binary(max_size=60), st.integers(0, 9))
def test_invalid_bytes_are_refused(data: bytes, size: int) -> None:
    try:
        entries = unpack(At("e", 1, size, 1, 1), data)
    except ValueError:
        return
    assert len(entries) == size
    assert size == 1 or pack([entry.payload for entry in entries]) == data


def test_times_of_the_server_are_read() -> None:
    assert read_time("1970-01-01T00:00:01.5Z") == 1.5
    assert read_time("1970-01-01T00:01:00.123456789Z") == 60.123456
    assert read_time("1970-01-01T00:00:00Z") == 0
    for text in ("", "now", "1970-13-01T00:00:00Z"):
        with pytest.raises(ValueError, match=r"Invalid isoformat|month"):
            read_time(text)
