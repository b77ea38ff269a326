"""The members of object types: Structs, dataclasses, TypedDicts and pydantic models."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, NamedTuple, NotRequired, Required, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET

from .models import is_model


class ObjectField(NamedTuple):
    """A member of an object type.

    Fields:
        name: its name in the data.
        type: its annotation.
        is_required: whether the data must contain it.
        default: its default; `UNSET` if there is none, or if each object gets a new one.
    """

    name: str
    type: Any
    is_required: bool
    default: Any = UNSET


def object_fields(type_: Any) -> list[ObjectField] | None:
    """Return the members of a Struct, dataclass or TypedDict; `None` for any other type."""
    if not isinstance(type_, type):
        return None
    if issubclass(type_, msgspec.Struct):
        found = msgspec.structs.fields(type_)
        return [ObjectField(each.encode_name, each.type, each.required, _plain(each.default)) for each in found]
    if dataclasses.is_dataclass(type_):
        hints = get_type_hints(type_, include_extras=True)
        return [
            ObjectField(field.name, hints[field.name], _has_no_default(field), _plain(field.default))
            for field in dataclasses.fields(type_)
        ]
    if typing.is_typeddict(type_):
        required: frozenset[str] = type_.__required_keys__  # type: ignore[attr-defined]
        hints = get_type_hints(type_, include_extras=True)
        return [_key_of(name, hint, name in required) for name, hint in hints.items()]
    return None


def model_fields(type_: Any) -> list[ObjectField]:
    """Return the members of a pydantic model, under the names that it reads."""
    return [
        ObjectField(_name_of(name, field), field.annotation, field.is_required(), _plain(field.default))
        for name, field in type_.model_fields.items()
    ]


def all_fields(type_: Any) -> list[ObjectField]:
    """Return the members of any object type."""
    return model_fields(type_) if is_model(type_) else object_fields(type_) or []


def member_names(type_: Any) -> list[str]:
    """Return the names of the members of an object type in the data, in their order."""
    return [field.name for field in all_fields(type_)]


def _name_of(name: str, field: Any) -> str:
    read_as = field.validation_alias
    return read_as if isinstance(read_as, str) else field.alias or name


def _key_of(name: str, hint: Any, is_required: bool) -> ObjectField:
    # `__required_keys__` ignores annotations that are strings.
    while get_origin(hint) in (Required, NotRequired):
        is_required = get_origin(hint) is Required
        hint = get_args(hint)[0]
    return ObjectField(name, hint, is_required)


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _plain(default: Any) -> Any:
    """Return a default that documents can show; `UNSET` for any other."""
    return default if default is None or isinstance(default, (str, int, float)) else UNSET
