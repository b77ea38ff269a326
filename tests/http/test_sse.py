from __future__ import annotations

import dataclasses
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.errors import UsageError
from emmett.http.sse import Event, encode_comment, encode_event
from tests.http.event_source import Received, receive


@dataclasses.dataclass
class Point:
    x: int


class Place(msgspec.Struct):
    name: str


@pytest.mark.parametrize(
    ("event", "sent"),
    [
        ("hello", b"data: hello\n\n"),
        ("", b"data: \n\n"),
        (" two  blanks", b"data:  two  blanks\n\n"),
        ("a\nb\r\nc\rd", b"data: a\ndata: b\ndata: c\ndata: d\n\n"),
        ("\n", b"data: \ndata: \n\n"),
        ("é\u2028\x0b\x85", "data: é\u2028\x0b\x85\n\n".encode()),
        ({"a": [1, None]}, b'data: {"a":[1,null]}\n\n'),
        ([1, 2], b"data: [1,2]\n\n"),
        ({"text": "a\nb"}, b'data: {"text":"a\\nb"}\n\n'),
        (Point(1), b'data: {"x":1}\n\n'),
        (Place("here"), b'data: {"name":"here"}\n\n'),
        (5, b"data: 5\n\n"),
        (False, b"data: false\n\n"),
        (Event("hello"), b"data: hello\n\n"),
        (Event({"a": 1}, "news", "7", 2.5), b'event: news\nid: 7\nretry: 2500\ndata: {"a":1}\n\n'),
        (Event(id=""), b"id: \n\n"),
        (Event(retry=0), b"retry: 0\n"),
        (Event("", event="empty"), b"event: empty\ndata: \n\n"),
    ],
)
def test_events_are_encoded(event: object, sent: bytes) -> None:
    assert encode_event(event) == sent


@pytest.mark.parametrize("name", ["event", "id"])
@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\ndata: b", "a\0", 5, b"a"])
def test_a_field_with_a_line_break_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}=.*: expected a str without line ends or NUL"):
        Event("data", **{name: value})


@pytest.mark.parametrize("retry", [-1, -0.001, float("inf"), float("nan")])
def test_an_invalid_retry_is_refused(retry: float) -> None:
    with pytest.raises(ValueError, match=r"retry=.*: expected a number of seconds, 0 or more"):
        Event(retry=retry)


@pytest.mark.parametrize("data", [b"bytes", bytearray(b"x"), memoryview(b"x")])
def test_bytes_are_refused(data: object) -> None:
    for event in (data, Event(data)):
        with pytest.raises(UsageError, match=f"data of type {type(data).__name__}: allowed are str"):
            encode_event(event)


def test_data_that_json_cannot_express_is_refused_with_its_type() -> None:
    with pytest.raises(UsageError, match="JSON cannot represent this object"):
        encode_event(object())


def test_an_event_is_immutable() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Event("a").id = "b"  # type: ignore[misc]


@pytest.mark.parametrize(("text", "sent"), [("", b":\n"), ("alive", b": alive\n"), ("a\nb\r\n", b": a\n: b\n:\n")])
def test_comments_are_encoded(text: str, sent: bytes) -> None:
    assert encode_comment(text) == sent
    assert receive(sent) == []


_names = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"))
_texts = st.text(st.characters(codec="utf-8") | st.sampled_from("\r\n: \ufeff"))
_events = st.tuples(_texts, st.none() | _names, st.none() | _names)


@given(st.lists(_events))
def test_a_client_decodes_the_same_events(events: list[tuple[str, str | None, str | None]]) -> None:
    sent = b"".join(encode_event(Event(*event)) + encode_comment("between") for event in events)
    expected, last_id = [], ""
    for data, event, id in events:
        last_id = last_id if id is None else id
        lines = data.replace("\r\n", "\n").replace("\r", "\n")
        expected.append(Received(event or "message", lines, last_id))
    assert receive(sent) == expected


@given(st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _texts, st.lists))
def test_json_survives_encoding(value: object) -> None:
    (got,) = receive(encode_event([value]))
    assert json.loads(got.data) == [value]
