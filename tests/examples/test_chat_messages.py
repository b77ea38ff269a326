"""The messages of the chat: texts, names, rooms, and how fast they may come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels.names import check_channel
from examples.chat.messages import BURST, MAX_NAME, RATE, Bucket, Refused, Said, tidy_name, tidy_text
from examples.chat.rooms import MAX_ROOM, tidy_room


@given(st.text())
def test_a_name_is_one_line_that_is_seen(text: str) -> None:
    name = tidy_name(text)
    assert len(name) <= MAX_NAME
    assert name.isprintable()
    assert tidy_name(name) == name


@given(st.text())
def test_a_room_can_stand_in_an_address_and_be_a_channel(text: str) -> None:
    name = tidy_room(text)
    assert len(name) <= MAX_ROOM
    assert tidy_room(name) == name
    if name:
        check_channel(f"room:{name}")
        assert not set(name) & set("/?#%:* ")


@pytest.mark.parametrize("value", [None, 3, ["tea"]])
def test_what_is_no_text(value: object) -> None:
    assert tidy_name(value) == tidy_room(value) == ""


def test_a_text_keeps_its_lines_and_its_emoji() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert tidy_text(f" one\r\n\ttwo \u202e{family}\0 ") == f"one\ntwo {family}"


def test_a_bucket_fills_with_time() -> None:
    now, said = 0.0, Said("number-1", "text")
    bucket = Bucket(lambda: now)
    for _ in range(int(BURST)):
        bucket.take(said)
    with pytest.raises(Refused, match="too fast"):
        bucket.take(said)
    now += 1 / RATE
    bucket.take(said)
    with pytest.raises(Refused):
        bucket.take(said)
    now += 3600
    for _ in range(int(BURST)):
        bucket.take(said)
    with pytest.raises(Refused):
        bucket.take(said)
