"""`PathPattern`: matches and builds paths with variables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from emmett.errors import ConfigurationError

from .building import complete_arguments, fill_parts, format_argument, quote_path
from .expressions import linear_regex
from .linear import LinearMatcher, Texts
from .syntax import Group, Hole, Part, Text, normalise_path, parse_path, walk_variables
from .variables import VARIABLE_TYPES


class PathPattern:
    """A path as it is registered, such as `/post/<int:id>(/<str:title>)?`.

    A variable is written `<type:name>`. The types:

    - `int`: ASCII digits without a sign, at most 4,300;
    - `float`: digits, a dot, digits;
    - `str`: one or more characters without a slash;
    - `alpha`: letters of any script, those for which `str.isalpha()` is true;
    - `any`: one or more characters, including slashes;
    - `date`: YYYY-MM-DD, an existing date.

    A part in `( ... )?` is optional; its variables are `None` if it is missing. Groups do not nest. All other
    characters are literal text, percent-decoded: `/über uns`, not `/%C3%BCber%20uns`. A missing leading slash is added.

    The whole path must match: `/a` does not match `/a/`, and neither redirects to the other. To match both, write
    `/a(/)?`. If a text can be split among the variables in more than one way, optional groups are present rather than
    missing, and then each variable takes as many characters as it can, from left to right.

    Arguments:
        source: the path.

    Attributes:
        source: the path with its leading slash.
        variables: the variables from left to right.
        is_static: whether there are no variables; `static_paths` then lists every matching path.
        key: equal for two patterns that match the same paths and differ at most in names.
        head: the text that every matching path starts with.
        regex: an expression with one capturing group for each variable, or `None` if a text can be split in several
            ways: an expression cannot choose among them in linear time, but `split` can.

    Raises:
        ConfigurationError: the path is malformed; the error says where, why and what is allowed.
    """

    __slots__ = (
        "_compiled",
        "_matcher",
        "_parsers",
        "_parts",
        "head",
        "is_static",
        "key",
        "regex",
        "source",
        "variables",
    )

    def __init__(self, source: str) -> None:
        self.source = normalise_path(source)
        self._parts = parse_path(self.source)
        self.variables = tuple(walk_variables(self._parts))
        self._parsers = [(variable.name, VARIABLE_TYPES[variable.type].parse) for variable in self.variables]
        self.is_static = not self.variables
        self.key = "".join(_key(part) for part in self._parts)
        first = self._parts[0]
        self.head = first.text if isinstance(first, Text) else ""
        self.regex = linear_regex(self._parts)
        self._compiled = None if self.regex is None else re.compile(self.regex, re.DOTALL)
        self._matcher = LinearMatcher(self._parts[1:]) if self.regex is None else None

    def __repr__(self) -> str:
        return f"PathPattern({self.source!r})"

    @property
    def static_paths(self) -> tuple[str, ...]:
        """Every path that matches a pattern without variables: one, or more if it has optional groups."""
        return tuple(dict.fromkeys(_spell(self._parts))) if self.is_static else ()

    def match(self, path: str) -> dict[str, Any] | None:
        """Return the values of the variables by name, or `None` if the path does not match.

        Text that has the right form but no valid value, such as the date 2024-02-30, does not match.

        Arguments:
            path: the whole path, percent-decoded.
        """
        texts = self.split(path)
        return None if texts is None else self.convert(texts)

    def split(self, path: str) -> Texts | None:
        """Return the text of each variable, not yet converted, or `None` if the path does not match."""
        if self._matcher is not None:
            return self._matcher.split(path[len(self.head) :]) if path.startswith(self.head) else None
        found = self._compiled.match(path) if self._compiled is not None else None
        return None if found is None else found.groups()

    def convert(self, texts: Sequence[str | None]) -> dict[str, Any] | None:
        """Return the values of the variables, or `None` if a text has no valid value."""
        try:
            return {
                name: None if text is None else parse(text)
                for (name, parse), text in zip(self._parsers, texts, strict=True)
            }
        except ValueError:
            return None

    def build(self, args: Sequence[object]) -> str:
        """Return the percent-encoded path that matches with these arguments as its values.

        Arguments:
            args: the values of the variables from left to right, or of the required ones alone. `None`, or a missing
                argument at the end, leaves out the optional group of a variable.

        Raises:
            ConfigurationError: the number, a type or a text of the arguments does not match.
        """
        try:
            values = complete_arguments(self.variables, args)
            texts = tuple(map(format_argument, self.variables, values))
            path = fill_parts(self._parts, texts)
        except ConfigurationError as error:
            raise ConfigurationError(f"path {self.source!r}: {error}") from None
        # A pattern with an expression has one split only; for other patterns, values can run into each other.
        if self._matcher is not None and self.split(path) != texts:
            raise ConfigurationError(
                f"path {self.source!r}: {path!r} is ambiguous, since it would match with other values; "
                "use other values, or put a slash between the variables"
            )
        return quote_path(path)


def _key(part: Part) -> str:
    if isinstance(part, Text):
        return part.text
    if isinstance(part, Hole):
        return f"<{part.variable.type}>"
    return f"({''.join(map(_key, part.parts))})?"


def _spell(parts: tuple[Part, ...]) -> Iterator[str]:
    """Yield every text of parts without variables, with and without each optional group."""
    if not parts:
        yield ""
        return
    first, rest = parts[0], parts[1:]
    for end in _spell(rest):
        if isinstance(first, Text):
            yield first.text + end
        elif isinstance(first, Group):
            yield from (start + end for start in _spell(first.parts))
            yield end
