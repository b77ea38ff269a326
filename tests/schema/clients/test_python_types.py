from __future__ import annotations

import ast
from typing import Any

import pytest

from emmett.schema import DescribedParameter
from emmett.schema.clients.naming import Identifiers
from emmett.schema.clients.python_types import KEYWORDS, PythonTypes, docstring

NULL = {"type": "null"}
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def types(*others: Any, **schemas: Any) -> PythonTypes:
    return PythonTypes(schemas, others, Identifiers(KEYWORDS))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "Any"),
        (None, "Any"),
        (TEXT, "str"),
        ({"type": "string", "format": "date-time"}, "datetime.datetime"),
        ({"type": "string", "format": "uuid"}, "UUID"),
        ({"type": "string", "format": "decimal"}, "Decimal"),
        ({"type": "string", "contentEncoding": "base64"}, "bytes"),
        (NUMBER, "int"),
        (NULL, "None"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"anyOf": [NUMBER, {"type": "number"}, NULL]}, "int | float | None"),
        ({"const": 'a"b'}, 'Literal["a\\"b"]'),
        ({"enum": ["a", 1]}, 'Literal["a", 1]'),
        ({"type": "array"}, "list[Any]"),
        ({"type": "array", "items": TEXT}, "list[str]"),
        ({"type": "array", "prefixItems": [NUMBER, TEXT], "items": False}, "tuple[int, str]"),
        ({"type": "array", "prefixItems": [NUMBER], "items": TEXT}, "list[Any]"),
        ({"type": "object", "additionalProperties": NUMBER}, "dict[str, int]"),
        ({"allOf": [TEXT]}, "str"),
        # Two types of text, and two arrays, cannot be distinguished.
        ({"anyOf": [TEXT, {"type": "string", "format": "uuid"}]}, "Any"),
        ({"anyOf": [TEXT, {"const": "a"}]}, "Any"),
        ({"anyOf": [{"type": "array"}, {"type": "array", "items": TEXT}]}, "Any"),
    ],
)
def test_types_are_written_in_python(schema: Any, expected: str) -> None:
    assert types().of(schema) == expected


def test_structs_are_generated() -> None:
    say = {
        "type": "object",
        "description": "Something to say.",
        "properties": {
            "text": TEXT,
            "from": TEXT,
            "colour": {**ref("Colour"), "default": "red"},
            "tags": {"type": "array", "default": []},
            "on": {"type": "string", "format": "date", "default": "2026-01-02"},
            "ratio": {"type": "number", "default": 1},
            "kind": {"const": "say"},
        },
        "required": ["text", "from", "kind"],
    }
    assert types(Say=say, Colour={"enum": ["red"]}).declarations == [
        '''\
class Say(msgspec.Struct, kw_only=True):
    """Something to say."""

    text: str
    from_: str = msgspec.field(name="from")
    colour: Colour = "red"
    tags: list[Any] | UnsetType = UNSET
    on: datetime.date | UnsetType = UNSET
    ratio: float = 1
    kind: Literal["say"] = "say"''',
        'Colour: TypeAlias = Literal["red"]',
    ]


def test_unions_of_tagged_structs_are_generated() -> None:
    shapes = {
        name: {
            "type": "object",
            "properties": {"kind": {"enum": [name.lower()]}, "size": NUMBER},
            "required": ["kind", "size"],
        }
        for name in ("Circle", "Line")
    }
    members = [ref(name) for name in shapes]
    untagged = types(**shapes)
    assert untagged.of({"anyOf": members}) == "Any"
    mapping = {name.lower(): ref(name)["$ref"] for name in shapes}
    union = {"anyOf": members, "discriminator": {"propertyName": "kind", "mapping": mapping}}
    tagged = types(union, **shapes)
    assert tagged.of(union) == "Circle | Line"
    assert (
        tagged.declarations[0]
        == 'class Circle(msgspec.Struct, kw_only=True, tag_field="kind", tag="circle"):\n    size: int'
    )


def test_aliases_come_after_the_types_that_they_use() -> None:
    found = types(
        Any1={"anyOf": [ref("Text"), NULL]}, Text={"type": "string"}, Loop={"type": "array", "items": ref("Loop")}
    )
    assert found.declarations == [
        "Text: TypeAlias = str",
        "Any1: TypeAlias = Text | None",
        "Loop: TypeAlias = list[Any]",
    ]


@pytest.mark.parametrize(
    ("schema", "is_required", "expected"),
    [
        (NUMBER, True, ("int", False)),
        ({**NUMBER, "default": 0}, False, ("int = 0", False)),
        ({"anyOf": [TEXT, NULL], "default": None}, False, ("str | None = None", False)),
        ({"type": "array"}, False, ("list[Any] | UnsetType = UNSET", True)),
        (
            {"type": "string", "format": "date", "default": "2026-01-02"},
            False,
            ("datetime.date | UnsetType = UNSET", True),
        ),
        ({}, False, ("Any = UNSET", True)),
    ],
)
def test_arguments_are_generated(schema: Any, is_required: bool, expected: tuple[str, bool]) -> None:
    parameter = DescribedParameter(name="a", schema=schema, is_required=is_required)
    assert types().argument(parameter) == expected


@pytest.mark.parametrize(
    "text", ["One line.", "Two.\n\nLines:\n    more.", 'ends with "', '""" inside', "C:\\new", "trailing \\"]
)
def test_docstrings_are_copied(text: str) -> None:
    code = f"def f():\n    {docstring(text, '    ')}"
    function = ast.parse(code).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert ast.get_docstring(function) == text
