"""The named schemas that a client needs."""

from __future__ import annotations

from ..description import REF_PREFIX, DescribedCalls, Description, Schema
from ..json_schemas import names_below


def referred_name(schema: Schema) -> str | None:
    """Return the name of the schema that this one refers to; None if it does not refer to one."""
    reference = schema.get("$ref")
    return reference.removeprefix(REF_PREFIX) if isinstance(reference, str) else None


def needed_schemas(description: Description) -> dict[str, Schema]:
    """Return the named schemas that the calls of an application use, in the order of the description."""
    needed = names_below((schema for calls in description.calls for schema in schemas_of(calls)), description.schemas)
    return {name: schema for name, schema in description.schemas.items() if name in needed}


def schemas_of(calls: DescribedCalls) -> list[Schema | None]:
    """Return all schemas that the calls of a route use directly."""
    parts: list[Schema | None] = [message.schema for message in calls.emitted]
    for method in calls.methods:
        parts += [method.params, method.result, *(parameter.schema for parameter in method.parameters)]
    return parts
