from __future__ import annotations

import dataclasses
import datetime
import enum
import inspect
from typing import Annotated, Any

import msgspec
import pydantic
import pytest

from emmett.typed.parameters import make_parameter
from emmett.typed.queries import QueryReader, query_fields

NOTHING: Any = inspect.Parameter.empty


class Colour(enum.Enum):
    RED = "red"


class Page(msgspec.Struct):
    number: Annotated[int, msgspec.Meta(ge=1)] = 1
    tags: list[str] = []


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    a: int


@dataclasses.dataclass
class Point:
    x: float
    y: float


class Model(pydantic.BaseModel):
    size: int
    names: list[str] = []


def reader(default: Any = NOTHING, **types: Any) -> QueryReader:
    return QueryReader([make_parameter(name, type_, default, "f") for name, type_ in types.items()])


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (int, "5", 5),
        (int | None, "5", 5),
        (bool, "true", True),
        (str, "nan", "nan"),
        (str, "", ""),
        (float, "1.5", 1.5),
        (Colour, "red", Colour.RED),
        (datetime.date, "2024-02-29", datetime.date(2024, 2, 29)),
        (list[int], "5", [5]),
        (list[int], ["5", "6"], [5, 6]),
        (set[str], ["a", "a"], {"a"}),
    ],
)
def test_scalars_and_lists_are_read(type_: Any, text: Any, value: Any) -> None:
    assert reader(it=type_).read({"it": text, "other": "x"}) == ({"it": value}, [])


@pytest.mark.parametrize(
    ("type_", "text", "faults"),
    [
        (int, "x", [(("it",), "Expected `int`, got `str`")]),
        (int, "", [(("it",), "Expected `int`, got `str`")]),
        (int, ["1", "2"], [(("it",), "is given 2 times")]),
        (str, ["1", "2"], [(("it",), "is given 2 times")]),
        (Colour, "green", [(("it",), "Invalid enum value 'green'")]),
        (
            list[int],
            ["1", "x", "y"],
            [(("it", 1), "Expected `int`, got `str`"), (("it", 2), "Expected `int`, got `str`")],
        ),
        # float() reads these, but they are not valid numbers in JSON.
        (float, "NaN", [(("it",), "is not a finite number")]),
        (float | None, "-inf", [(("it",), "is not a finite number")]),
        (list[float], ["1", "infinity"], [(("it",), "is not a finite number")]),
    ],
)
def test_faults_are_reported(type_: Any, text: Any, faults: Any) -> None:
    assert reader(it=type_).read({"it": text}) == ({}, faults)


def test_all_faults_are_found_and_defaults_are_left_to_the_function() -> None:
    assert reader(a=int, b=int).read({"b": "x"}) == (
        {},
        [(("a",), "is missing"), (("b",), "Expected `int`, got `str`")],
    )
    assert reader(default=3, a=int).read({}) == ({}, [])


def test_variables_given_by_the_path_are_not_read() -> None:
    assert reader(a=int, b=int).read({"a": "x", "b": "1"}, {"a"}) == ({"b": 1}, [])


@pytest.mark.parametrize(
    ("type_", "query", "value"),
    [
        (Page, {"number": "2", "tags": "a", "utm": "x"}, Page(2, ["a"])),
        (Page, {}, Page()),
        (Point, {"x": "1", "y": "2.5"}, Point(1, 2.5)),
        (Model, {"size": "3", "names": "a"}, Model(size=3, names=["a"])),
    ],
)
def test_objects_are_read(type_: Any, query: dict[str, Any], value: Any) -> None:
    assert reader(it=type_).read(query) == ({"it": value}, [])


@pytest.mark.parametrize(
    ("type_", "query", "faults"),
    [
        (Page, {"number": "0"}, [(("number",), "Expected `int` >= 1")]),
        (Page, {"number": ["1", "2"]}, [(("number",), "is given 2 times")]),
        (Point, {"x": "nan"}, [(("x",), "is not a finite number"), (("y",), "is missing")]),
        (
            Point,
            {"x": "a", "y": "b"},
            [(("x",), "Expected `float`, got `str`"), (("y",), "Expected `float`, got `str`")],
        ),
        (Strict, {"a": "1", "b": "2"}, [(("b",), "is unknown")]),
    ],
)
def test_faults_of_objects_are_reported(type_: Any, query: dict[str, Any], faults: Any) -> None:
    assert reader(it=type_).read(query) == ({}, faults)


def test_faults_of_models_are_reported() -> None:
    values, faults = reader(it=Model).read({"size": "x"})
    assert (values, [fault.path for fault in faults]) == ({}, [("size",)])


def test_an_object_does_not_contain_the_variables_of_other_parameters() -> None:
    assert reader(it=Strict, page=int).read({"a": "1", "page": "2"}) == ({"it": Strict(1), "page": 2}, [])


def test_an_object_with_a_default_may_be_missing() -> None:
    assert reader(default=None, it=Point).read({"other": "1"}) == ({}, [])
    assert reader(default=None, it=Point).read({"x": "1"}) == ({}, [(("y",), "is missing")])


def test_the_variables_of_a_parameter_are_listed() -> None:
    assert [each[:3] for each in query_fields(make_parameter("page", Page, None, "f"))] == [
        ("number", Annotated[int, msgspec.Meta(ge=1)], False),
        ("tags", list[str], False),
    ]
    assert query_fields(make_parameter("n", int, 3, "f")) == [("n", int, False, 3)]
    # A default makes all members optional.
    assert [each.is_required for each in query_fields(make_parameter("it", Point, None, "f"))] == [False, False]
