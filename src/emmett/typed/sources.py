"""Where a request has the value of a parameter: in its query or in its body."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import inspect

T = TypeVar("T")


class Source(Enum):
    """A part of a request."""

    QUERY = "query"
    BODY = "body"


# `page: FromQuery[Page]` is a `Page` for type checkers.
FromQuery: TypeAlias = Annotated[T, Source.QUERY]
FromBody: TypeAlias = Annotated[T, Source.BODY]

_SCALARS = (
    inspect.BoolType,
    inspect.BytesType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.DecimalType,
    inspect.EnumType,
    inspect.FloatType,
    inspect.IntType,
    inspect.LiteralType,
    inspect.NoneType,
    inspect.StrType,
    inspect.TimeDeltaType,
    inspect.TimeType,
    inspect.UUIDType,
)
_LISTS = (inspect.ListType, inspect.SetType, inspect.FrozenSetType, inspect.VarTupleType)


def source_of(annotation: Any) -> Source | None:
    """Return the part of the request that an annotation names with `FromQuery` or `FromBody`; `None` without them."""
    metadata = getattr(annotation, "__metadata__", ())
    return next((each for each in metadata if isinstance(each, Source)), None)


def without_source(annotation: Any) -> Any:
    """Return an annotation without `FromQuery` and `FromBody`."""
    if source_of(annotation) is None:
        return annotation
    others = tuple(each for each in annotation.__metadata__ if not isinstance(each, Source))
    return Annotated[(annotation.__origin__, *others)] if others else annotation.__origin__


def fits_query(type_: Any) -> bool:
    """Return whether a variable of a query can have a type: a scalar, a list of scalars, or a union of such types."""
    return all(_is_scalar(each) or _is_list(each) for each in _members(inspect.type_info(type_)))


def takes_several(type_: Any) -> bool:
    """Return whether a variable of a query with this type may be repeated."""
    return any(_is_list(each) for each in _members(inspect.type_info(type_)))


def takes_text(type_: Any) -> bool:
    """Return whether a type takes any text."""
    return any(isinstance(each, (inspect.StrType, inspect.AnyType)) for each in _members(inspect.type_info(type_)))


def _is_scalar(info: inspect.Type) -> bool:
    return all(isinstance(each, _SCALARS) for each in _members(info))


def _is_list(info: inspect.Type) -> bool:
    return isinstance(info, _LISTS) and (isinstance(info.item_type, inspect.AnyType) or _is_scalar(info.item_type))


def _members(info: inspect.Type | msgspec.UnsetType) -> list[inspect.Type]:
    """Return the members of a union without metadata; a type itself if it is no union."""
    if isinstance(info, inspect.Metadata):
        return _members(info.type)
    if isinstance(info, inspect.UnionType):
        return [member for each in info.types for member in _members(each)]
    assert isinstance(info, inspect.Type)
    return [info]
