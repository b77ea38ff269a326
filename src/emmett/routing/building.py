"""Build a path from arguments, as `PathPattern.build` does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import quote

from emmett.errors import ConfigurationError

from .charsets import steps_regex
from .linear import Texts
from .syntax import Hole, Part, Text
from .variables import VARIABLE_TYPES, Variable

SEGMENT_CHARACTERS: Final = "!$&'()*+,;=:@"
"""The characters that RFC 3986, 3.3 allows in a path segment besides letters, digits and "-._~"."""

# A segment that clients remove from a URL with the one before it (RFC 3986, 5.2.4; WHATWG URL, 4.4, for `%2e`).
_DOT_SEGMENT = re.compile(r"/((?:\.|%2[Ee]){1,2})(?=/|\Z)")

MAX_SHOWN: Final = 100
"""The longest value, in characters, that an error shows in full."""


def complete_arguments(variables: Sequence[Variable], args: Sequence[object]) -> tuple[object, ...]:
    """Return one argument for each variable, `None` for those that are left out.

    Arguments:
        variables: the variables of a path from left to right.
        args: one argument for each variable, or fewer: optional ones may be left out, all of them or those at the end.

    Raises:
        ConfigurationError: the number of arguments does not match; the error names the variables.
    """
    given = tuple(args)
    missing = variables[len(given) :]
    if len(given) <= len(variables) and all(variable.optional for variable in missing):
        return given + (None,) * len(missing)
    if len(given) == sum(not variable.optional for variable in variables):
        required = iter(given)
        return tuple(None if variable.optional else next(required) for variable in variables)
    names = ", ".join(f"{name} (optional)" if optional else name for name, _, optional in variables)
    raise ConfigurationError(f"got {len(given)} arguments; the variables are: {names or 'none'}")


def format_argument(variable: Variable, value: object) -> str | None:
    """Return the text of a value in a path; `None` if the variable is optional and the value is `None`.

    Raises:
        ConfigurationError: the variable does not take this value; the error says which values it takes.
    """
    if value is None and variable.optional:
        return None
    kind = VARIABLE_TYPES[variable.type]
    try:
        text = kind.format(value)
        if re.fullmatch(steps_regex(kind.steps), text, re.DOTALL):
            kind.parse(text)
            return text
    except ValueError:
        pass
    raise ConfigurationError(
        f"{show_value(value)} does not fit <{variable.type}:{variable.name}>, which takes {kind.allowed}"
    )


def show_value(value: object) -> str:
    """Return an argument as errors show it: its `repr()`, shortened if necessary."""
    try:
        text = repr(value)
    except ValueError:  # an integer with more digits than Python prints
        return f"an {type(value).__name__} too long to show"
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def fill_parts(parts: Sequence[Part], texts: Texts) -> str:
    """Return the unencoded path with the texts of its variables. Groups whose variables have no text are left out.

    Raises:
        ConfigurationError: only some variables of an optional group have a text.
    """
    remaining = iter(texts)
    return "".join([_fill(part, remaining) for part in parts])


def quote_path(path: str, *, safe: str = "") -> str:
    """Return a path percent-encoded (RFC 3986, 3.3), keeping its slashes.

    Arguments:
        path: the path with its leading slash.
        safe: further characters to keep.

    Raises:
        ConfigurationError: the path contains a lone surrogate, which UTF-8 cannot encode, or a `.` or `..` segment.
    """
    try:
        encoded = quote(path, safe=f"/{SEGMENT_CHARACTERS}{safe}")
    except UnicodeEncodeError as error:
        raise ConfigurationError(f"{path!r} cannot be used in a URL: it is not valid Unicode") from error
    if (dots := _DOT_SEGMENT.search(encoded)) is not None:
        raise ConfigurationError(
            f"path {path!r}: a segment cannot be {dots[1]!r}: clients remove dot segments from a URL, which then leads "
            "to another page"
        )
    # A second leading slash would turn the next segment into a host name (RFC 3986, 4.2) and lead to another site.
    return f"/%2F{encoded[2:]}" if encoded.startswith("//") else encoded


def _fill(part: Part, texts: Iterator[str | None]) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Hole):
        return next(texts) or ""
    holes = [inner for inner in part.parts if isinstance(inner, Hole)]
    inside = [next(texts) for _ in holes]
    if all(text is None for text in inside):
        return ""
    if None in inside:
        names = ", ".join(hole.variable.name for hole in holes)
        raise ConfigurationError(f"the variables of one optional group must be given together or not at all: {names}")
    return fill_parts(part.parts, tuple(inside))
