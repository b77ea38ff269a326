from __future__ import annotations

import pytest

from emmett.engine.header import FIN, OP_BINARY, OP_TEXT, encode_header


@pytest.mark.parametrize(
    ("length", "header"),
    [
        (0, b"\x82\x00"),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65_535, b"\x82\x7e\xff\xff"),
        (65_536, b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
    ],
)
def test_a_length_is_written_in_its_shortest_form(length: int, header: bytes) -> None:
    assert encode_header(OP_BINARY, length) == header
    assert encode_header(OP_TEXT, length) == bytes((FIN | OP_TEXT,)) + header[1:]
