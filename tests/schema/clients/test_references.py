from __future__ import annotations

from emmett.schema import About, DescribedCalls, DescribedMessage, DescribedMethod, Description
from emmett.schema.clients.references import needed_schemas, referred_name, schemas_of
from emmett.schema.description import Schema
from emmett.schema.json_schemas import names_in


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_references_are_found() -> None:
    assert referred_name(ref("Say")) == "Say"
    assert referred_name({"type": "string"}) is None
    union = {"anyOf": [ref("A"), {"type": "array", "items": ref("B")}], "default": ref("C")}
    assert list(names_in(union)) == ["A", "B"]


def test_the_schemas_that_calls_need_are_found() -> None:
    method = DescribedMethod(name="m", kind="call", parameters=(), params=ref("Say"), result=ref("Tree"))
    calls = DescribedCalls(
        name="calls", paths=(), methods=(method,), emitted=(DescribedMessage(name="said", schema=ref("Said")),)
    )
    schemas: dict[str, Schema] = {
        "Colour": {"enum": ["red"]},
        "OfARequest": {"type": "object"},
        "Said": {"type": "object", "properties": {"colour": ref("Colour")}},
        "Say": {"type": "object"},
        "Tree": {"type": "object", "properties": {"children": {"type": "array", "items": ref("Tree")}}},
    }
    description = Description(about=About(title="t"), calls=(calls,), schemas=schemas)
    assert list(needed_schemas(description)) == ["Colour", "Said", "Say", "Tree"]
    assert schemas_of(calls) == [ref("Said"), ref("Say"), ref("Tree")]
