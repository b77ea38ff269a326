from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from emmett.centrifuge.codec import JSON, UnreadableFrame, json_data
from emmett.centrifuge.codes import CommandFailed
from emmett.centrifuge.messages import NOTHING, ClientReply, ErrorInfo, SubscribeResult


def test_zero_values_are_left_out() -> None:
    replies = [
        ClientReply(id=1, subscribe=SubscribeResult()),
        ClientReply(id=2, error=ErrorInfo(code=100, message="m", temporary=True)),
        ClientReply(),
    ]
    assert JSON.encode(replies).split("\n") == [
        '{"id":1,"subscribe":{}}',
        '{"id":2,"error":{"code":100,"message":"m","temporary":true}}',
        "{}",
    ]


@pytest.mark.parametrize("frame", ["", "\n", " \n\n"])
def test_a_frame_may_have_no_commands(frame: str) -> None:
    assert list(JSON.decode(frame)) == []


@pytest.mark.parametrize("frame", ["x", "[1]", "1", '{"id":"1"}', '{"id":4294967296}', b"\xff", "[" * 100_000])
def test_an_unreadable_frame_is_refused(frame: str | bytes) -> None:
    with pytest.raises(UnreadableFrame):
        JSON.decode(frame)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('{\n"a": [1,\n2]}', '{ "a": [1, 2]}'),
        (b"[1]", "[1]"),
        ("good night", '"good night"'),
        ("", '""'),
        ("42", "42"),
        ("1 2", '"1 2"'),
        (b"\xff\x00", '"/wA="'),
        (b'"\xff"', '"Iv8i"'),
    ],
)
def test_data_is_embedded_in_a_message(data: str | bytes, expected: str) -> None:
    assert bytes(JSON.wrap(data)).decode() == expected


@given(st.text() | st.binary())
def test_any_data_becomes_one_line_of_json(data: str | bytes) -> None:
    found = bytes(JSON.wrap(data)).decode()
    json.loads(found)
    assert "\n" not in found


def test_data_of_a_client_is_required() -> None:
    assert JSON.unwrap(Raw(b'{"a": 1}')) == '{"a": 1}'
    with pytest.raises(CommandFailed, match="bad request"):
        JSON.unwrap(NOTHING)


def test_data_of_the_application_is_encoded() -> None:
    assert json_data(None) == NOTHING
    assert json_data({"a": None}) == Raw(b'{"a":null}')
    with pytest.raises(TypeError):
        json_data(object())
