from __future__ import annotations

import dataclasses
from typing import Any, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from msgspec import UNSET

from emmett.typed.fields import ObjectField, all_fields, object_fields


class Struct(msgspec.Struct, rename={"b": "bee"}):
    a: int
    b: str = "x"
    c: list[int] = []


@dataclasses.dataclass
class Data:
    a: int
    b: str | None = None
    c: list[int] = dataclasses.field(default_factory=list)


class Typed(TypedDict):
    a: int
    b: NotRequired[str]


class Model(pydantic.BaseModel):
    a: int
    b: str = pydantic.Field("x", alias="bee")
    c: int = pydantic.Field(1, validation_alias="see", alias="sea")


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        (Struct, [("a", int, True, UNSET), ("bee", str, False, "x"), ("c", list[int], False, UNSET)]),
        (Data, [("a", int, True, UNSET), ("b", str | None, False, None), ("c", list[int], False, UNSET)]),
        (Typed, [("a", int, True, UNSET), ("b", str, False, UNSET)]),
        (Model, [("a", int, True, UNSET), ("bee", str, False, "x"), ("see", int, False, 1)]),
        (int, []),
    ],
    ids=str,
)
def test_the_fields_of_a_type_are_listed(type_: Any, fields: list[Any]) -> None:
    found = all_fields(type_)
    assert found == [ObjectField(*each) for each in fields]


def test_types_without_members_have_no_fields() -> None:
    assert object_fields(int) is None
    assert object_fields(list[int]) is None
