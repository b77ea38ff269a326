"""Messages between nodes: they survive encoding, and nothing else is accepted as one."""

from __future__ import annotations

import msgspec
import pytest

from emmett.errors import UsageError
from emmett.inspector.answers import Done, InspectedNode, TailedMessage, TailNews
from emmett.inspector.letters import (
    TO_ASKER,
    AnswerLetter,
    Hello,
    Inquiry,
    Letter,
    News,
    read_answer,
    read_letter,
    split_connection,
    write_letter,
)
from emmett.inspector.questions import AskClose, AskOverview

NODE = InspectedNode("1f3a5c7e", "host", 4711)


@pytest.mark.parametrize(
    "letter",
    [
        Hello(NODE, is_new=True),
        Inquiry("id", f"{TO_ASKER}x", "", 2.0, AskClose(7, 4000, "bye")),
        AnswerLetter("id", NODE, [NODE], answer=msgspec.Raw(b'{"text":"done"}')),
        News(TailNews("tail", [TailedMessage(1.5, "sent", "text", 5, "hello")], 3)),
    ],
)
def test_messages_survive_encoding(letter: Letter) -> None:
    assert read_letter(write_letter(letter)) == letter


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"type":"hello"}',
        '{"type":"unknown"}',
        b"\xff",
        '{"type":"hello","node":{"id":1,"host":"h","pid":1}}',
        # No message can make a node publish to a channel of the application.
        '{"type":"inquiry","id":"i","reply":"room:1","node":"","seconds":1,"question":{"ask":"overview"}}',
        f'{{"type":"inquiry","id":"i","reply":"{TO_ASKER}x","node":"","seconds":1,"question":{{"ask":"reboot"}}}}',
    ],
)
def test_invalid_messages_are_refused(text: str | bytes) -> None:
    assert read_letter(text) is None


def test_answers_are_read_into_the_type_of_the_question() -> None:
    assert read_answer(AskClose(1), msgspec.Raw(b'{"text":"closing"}')) == Done("closing")
    assert read_answer(AskOverview(), msgspec.Raw(b'{"text":"closing"}')) is None


def test_the_id_of_a_connection_is_parsed() -> None:
    assert split_connection("1f3a5c7e-17") == ("1f3a5c7e", 17)
    assert split_connection("with-dash-17") == ("with-dash", 17)
    with pytest.raises(UsageError, match="expected an ID"):
        split_connection("17")
