import dataclasses
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
import pydantic
import pytest

from emmett.typed.faults import MAX_FAULTS, find_faults
from emmett.typed.fields import member_names


class Move(msgspec.Struct, tag="move"):
    x: int
    steps: list[int] = []


class Say(msgspec.Struct, tag="say", rename="camel"):
    chat_text: Annotated[str, msgspec.Meta(max_length=3)]


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    a: int = 0


@dataclasses.dataclass
class Person:
    name: str
    friends: list["Person"] = dataclasses.field(default_factory=list)
    age: int | None = None


class Typed(TypedDict):
    n: int
    o: NotRequired[str]


@pytest.mark.parametrize(
    ("value", "type_", "paths"),
    [
        (1, int, []),
        ("1", int, [()]),
        ({"type": "move", "x": "q", "steps": [1, "2", None]}, Move | Say, [("x",), ("steps", 1), ("steps", 2)]),
        ({"type": "say", "chatText": "long"}, Move | Say, [("chatText",)]),
        ({"type": "other"}, Move | Say, [()]),
        ({"a": 1, "b": 2, "c": 3}, Strict, [("b",), ("c",)]),
        ({"friends": [{"name": 1}, {}, {"name": "a", "age": "b"}]}, Person, [
            ("name",),
            ("friends", 0, "name"),
            ("friends", 1, "name"),
            ("friends", 2, "age"),
        ]),
        ({"name": "a", "age": None}, Person, []),
        ({"o": 1}, Typed, [("n",), ("o",)]),
        ({"k": {"n": "1"}}, dict[str, Typed], [("k", "n")]),
        ([1, "x"], tuple[int, int], [(1,)]),
        ([1], tuple[int, int], [()]),
        (["a", 1], tuple[str, ...], [(1,)]),
        ([1, 2, "x"], set[int], [(2,)]),
        ([1], list[int] | None, []),
        ("x", list[int] | None, [()]),
        ([], Move, [()]),
    ],
)  # fmt: skip
def test_faults_have_paths(value: Any, type_: Any, paths: list[tuple[str | int, ...]]) -> None:
    assert [fault.path for fault in find_faults(value, type_)] == paths


def test_faults_have_messages() -> None:
    messages = {fault.path: fault.message for fault in find_faults({"x": "q"}, Move)}
    assert messages == {("x",): "Expected `int`, got `str`"}
    assert [fault.message for fault in find_faults({}, Person)] == ["is missing"]
    assert [fault.message for fault in find_faults({"b": 1}, Strict)] == ["is unknown"]


def test_texts_of_a_query_are_read_as_numbers_if_requested() -> None:
    assert not find_faults({"n": "1"}, Typed, strict=False)
    assert find_faults({"n": "1"}, Typed)


def test_the_number_of_faults_is_limited() -> None:
    assert len(find_faults([None] * 1000, list[int])) == MAX_FAULTS


def test_members_have_the_names_of_the_data() -> None:
    class Model(pydantic.BaseModel):
        name: str
        age: int = pydantic.Field(alias="years")

    assert member_names(Say) == [field.encode_name for field in msgspec.structs.fields(Say)]
    assert member_names(Person) == [field.name for field in dataclasses.fields(Person)]
    assert member_names(Typed) == list(Typed.__annotations__)
    assert member_names(Model) == ["name", "years"]
    assert member_names(int) == []
