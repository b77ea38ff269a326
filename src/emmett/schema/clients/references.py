"""Which named schemas a client needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..description import REF_PREFIX, DescribedCalls, Description, Schema


def referred_name(schema: Schema) -> str | None:
    """Return the name of the schema that this one refers to; None if it does not."""
    reference = schema.get("$ref")
    return reference.removeprefix(REF_PREFIX) if isinstance(reference, str) else None


def needed_schemas(description: Description) -> dict[str, Schema]:
    """Return the named schemas that the calls of an application use, in the order of the description."""
    needed: set[str] = set()
    waiting = [name for calls in description.calls for name in names_in(schemas_of(calls))]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += names_in(description.schemas[name])
    return {name: schema for name, schema in description.schemas.items() if name in needed}


def schemas_of(calls: DescribedCalls) -> list[Schema | None]:
    """Return all schemas that the calls of a route have themselves."""
    parts: list[Schema | None] = [message.schema for message in calls.emitted]
    for method in calls.methods:
        parts += [method.params, method.result, *(parameter.schema for parameter in method.parameters)]
    return parts


def names_in(part: Any) -> Iterator[str]:
    """Yield the names of schemas that a schema refers to."""
    if isinstance(part, dict):
        name = referred_name(part)
        if name is not None:
            yield name
        for key, value in part.items():
            if key not in {"discriminator", "default", "const", "enum", "examples"}:
                yield from names_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from names_in(value)
