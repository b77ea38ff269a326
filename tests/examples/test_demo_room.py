"""The room of the demo, without a connection."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from examples.demo import app as demo
from examples.demo.app import Member, Rename, Room, Say, TooSlow, Typing, parse, tidy


async def told(member: Member, count: int) -> list[dict[str, Any]]:
    """Take the queued messages of a member."""
    return [msgspec.json.decode(await member.next()) for _ in range(count)]


async def test_a_newcomer_gets_the_members_and_the_latest_messages() -> None:
    room = Room()
    ada = room.join("Ada")
    room.take(ada, Say("Hello"))
    bob = room.join("Bob")

    [welcome] = await told(bob, 1)

    assert welcome["type"] == "welcome"
    assert welcome["you"] == bob.person.id
    assert [person["name"] for person in welcome["people"]] == ["Ada", "Bob"]
    assert [(said["name"], said["text"]) for said in welcome["history"]] == [("Ada", "Hello")]


async def test_every_member_gets_all_events_of_the_others() -> None:
    room = Room()
    ada, bob = room.join("Ada"), room.join("Bob")
    room.take(bob, Typing(True))
    room.take(bob, Say("  Hello "))
    room.take(bob, Rename("Robert"))
    room.leave(bob)

    welcome, joined, typing, said, changed, left = await told(ada, 6)

    assert [person["name"] for person in welcome["people"]] == ["Ada"]
    assert joined == {"type": "joined", "person": {"id": bob.person.id, "name": "Bob", "typing": False}}
    assert typing == {"type": "changed", "person": {"id": bob.person.id, "name": "Bob", "typing": True}}
    assert {**said, "at": 0} == {"type": "said", "id": bob.person.id, "name": "Bob", "text": "Hello", "at": 0}
    assert changed == {"type": "changed", "person": {"id": bob.person.id, "name": "Robert", "typing": False}}
    assert left["type"] == "left"
    assert list(room.members) == [ada.person.id]


async def test_changes_without_effect_are_not_sent() -> None:
    room = Room()
    ada = room.join("Ada")
    for message in (Say("   "), Typing(False), Rename("Ada"), Rename(" \n ")):
        room.take(ada, message)
    room.take(ada, Say("Now"))

    _, said = await told(ada, 2)

    assert said["text"] == "Now"
    assert len(room.history) == 1


async def test_a_slow_member_is_dropped_and_the_others_get_everything() -> None:
    room = Room()
    slow, quick = room.join("Slow"), room.join("Quick")
    await told(quick, 1)
    # "welcome" and "joined" are already queued for the slow member.
    for number in range(demo.MAX_WAITING - 2):
        room.take(quick, Say(str(number)))
        assert [said["text"] for said in await told(quick, 1)] == [str(number)]
    assert slow.person.id in room.members

    room.take(quick, Say("one too many"))
    said, left = await told(quick, 2)

    assert said["text"] == "one too many"
    assert left == {"type": "left", "person": {"id": slow.person.id, "name": "Slow", "typing": False}}
    assert list(room.members) == [quick.person.id]
    with pytest.raises(TooSlow):
        await slow.next()


async def test_messages_of_a_dropped_member_are_ignored() -> None:
    room = Room()
    gone, ada = room.join("Gone"), room.join("Ada")
    room.leave(gone)
    room.take(gone, Say("Still here"))
    room.leave(gone)

    _, left = await told(ada, 2)

    assert left["type"] == "left"
    room.take(ada, Say("Alone"))
    assert [said["text"] for said in await told(ada, 1)] == ["Alone"]


async def test_all_members_are_dropped_if_all_are_too_slow() -> None:
    room = Room()
    members = [room.join(str(number)) for number in range(3)]
    for _ in range(demo.MAX_WAITING + 1):
        room.tell(demo.Left(members[0].person))

    assert room.members == {}
    for member in members:
        with pytest.raises(TooSlow):
            await member.next()


async def test_the_room_keeps_only_the_latest_messages() -> None:
    room = Room()
    ada = room.join("Ada")
    for number in range(demo.MAX_HISTORY + 5):
        room.take(ada, Say(str(number)))

    [welcome] = await told(room.join("Bob"), 1)

    assert [said["text"] for said in welcome["history"]] == [str(number) for number in range(5, demo.MAX_HISTORY + 5)]


async def test_a_full_room_refuses_members_until_one_leaves() -> None:
    room = Room()
    members = [room.join(None) for _ in range(demo.MAX_PEOPLE - 1)]
    states = [room.full]
    members.append(room.join(None))
    states.append(room.full)
    room.leave(members[0])
    states.append(room.full)

    assert states == [False, True, False]


async def test_a_member_without_a_name_gets_one() -> None:
    room = Room()
    for name in (None, "", " \t", "\u202e\u200b", ["two", "names"]):
        member = room.join(name)
        assert member.person.name == f"Guest {member.person.id}"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Ada\nLovelace", "Ada Lovelace"),
        ("evil\u202egnp", "evil gnp"),
        ("Ünï", "Ünï"),
        ("x" * 100, "x" * demo.MAX_NAME),
        ("x" * (demo.MAX_NAME - 1) + " y", "x" * (demo.MAX_NAME - 1)),
    ],
)
def test_a_name_is_one_short_line(name: str, expected: str) -> None:
    assert tidy(name) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"type":"say","text":"Hi"}', Say("Hi")),
        ('{"type":"typing","on":true}', Typing(True)),
        ('{"type":"rename","name":"Ada"}', Rename("Ada")),
    ],
)
def test_messages_of_a_member_are_read(text: str, expected: object) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        b"\xff\xfe",
        '{"text":"Hi"}',
        '{"type":"shout","text":"Hi"}',
        '{"type":"say","text":1}',
        '{"type":"say","text":"' + "x" * (demo.MAX_TEXT + 1) + '"}',
        '{"type":"rename","name":"' + "x" * (demo.MAX_NAME + 1) + '"}',
        '{"type":"typing","on":"yes"}',
    ],
)
def test_invalid_messages_are_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)
