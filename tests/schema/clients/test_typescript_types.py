from __future__ import annotations

from typing import Any

import pytest

from emmett.schema import DescribedParameter
from emmett.schema.clients.naming import Identifiers
from emmett.schema.clients.typescript_types import RESERVED, TypeScriptTypes, comment

NULL = {"type": "null"}
TEXT = {"type": "string"}
NUMBER = {"type": "integer"}


def types(**schemas: Any) -> TypeScriptTypes:
    return TypeScriptTypes(schemas, Identifiers(RESERVED))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({}, "unknown"),
        (None, "unknown"),
        (TEXT, "string"),
        ({"type": "string", "format": "date-time"}, "string"),
        (NUMBER, "number"),
        ({"type": "boolean"}, "boolean"),
        (NULL, "null"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"anyOf": [NUMBER, {"type": "number"}, NULL]}, "number | null"),
        ({"oneOf": [TEXT, NUMBER]}, "string | number"),
        ({"allOf": [{"anyOf": [TEXT, NULL]}, NUMBER]}, "(string | null) & number"),
        ({"const": "a"}, '"a"'),
        ({"enum": ["a", 1, None, True]}, '"a" | 1 | null | true'),
        ({"type": "array"}, "unknown[]"),
        ({"type": "array", "items": {"anyOf": [TEXT, NULL]}}, "(string | null)[]"),
        ({"type": "array", "prefixItems": [NUMBER, TEXT], "items": False}, "[number, string]"),
        ({"type": "array", "prefixItems": [NUMBER], "minItems": 1, "maxItems": 1}, "[number]"),
        ({"type": "array", "prefixItems": [NUMBER], "items": TEXT}, "[number, ...string[]]"),
        ({"type": "object"}, "Record<string, unknown>"),
        ({"type": "object", "additionalProperties": NUMBER}, "Record<string, number>"),
        (
            {"type": "object", "properties": {"a": NUMBER, "b-c": TEXT}, "required": ["a"]},
            '{ a: number; "b-c"?: string }',
        ),
    ],
)
def test_types_are_written_in_typescript(schema: Any, expected: str) -> None:
    assert types().of(schema) == expected


def test_named_types_are_declared() -> None:
    say = {
        "type": "object",
        "description": "Something to say.",
        "properties": {
            "text": {**TEXT, "description": "What.\nIs said."},
            "colour": {"$ref": "#/components/schemas/Colour"},
        },
        "required": ["text"],
    }
    assert types(Colour={"enum": ["red"]}, Say=say).declarations() == [
        'export type Colour = "red";',
        """\
/** Something to say. */
export interface Say {
  /**
   * What.
   * Is said.
   */
  text: string;
  colour?: Colour;
}""",
    ]


def test_a_reserved_name_is_changed() -> None:
    found = types(Error={"enum": ["a"]}, Promise={"enum": ["b"]}, **{"list[int]": {"type": "array"}})
    names = [line.split(" ")[2] for line in found.declarations()]
    assert names == ["Error_", "Promise_", "list_int_"]
    assert found.of({"anyOf": [{"$ref": "#/components/schemas/Error"}, NULL]}) == "Error_ | null"


def test_parameters_are_generated() -> None:
    parameters = [
        DescribedParameter(name="a", schema=NUMBER),
        DescribedParameter(name="b", schema=TEXT, is_required=False),
    ]
    assert types().object_of(parameters) == "{ a: number; b?: string }"


def test_text_cannot_end_a_comment() -> None:
    assert comment("") == ""
    assert comment("a */ b", "  ") == "  /** a *\\/ b */\n"
