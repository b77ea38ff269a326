from __future__ import annotations

import pytest

from emmett.schema import DescribedCalls, DescribedPath
from emmett.schema.clients.naming import Identifiers, class_name


def test_each_identifier_is_unique() -> None:
    identifiers = Identifiers({"class"})
    names = ["add", "add", "class", "chat.say", "chat_say", "2nd", "ü", ""]
    assert [identifiers.add(name) for name in names] == [
        *("add", "add_", "class_", "chat_say", "chat_say_", "_2nd", "_", "__"),
    ]


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("calls", "/api", "Api"),
        ("calls", "/v1/chat-room", "V1ChatRoom"),
        ("calls", "/rooms/{room}", "Rooms"),
        ("calls", "/{room}", "Calls"),
        ("board", "/api", "Board"),
        ("chat.calls", "/chat/api", "ChatApi"),
        ("chat.calls", "/", "ChatCalls"),
        ("chat.back_stage", "/", "ChatBackStage"),
    ],
)
def test_a_client_has_the_name_of_its_route_or_path(name: str, path: str, expected: str) -> None:
    calls = DescribedCalls(name=name, paths=(DescribedPath(template=path),), methods=(), emitted=())
    assert class_name(calls) == expected
