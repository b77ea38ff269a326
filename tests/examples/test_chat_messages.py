"""The messages of the chat: texts, names, rooms and rates."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.calls.limits import parse_rate
from emmett.channels import Publication
from emmett.channels.names import check_channel
from emmett.errors import CallError
from examples.chat.messages import MAX_NAME, MAX_TEXT, RATE, as_published, checked_text, tidy_name, tidy_text
from examples.chat.rooms import MAX_ROOM, tidy_room


@given(st.text())
def test_a_name_is_one_visible_line(text: str) -> None:
    name = tidy_name(text)
    assert len(name) <= MAX_NAME
    assert name.isprintable()
    assert tidy_name(name) == name


@given(st.text())
def test_a_room_can_be_part_of_a_url_and_of_a_channel(text: str) -> None:
    name = tidy_room(text)
    assert len(name) <= MAX_ROOM
    assert tidy_room(name) == name
    if name:
        check_channel(f"room:{name}")
        assert not set(name) & set("/?#%:* ")


@pytest.mark.parametrize("value", [None, 3, ["tea"]])
def test_invalid_texts_are_refused(value: object) -> None:
    assert tidy_name(value) == tidy_room(value) == ""


def test_a_text_keeps_its_lines_and_its_emoji() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert tidy_text(f" one\r\n\ttwo \u202e{family}\0 ") == f"one\ntwo {family}"


def test_the_rate_of_messages_is_limited() -> None:
    assert parse_rate(RATE) == (20, 4.0)


@pytest.mark.parametrize("text", ["", " \n", "\0", "x" * (MAX_TEXT + 1)])
def test_empty_and_long_texts_are_not_published(text: str) -> None:
    with pytest.raises(CallError) as raised:
        checked_text(text)
    assert raised.value.code == 422


def test_a_publication_becomes_an_event() -> None:
    event = json.loads(as_published(Publication("room:tea", '{"text":"hi"}')))
    assert (event["jsonrpc"], event["method"]) == ("2.0", "published")
    assert event["params"]["data"] == '{"text":"hi"}'
