"""Path patterns in the form of documents: `/rooms/<str:room>` is `/rooms/{room}` with a variable."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import quote

from ..routing.building import SEGMENT_CHARACTERS
from ..routing.syntax import Group, Hole, Part, Text, parse_path
from ..routing.variables import Variable
from .description import DescribedParameter, DescribedPath, Schema

# The schema of each type of variable; see `routing.variables.VARIABLE_TYPES`.
VARIABLE_SCHEMAS: dict[str, Schema] = {
    "int": {"type": "integer", "minimum": 0},
    "float": {"type": "number", "minimum": 0},
    "str": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"},
    "alpha": {"type": "string", "minLength": 1},
    "any": {"type": "string", "minLength": 1},
    "date": {"type": "string", "format": "date"},
}


def describe_path(source: str) -> list[DescribedPath]:
    """Return the templates of a path pattern: one without its optional groups, and one for each combination of them.

    An optional slash at the end is left out.

    Arguments:
        source: the pattern.
    """
    parts = parse_path(source)
    groups = [part for part in parts if isinstance(part, Group) and not _is_slash(part)]
    found: dict[str, DescribedPath] = {}
    for present in itertools.product((False, True), repeat=len(groups)):
        shown = {id(group) for group, is_shown in zip(groups, present, strict=True) if is_shown}
        path = _describe(parts, shown)
        found.setdefault(path.template, path)
    return list(found.values())


def _describe(parts: tuple[Part, ...], shown: set[int]) -> DescribedPath:
    texts: list[str] = []
    variables: list[DescribedParameter] = []
    for part in _flatten(parts, shown):
        if isinstance(part, Text):
            texts.append(quote(part.text, safe=f"/{SEGMENT_CHARACTERS}"))
        else:
            texts.append(f"{{{part.variable.name}}}")
            variables.append(_describe_variable(part.variable))
    return DescribedPath(template="".join(texts) or "/", variables=tuple(variables))


def _flatten(parts: tuple[Part, ...], shown: set[int]) -> Iterator[Text | Hole]:
    for part in parts:
        if not isinstance(part, Group):
            yield part
        elif id(part) in shown:
            yield from part.parts


def _describe_variable(variable: Variable) -> DescribedParameter:
    return DescribedParameter(name=variable.name, schema=dict(VARIABLE_SCHEMAS[variable.type]))


def _is_slash(group: Group) -> bool:
    return all(isinstance(part, Text) and part.text == "/" for part in group.parts)
