"""JSON Schemas of Python types: msgspec's, and pydantic's for pydantic models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..typed.models import is_model
from .description import REF_PREFIX, Schema

_REF = REF_PREFIX + "{name}"
_PLACEHOLDER: Schema = {"type": "object"}


def build_schemas(types: Sequence[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schema of each type, and those of all named types by name.

    A type that JSON Schema cannot describe, such as an arbitrary class, has the empty schema, which allows everything.

    Arguments:
        types: annotations.
    """
    known = [type_ if _is_describable(type_) else Any for type_ in types]
    models: dict[type, None] = {}

    def find_model(type_: type) -> Schema:
        if is_model(type_):
            models[type_] = None
        return _PLACEHOLDER

    _, named = msgspec.json.schema_components(known, schema_hook=find_model, ref_template=_REF)
    references, of_models = _schemas_of_models(models, named)
    schemas, named = msgspec.json.schema_components(
        known, schema_hook=lambda type_: references.get(type_, _PLACEHOLDER), ref_template=_REF
    )
    components = {**named, **of_models}
    return list(schemas), {name: components[name] for name in sorted(components)}


def map_schema(schema: Any, change: Any) -> Any:
    """Return a copy of a schema in which `change` has been applied to each object inside it, innermost first.

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


def _schemas_of_models(models: Iterable[Any], taken: Iterable[str]) -> tuple[dict[type, Schema], dict[str, Schema]]:
    """Return a reference to each pydantic model, and the schemas that the references lead to.

    Arguments:
        models: the models.
        taken: names that other schemas have.
    """
    models = list(models)
    if not models:
        return {}, {}
    # The application has imported it: there are models.
    from pydantic.json_schema import models_json_schema

    found, whole = models_json_schema([(model, "validation") for model in models], ref_template=REF_PREFIX + "{model}")
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

    references = {model: rename(dict(found[model, "validation"])) for model in models}
    definitions = {names[name]: map_schema(schema, rename) for name, schema in whole.get("$defs", {}).items()}
    return references, definitions


def _free_name(name: str, used: set[str]) -> str:
    if name not in used:
        return name
    number = 2
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"
