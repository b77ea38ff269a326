"""The parameters of a function, from its annotations: those that take data, and those that the framework provides."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from ..errors import ConfigurationError
from .models import find_undecodable_part, is_model

_NO_VALUE = inspect.Parameter.empty
# Defaults that a struct may share between its instances.
_PLAIN = (str, int, float, bool, bytes, type(None))


class Parameter(NamedTuple):
    """One parameter that takes data.

    Fields:
        name: its name, in the function and in the data.
        type: its annotation.
        default: the default value; `UNSET` if there is none, or if the function's own default is used.
        is_required: whether the data must contain it.
    """

    name: str
    type: Any
    default: Any
    is_required: bool


class Signature(NamedTuple):
    """The parameters and the result of a function.

    Fields:
        parameters: those that take data, in order.
        injected: the others by name, each with an annotation for which the framework has a value.
        path_variables: the names of those that take a variable of the path.
        result: the annotation of the result; `Any` without one.
    """

    parameters: tuple[Parameter, ...]
    injected: Mapping[str, type]
    path_variables: frozenset[str]
    result: Any

    @property
    def is_injected(self) -> bool:
        """Whether the framework adds arguments."""
        return bool(self.injected or self.path_variables)


def read_signature(
    function: Callable[..., Any],
    label: str,
    *,
    injectable: Collection[type] = (),
    path_variables: Collection[str] = (),
) -> Signature:
    """Return the parameters and the result of a function.

    Arguments:
        function: the function; its annotations may be strings.
        label: the function, as errors name it.
        injectable: annotations for which the framework has a value.
        path_variables: the names of the variables of its route.

    Raises:
        ConfigurationError: a parameter has no annotation or an invalid one, or cannot be passed by name.
    """
    hints = read_hints(function, label)
    parameters: list[Parameter] = []
    injected: dict[str, type] = {}
    from_path: set[str] = set()
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ConfigurationError(
                f"{label}: parameter {name!r} is {parameter.kind.description}; every parameter must be "
                "one that can be passed by name"
            )
        annotation = hints.get(name, _NO_VALUE)
        if name in path_variables:
            from_path.add(name)
        elif isinstance(annotation, type) and annotation in injectable:
            injected[name] = annotation
        elif annotation is _NO_VALUE:
            raise ConfigurationError(
                f"{label}: parameter {name!r} has no annotation; write its type, as in {name}: str"
            )
        else:
            parameters.append(make_parameter(name, annotation, parameter.default, label))
    return Signature(tuple(parameters), injected, frozenset(from_path), hints.get("return", Any))


def object_parameter(parameters: tuple[Parameter, ...]) -> Parameter | None:
    """Return the only parameter, if it is an object whose members are the data; otherwise None."""
    if len(parameters) == 1 and is_object_type(parameters[0].type):
        return parameters[0]
    return None


def is_object_type(type_: Any) -> bool:
    """Return whether a type has named members: a Struct, a dataclass, a TypedDict or a pydantic model."""
    if not isinstance(type_, type):
        return False
    is_struct = issubclass(type_, msgspec.Struct) and not type_.__struct_config__.array_like
    return is_struct or dataclasses.is_dataclass(type_) or typing.is_typeddict(type_) or is_model(type_)


def make_struct(name: str, parameters: tuple[Parameter, ...], *, array_like: bool = False) -> type[msgspec.Struct]:
    """Return a struct with the parameters as fields, by name or, if `array_like`, by position. It forbids others."""
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for each in parameters:
        if each.is_required:
            fields.append((each.name, each.type))
        elif each.default is UNSET:
            fields.append((each.name, each.type | UnsetType, UNSET))
        else:
            fields.append((each.name, each.type, each.default))
    # A required parameter may follow an optional one if it is keyword-only.
    return msgspec.defstruct(name, fields, forbid_unknown_fields=True, array_like=array_like, kw_only=True, gc=False)


def read_hints(function: Callable[..., Any], label: str) -> dict[str, Any]:
    """Return the annotations of a function, those written as strings evaluated.

    Raises:
        ConfigurationError: a name in them does not exist when the program runs.
    """
    try:
        return typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise ConfigurationError(
            f"{label}: annotation {error.name!r} is unknown; import it outside of `if TYPE_CHECKING:`"
        ) from None


def make_parameter(name: str, annotation: Any, default: Any, label: str) -> Parameter:
    """Return a parameter that takes data.

    Arguments:
        name: its name.
        annotation: its type.
        default: its default; `inspect.Parameter.empty` without one.
        label: the function, as errors name it.

    Raises:
        ConfigurationError: no data can be decoded into the type.
    """
    try:
        msgspec.json.Decoder(annotation)
        strange = find_undecodable_part(msgspec.inspect.type_info(annotation))
    except TypeError as error:
        raise ConfigurationError(f"{label}: parameter {name!r} has a type that no data can match: {error}") from None
    if strange is not None:
        raise ConfigurationError(
            f"{label}: parameter {name!r} is a {strange.__qualname__}, which no data can be decoded into; use a "
            "Struct, a dataclass, a TypedDict, a pydantic model or a built-in type"
        )
    if default is _NO_VALUE:
        return Parameter(name, annotation, UNSET, True)
    return Parameter(name, annotation, default if isinstance(default, _PLAIN) else UNSET, False)
