from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest

from emmett.schema.json_schemas import build_schemas, map_schema
from tests.schema.applications import Cat, Dog, Person, Point, Say

REF = "#/components/schemas/"


def test_named_types_are_components_in_the_order_of_their_names() -> None:
    schemas, named = build_schemas([list[Say], Point, int])
    assert schemas == [{"type": "array", "items": {"$ref": f"{REF}Say"}}, {"$ref": f"{REF}Point"}, {"type": "integer"}]
    assert list(named) == ["Point", "Say"]
    assert named["Say"]["description"] == "Something to say."
    assert named["Point"]["required"] == ["x"]


@pytest.mark.parametrize(
    ("type_", "schema"),
    [
        (Any, {}),
        (object, {}),
        (type("Strange", (), {}), {}),
        (list[type("Strange", (), {})], {}),  # type: ignore[misc]
        (
            Annotated[int, msgspec.Meta(ge=1, description="A page.")],
            {"type": "integer", "minimum": 1, "description": "A page."},
        ),
        (datetime.date | None, {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
    ],
)
def test_a_type_has_a_schema(type_: Any, schema: Any) -> None:
    assert build_schemas([type_]) == ([schema], {})


def test_pydantic_models_have_the_schemas_of_pydantic() -> None:
    class Team(msgspec.Struct):
        leader: Person

    schemas, named = build_schemas([Team, Person])
    assert schemas[1] == {"$ref": f"{REF}Person"}
    assert named["Team"]["properties"]["leader"] == {"$ref": f"{REF}Person"}
    assert named["Person"]["properties"]["parent"]["anyOf"][0] == {"$ref": f"{REF}Person"}
    assert named["Person"]["description"] == "Somebody."


class Named(pydantic.BaseModel):
    inner: Person


class Outer(pydantic.BaseModel):
    named: Named


def test_a_model_and_a_struct_with_the_same_name_are_two_schemas() -> None:
    other = msgspec.defstruct("Named", [("number", int)])
    schemas, named = build_schemas([Named, other, Outer])
    assert schemas == [{"$ref": f"{REF}Named_2"}, {"$ref": f"{REF}Named"}, {"$ref": f"{REF}Outer"}]
    assert named["Outer"]["properties"]["named"] == {"$ref": f"{REF}Named_2"}
    assert list(named["Named"]["properties"]) == ["number"]


class Account(pydantic.BaseModel):
    name: str = "nobody"

    @pydantic.computed_field
    def initial(self) -> str:
        return self.name[:1]


class Accounts(msgspec.Struct):
    first: Account


def test_a_model_may_have_different_schemas_for_input_and_output() -> None:
    schemas, named = build_schemas([Account, list[Account], int], {1})
    assert schemas[:2] == [
        {"$ref": f"{REF}Account-Input"},
        {"type": "array", "items": {"$ref": f"{REF}Account-Output"}},
    ]
    assert list(named["Account-Input"]["properties"]) == ["name"]
    assert named["Account-Output"]["required"] == ["initial"]


@pytest.mark.parametrize(("sent", "members"), [({0}, ["name", "initial"]), (set(), ["name"])])
def test_a_model_used_in_one_direction_keeps_its_name(sent: set[int], members: list[str]) -> None:
    schemas, named = build_schemas([Accounts], sent)
    assert schemas == [{"$ref": f"{REF}Accounts"}]
    assert named["Accounts"]["properties"] == {"first": {"$ref": f"{REF}Account"}}
    assert list(named["Account"]["properties"]) == members


def test_a_struct_with_a_model_used_in_both_directions_is_described_as_input() -> None:
    schemas, named = build_schemas([Accounts, Accounts], {1})
    assert schemas[0] == schemas[1]
    assert named["Accounts"]["properties"] == {"first": {"$ref": f"{REF}Account-Input"}}
    assert list(named) == ["Account-Input", "Accounts"]


class One(pydantic.BaseModel):
    kind: Literal["one"]


class Two(pydantic.BaseModel):
    kind: Literal["two"]


class Both(pydantic.BaseModel):
    each: Annotated[One | Two, pydantic.Field(discriminator="kind")]


def test_the_discriminator_of_models_refers_to_the_renamed_ones() -> None:
    _, named = build_schemas([msgspec.defstruct("One", [("x", int)]), Both])
    assert named["Both"]["properties"]["each"]["discriminator"]["mapping"] == {"one": f"{REF}One_2", "two": f"{REF}Two"}


def test_tagged_unions_have_a_discriminator() -> None:
    schemas, named = build_schemas([Cat | Dog])
    assert schemas[0]["discriminator"]["mapping"] == {"Cat": f"{REF}Cat", "Dog": f"{REF}Dog"}
    assert named["Cat"]["required"] == ["type", "name"]


def test_map_schema_visits_every_object() -> None:
    schema = {"a": [{"b": {}}], "c": 1}

    def mark(part: dict[str, Any]) -> dict[str, Any]:
        return {**part, "seen": True}

    assert map_schema(schema, mark) == {"a": [{"b": {"seen": True}, "seen": True}], "c": 1, "seen": True}
    assert schema == {"a": [{"b": {}}], "c": 1}
