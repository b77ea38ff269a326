from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emmett.channels.brokers.nats.subjects import MAX_NAME_LENGTH, Subjects, decode_part, encode_part

SUBJECTS = Subjects("emmett")
NAMES = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="*"), min_size=1, max_size=40)


@given(NAMES)
def test_each_name_has_a_subject_of_its_own(name: str) -> None:
    subject = SUBJECTS.live(name)
    assert SUBJECTS.channel(subject) == name
    tokens = subject.split(".")
    assert all(tokens)
    assert not set(subject) & set("*> \t\r\n")
    assert len(tokens) == 3 + name.count(":")


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("room", "emmett.c.room"),
        ("room:1", "emmett.c.room.1"),
        ("room:eu:1", "emmett.c.room.eu.1"),
        ("room:", "emmett.c.room.="),
        ("room::1", "emmett.c.room.=.1"),
        ("a.b>", "emmett.c.a=2Eb=3E"),
        ("é=", "emmett.c.=C3=A9=3D"),
        ("room:*", "emmett.c.room.>"),
        ("room:a.b:*", "emmett.c.room.a=2Eb.>"),
    ],
)
def test_channels_and_patterns_have_subjects(name: str, subject: str) -> None:
    assert SUBJECTS.live(name) == subject


@pytest.mark.parametrize(
    "subject",
    [
        *("emmett.c.", "emmett.c..a", "emmett.h.a", "other.c.a", "emmett.c.a=", "emmett.c.a=2", "emmett.c.a=2e"),
        *("emmett.c.=41", "emmett.c.a=2A", "emmett.c.a=20b", "emmett.c.=FF", "emmett.c.é", "emmett.c." + "a" * 201),
    ],
)
def test_subjects_of_no_channel_are_refused(subject: str) -> None:
    with pytest.raises(ValueError, match=r"subject|decode"):
        SUBJECTS.channel(subject)


def test_parts_of_names_are_encoded() -> None:
    assert [encode_part(part) for part in ("", "a-b_C9", "a b")] == ["=", "a-b_C9", "a=20b"]
    assert decode_part("=") == ""


def test_each_namespace_has_a_stream() -> None:
    assert SUBJECTS.stream("room:1") == SUBJECTS.stream("room:eu:1") == "emmett-history-room"
    assert len({SUBJECTS.stream(name) for name in ("room", "room:1", ":1", "=:1", "=3D:1", "rooms:1")}) == 6
    long = {SUBJECTS.stream("é" * 90 + f"{number}:1") for number in range(3)}
    assert len(long) == 3
    assert all(len(name) <= MAX_NAME_LENGTH + 20 for name in long)


def test_each_member_has_its_own_key_whatever_its_name() -> None:
    members = ["", ".", "*", ">", "a", "A", "x" * 10_000, "\ud800", "é"]
    keys = {SUBJECTS.member("room:1", member) for member in members}
    assert len(keys) == len(members)
    assert all(key.startswith("$KV.emmett-presence.room.1.@") for key in keys)
    assert SUBJECTS.members("room:1") == "$KV.emmett-presence.room.1.*"


def test_prefixes_do_not_mix() -> None:
    odd = Subjects("my.app:1")
    assert odd.live("a") == "my=2Eapp=3A1.c.a"
    assert odd.bucket == "my_2Eapp_3A1-presence"
