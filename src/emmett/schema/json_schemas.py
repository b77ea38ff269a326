"""JSON Schemas of Python types: msgspec's, and pydantic's for pydantic models."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from ..typed.models import is_model
from .description import REF_PREFIX, Schema

_REF = REF_PREFIX + "{name}"
_PLACEHOLDER: Schema = {"type": "object"}

# Pydantic's names for reading and writing.
Mode = Literal["validation", "serialization"]
_MODES: tuple[Mode, Mode] = ("validation", "serialization")


def build_schemas(types: Sequence[Any], sent: Collection[int] = frozenset()) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schema of each type, and those of all named types by name.

    A type that JSON Schema cannot describe, such as an arbitrary class, has the empty schema, which allows everything.
    The input and the output of a pydantic model may differ in names, required members and computed members.

    Arguments:
        types: annotations.
        sent: the indexes of those that the application writes; it reads the others.
    """
    known = [type_ if _is_describable(type_) else Any for type_ in types]
    groups = {
        "validation": [type_ for index, type_ in enumerate(known) if index not in sent],
        "serialization": [type_ for index, type_ in enumerate(known) if index in sent],
    }
    wanted: dict[tuple[type, Mode], None] = {}
    for mode in _MODES:

        def find_model(type_: type, mode: Mode = mode) -> Schema:
            if is_model(type_):
                wanted[type_, mode] = None
            return _PLACEHOLDER

        msgspec.json.schema_components(groups[mode], schema_hook=find_model, ref_template=_REF)
    _, named = msgspec.json.schema_components(known, schema_hook=_describe_model, ref_template=_REF)
    references, of_models = _schemas_of_models(wanted, named)
    made: list[tuple[tuple[Schema, ...], dict[str, Schema]]] = []
    for mode in _MODES:

        def refer(type_: type, mode: Mode = mode) -> Schema:
            return references.get((type_, mode), _PLACEHOLDER)

        made.append(msgspec.json.schema_components(known, schema_hook=refer, ref_template=_REF))
    (of_read, read), (of_sent, written) = made
    schemas = [of_sent[index] if index in sent else of_read[index] for index in range(len(known))]
    # A type that contains a model and is also read somewhere is described as input.
    found = names_below([of_read[index] for index in range(len(known)) if index not in sent], {**read, **of_models})
    components = {**{name: (read if name in found else written)[name] for name in read}, **of_models}
    used = names_below(schemas, components)
    return schemas, {name: components[name] for name in sorted(components) if name in used}


def names_in(part: Any) -> Iterator[str]:
    """Yield the names of schemas that a schema refers to."""
    if isinstance(part, dict):
        reference = part.get("$ref")
        if isinstance(reference, str):
            yield reference.removeprefix(REF_PREFIX)
        for key, value in part.items():
            if key not in {"discriminator", "default", "const", "enum", "examples"}:
                yield from names_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from names_in(value)


def names_below(parts: Iterable[Any], schemas: Mapping[str, Schema]) -> set[str]:
    """Return the names of all schemas that the given ones refer to, directly or indirectly."""
    needed: set[str] = set()
    waiting = [name for part in parts for name in names_in(part)]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += names_in(schemas[name])
    return needed


def map_schema(schema: Any, change: Any) -> Any:
    """Return a copy of a schema with `change` applied to each object inside it, innermost first.

    Arguments:
        schema: a schema, or a part of one.
        change: receives a copy of each object, and returns the object to use.
    """
    if isinstance(schema, dict):
        return change({name: map_schema(value, change) for name, value in schema.items()})
    if isinstance(schema, list):
        return [map_schema(value, change) for value in schema]
    return schema


def _is_describable(type_: Any) -> bool:
    try:
        msgspec.json.schema_components((type_,), schema_hook=_describe_model, ref_template=_REF)
    except (TypeError, NameError):
        return False
    return True


def _describe_model(type_: type) -> Schema:
    if is_model(type_):
        return _PLACEHOLDER
    raise NotImplementedError


def _schemas_of_models(
    models: Iterable[tuple[Any, Mode]], taken: Iterable[str]
) -> tuple[dict[tuple[type, Mode], Schema], dict[str, Schema]]:
    """Return a reference to each pydantic model, and the schemas that the references point to.

    Arguments:
        models: the models, with the mode in which they are used.
        taken: the names of other schemas.
    """
    models = list(models)
    if not models:
        return {}, {}
    # There are models, so the application has imported pydantic.
    from pydantic.json_schema import models_json_schema

    found, whole = models_json_schema(models, ref_template=REF_PREFIX + "{model}")
    names: dict[str, str] = {}
    used = set(taken)
    for name in sorted(whole.get("$defs", {})):
        names[name] = _free_name(name, used)
        used.add(names[name])

    def rename(schema: Schema) -> Schema:
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith(REF_PREFIX):
            schema["$ref"] = REF_PREFIX + names[reference.removeprefix(REF_PREFIX)]
        mapping = schema.get("discriminator", {}).get("mapping", {}) if "discriminator" in schema else {}
        for tag, target in mapping.items():
            mapping[tag] = REF_PREFIX + names[target.removeprefix(REF_PREFIX)]
        return schema

    references = {each: rename(dict(found[each])) for each in models}
    definitions = {names[name]: map_schema(schema, rename) for name, schema in whole.get("$defs", {}).items()}
    return references, definitions


def _free_name(name: str, used: set[str]) -> str:
    if name not in used:
        return name
    number = 2
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"
