"""Values with types from the query of a URL, which contains only text."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from .faults import Fault, find_faults
from .fields import ObjectField, all_fields
from .models import decode_model
from .parameters import Parameter, is_object_type
from .sources import takes_several, takes_text

# Python's float() and msgspec read these; JSON has no such numbers, so handlers do not expect them.
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


class _Variable(NamedTuple):
    """A variable of a query.

    Fields:
        name: its name.
        is_list: whether it may be repeated.
        is_text: whether any text is a value of it.
    """

    name: str
    is_list: bool
    is_text: bool


class _ParameterReader(NamedTuple):
    """Reads one parameter: a variable, or an object whose members are variables."""

    parameter: Parameter
    variables: tuple[_Variable, ...]
    is_object: bool


class QueryReader:
    """Reads the parameters of a function from queries.

    Arguments:
        parameters: their types are scalars, lists of scalars, or objects with such members.
    """

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._readers = tuple(map(_reader_of, parameters))
        # The members of an object do not contain the variables of other parameters.
        self._taken = frozenset(each.parameter.name for each in self._readers if not each.is_object)

    def read(self, query: Mapping[str, Any], given: Collection[str] = ()) -> tuple[dict[str, Any], list[Fault]]:
        """Return the values of the parameters by name, and all faults. Parameters with defaults may be missing.

        Arguments:
            query: the variables; a list for a repeated one.
            given: the names of parameters that have a value already.
        """
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for reader in self._readers:
            if reader.parameter.name not in given:
                (self._read_object if reader.is_object else self._read_variable)(reader, query, values, faults)
        return values, faults

    def _read_variable(
        self, reader: _ParameterReader, query: Mapping[str, Any], values: dict[str, Any], faults: list[Fault]
    ) -> None:
        name, type_, _, is_required = reader.parameter
        value = query.get(name)
        if value is None:
            if is_required:
                faults.append(Fault((name,), "is missing"))
            return
        value, found = _prepare(reader.variables[0], value)
        if found is not None:
            faults.append(found)
            return
        try:
            values[name] = msgspec.convert(value, type_, strict=False)
        except msgspec.ValidationError:
            faults += [fault._replace(path=(name, *fault.path)) for fault in find_faults(value, type_, strict=False)]

    def _read_object(
        self, reader: _ParameterReader, query: Mapping[str, Any], values: dict[str, Any], faults: list[Fault]
    ) -> None:
        known = {variable.name: variable for variable in reader.variables}
        members: dict[str, Any] = {}
        refused: list[Fault] = []
        for name, value in query.items():
            if name in known:
                members[name], fault = _prepare(known[name], value)
                refused += [] if fault is None else [fault]
            elif name not in self._taken:
                members[name] = value
        if not refused and not reader.parameter.is_required and not known.keys() & members.keys():
            return
        type_ = reader.parameter.type
        if not refused:
            try:
                values[reader.parameter.name] = msgspec.convert(members, type_, strict=False, dec_hook=decode_model)
            except msgspec.ValidationError as error:
                refused = find_faults(members, type_, strict=False) or [Fault((), str(error))]
        else:
            names = {fault.path[0] for fault in refused}
            others = find_faults(members, type_, strict=False)
            refused += [fault for fault in others if fault.path[:1] and fault.path[0] not in names]
        faults += refused


def query_fields(parameter: Parameter) -> list[ObjectField]:
    """Return the variables of a query that a parameter is read from."""
    if is_object_type(parameter.type):
        return [
            each._replace(is_required=each.is_required and parameter.is_required) for each in all_fields(parameter.type)
        ]
    return [ObjectField(*parameter[:2], parameter.is_required, parameter.default)]


def _reader_of(parameter: Parameter) -> _ParameterReader:
    variables = tuple(
        _Variable(each.name, takes_several(each.type), takes_text(each.type)) for each in query_fields(parameter)
    )
    return _ParameterReader(parameter, variables, is_object_type(parameter.type))


def _prepare(variable: _Variable, value: Any) -> tuple[Any, Fault | None]:
    """Return the value to convert, and a fault that conversion would not find."""
    is_repeated = isinstance(value, list)
    if is_repeated and not variable.is_list:
        return value, Fault((variable.name,), f"is given {len(value)} times")
    if not variable.is_text and any(map(_NOT_FINITE.fullmatch, value if is_repeated else (value,))):
        return value, Fault((variable.name,), "is not a finite number")
    return [value] if variable.is_list and not is_repeated else value, None
