"""All faults of a value, each with its path. msgspec stops at the first one; users want to see all of them.

This is the slow path: it runs only for values that were refused.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from .fields import ObjectField, object_fields
from .models import decode_model, is_model

# The maximum number of reported faults of one value; the peer controls how many there are.
MAX_FAULTS = 50
# The maximum length of a member's name and of a message in a fault, in characters.
MAX_SHOWN = 200

Step = str | int
Path = tuple[Step, ...]

_UNIONS = (typing.Union, types.UnionType)
_SEQUENCES = (list, set, frozenset)
_WHERE = re.compile(r" - at `[^`]*`$")


class Fault(NamedTuple):
    """One fault of a value.

    Fields:
        path: the members and indexes that lead to it; empty for the value itself.
        message: the expected value, and the actual one.
    """

    path: Path
    message: str


def find_faults(value: Any, type_: Any, *, strict: bool = True) -> list[Fault]:
    """Return the faults of a value, at most `MAX_FAULTS`.

    Arguments:
        value: the data, decoded without a type: dict, list, str, int, float, bool or None.
        type_: the annotation that it must match.
        strict: whether to refuse numbers written as text, which a query string contains.
    """
    faults: list[Fault] = []
    for fault in _walk(value, type_, (), strict):
        faults.append(Fault(tuple(map(_shorten, fault.path)), str(_shorten(fault.message))))
        if len(faults) == MAX_FAULTS:
            break
    return faults


def _shorten(step: Step) -> Step:
    # The names of members come from the peer, and a path repeats them for each fault inside.
    return f"{step[:MAX_SHOWN]}..." if isinstance(step, str) and len(step) > MAX_SHOWN else step


def _walk(value: Any, type_: Any, path: Path, strict: bool) -> Iterator[Fault]:
    if get_origin(type_) in _UNIONS:
        type_ = _member_of(value, type_)
    inner = _walk_inside(value, type_, path, strict)
    first = next(inner, None)
    if first is not None:
        yield first
        yield from inner
        return
    message = _refusal(value, type_, strict)
    if message is not None:
        yield Fault(path, message)


def _walk_inside(value: Any, type_: Any, path: Path, strict: bool) -> Iterator[Fault]:
    origin, arguments = get_origin(type_) or type_, get_args(type_)
    if is_model(type_):
        yield from _faults_of_model(value, type_, path)
    elif isinstance(value, dict):
        fields = object_fields(type_)
        if fields is not None:
            yield from _walk_fields(value, fields, path, strict)
            if getattr(getattr(type_, "__struct_config__", None), "forbid_unknown_fields", False):
                known = {field.name for field in fields}
                yield from (Fault((*path, name), "is unknown") for name in value if name not in known)
        elif origin in (dict, Mapping) and len(arguments) == 2:
            for key, item in value.items():
                yield from _walk(item, arguments[1], (*path, key), strict)
    elif isinstance(value, list):
        if origin is tuple and arguments and arguments[-1] is not Ellipsis:
            for index, (item, each) in enumerate(zip(value, arguments, strict=False)):
                yield from _walk(item, each, (*path, index), strict)
        elif (origin in _SEQUENCES or origin is tuple) and arguments:
            for index, item in enumerate(value):
                yield from _walk(item, arguments[0], (*path, index), strict)


def _walk_fields(value: dict[Any, Any], fields: list[ObjectField], path: Path, strict: bool) -> Iterator[Fault]:
    for field in fields:
        if field.name in value:
            yield from _walk(value[field.name], field.type, (*path, field.name), strict)
        elif field.is_required:
            yield Fault((*path, field.name), "is missing")


def _member_of(value: Any, union: Any) -> Any:
    """Return the only member of a union that a value can match; the union itself if there are several."""
    members = [member for member in get_args(union) if member is not type(None) and member is not msgspec.UnsetType]
    if value is None:
        return union
    if isinstance(value, dict):
        tagged = [member for member in members if _has_tag(value, member)]
        members = tagged or members
    return members[0] if len(members) == 1 else union


def _has_tag(value: dict[Any, Any], member: Any) -> bool:
    config = getattr(member, "__struct_config__", None)
    return config is not None and config.tag is not None and value.get(config.tag_field) == config.tag


def _refusal(value: Any, type_: Any, strict: bool) -> str | None:
    try:
        msgspec.convert(value, type_, strict=strict, str_keys=True, dec_hook=decode_model)
    except msgspec.ValidationError as error:
        return _WHERE.sub("", str(error))
    except RecursionError:
        return "is nested too deeply"
    return None


def _faults_of_model(value: Any, model: Any, path: Path) -> Iterator[Fault]:
    try:
        model.model_validate(value)
    except ValueError as error:
        # A validator of the application may raise its own ValueError.
        details: list[Any] = error.errors() if hasattr(error, "errors") else [{"loc": (), "msg": str(error)}]
        for detail in details:
            yield Fault((*path, *detail["loc"]), str(detail["msg"]))
