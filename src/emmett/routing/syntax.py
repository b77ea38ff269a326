"""Parse a path as written in `@app.route("/post/<int:id>(/<str:title>)?")`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from keyword import iskeyword
from typing import Final, NamedTuple, NoReturn, TypeAlias

from emmett.errors import ConfigurationError

from .charsets import Step, text_steps
from .variables import VARIABLE_TYPES, Variable

MAX_GROUPS: Final = 8
"""The maximum number of optional groups in a path; a path without variables then has up to 2 ** 8 texts."""

_TOKEN = re.compile(r"(?P<text>[^<>()?]+)|(?P<open>\()|(?P<close>\)\??)|<(?P<variable>[^<>]*)>", re.DOTALL)
# Variables in the syntax of other frameworks: `{name}`, `{name:type}` and, at the start of a segment, `:name`.
_FOREIGN_VARIABLE = re.compile(r"\{([A-Za-z_]\w*)(?::[^}]*)?\}|(?<=/):([A-Za-z_]\w*)")
# Type names of other frameworks.
_FOREIGN_TYPES = {"string": "str", "integer": "int", "path": "any", "slug": "str", "uuid": "str"}
_PERCENT_ENCODED = re.compile("%[0-9A-Fa-f]{2}")


class Text(NamedTuple):
    """Literal characters of the path."""

    text: str

    @property
    def steps(self) -> tuple[Step, ...]:
        return text_steps(self.text)


class Hole(NamedTuple):
    """The place of a variable."""

    variable: Variable

    @property
    def steps(self) -> tuple[Step, ...]:
        return VARIABLE_TYPES[self.variable.type].steps


class Group(NamedTuple):
    """A part that may be missing: `( ... )?`."""

    parts: tuple[Text | Hole, ...]


Part: TypeAlias = Text | Hole | Group


def normalise_path(source: str) -> str:
    """Return the path with the leading slash that users may leave out."""
    return source if source.startswith("/") else f"/{source}"


def parse_path(source: str) -> tuple[Part, ...]:
    """Parse a path.

    Arguments:
        source: the path, percent-decoded, with its leading slash.

    Raises:
        ConfigurationError: the path is malformed; the error says where, why and what is allowed.
    """
    return _Parser(source).parse()


def walk_variables(parts: tuple[Part, ...]) -> Iterator[Variable]:
    """Yield the variables of a path from left to right."""
    for part in parts:
        if isinstance(part, Group):
            yield from walk_variables(part.parts)
        elif isinstance(part, Hole):
            yield part.variable


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0  # of the token being read
        self.parts: list[Part] = []
        self.group: list[Text | Hole] | None = None  # the parts of the open group
        self.group_position = 0
        self.names: set[str] = set()

    def parse(self) -> tuple[Part, ...]:
        if self.source.startswith("/(/"):
            self.position = 1
            self._fail("a path must start with a slash outside of optional groups: '/(...)?' instead of '(/...)?'")
        if encoded := _PERCENT_ENCODED.search(self.source):
            self.position = encoded.start()
            self._fail(f"{encoded[0]!r} is percent-encoded; write the character itself")
        if foreign := _FOREIGN_VARIABLE.search(self.source):
            self.position = foreign.start()
            self._fail(
                f"{foreign[0]!r} would be literal text; a variable is written '<str:{foreign[1] or foreign[2]}>'; "
                f"types: {', '.join(VARIABLE_TYPES)}"
            )
        while self.position < len(self.source):
            token = _TOKEN.match(self.source, self.position)
            if token is None:
                self._fail_at_character(self.source[self.position])
            self._take(token)
            self.position = token.end()
        if self.group is not None:
            self.position = self.group_position
            self._fail("this '(' has no matching ')?'; an optional group is written '( ... )?'")
        return tuple(self.parts)

    def _take(self, token: re.Match[str]) -> None:
        if token["open"]:
            self._open_group()
        elif token["close"]:
            self._close_group(token["close"])
        else:
            part = Text(token["text"]) if token["text"] else Hole(self._variable(token["variable"]))
            (self.parts if self.group is None else self.group).append(part)

    def _open_group(self) -> None:
        if self.group is not None:
            self._fail("optional groups cannot be nested; put one after the other")
        if sum(isinstance(part, Group) for part in self.parts) == MAX_GROUPS:
            self._fail(f"more than {MAX_GROUPS} optional groups; register several paths instead")
        self.group = []
        self.group_position = self.position

    def _close_group(self, closing: str) -> None:
        if self.group is None:
            self._fail("this ')' has no matching '('; an optional group is written '( ... )?'")
        if closing != ")?":
            self._fail("a group is always optional and must end with ')?'")
        if not self.group:
            self._fail("the optional group is empty; put text or a variable in it")
        self.parts.append(Group(tuple(self.group)))
        self.group = None

    def _variable(self, content: str) -> Variable:
        kind, colon, name = content.partition(":")
        types = ", ".join(VARIABLE_TYPES)
        if not colon:
            self._fail(f"a variable is written '<type:name>', such as '<str:{content or 'name'}>'; types: {types}")
        if kind not in VARIABLE_TYPES:
            if name in VARIABLE_TYPES:
                self._fail(f"there is no type {kind!r}: the type comes first, write '<{name}:{kind}>'")
            hint = f"; for {kind} write {_FOREIGN_TYPES[kind]}" if kind in _FOREIGN_TYPES else ""
            self._fail(f"there is no type {kind!r}; types: {types}{hint}")
        if not name:
            self._fail(f"the variable has no name; it is written '<{kind}:name>'")
        if not name.isidentifier() or iskeyword(name):
            self._fail(f"{name!r} cannot name a keyword argument; use an identifier that is not a Python keyword")
        if name in self.names:
            self._fail(f"there are two variables {name!r}; each needs a name of its own")
        self.names.add(name)
        return Variable(name, kind, optional=self.group is not None)

    def _fail_at_character(self, character: str) -> NoReturn:
        hint = {
            "<": "this '<' has no matching '>'; a variable is written '<type:name>'",
            ">": "this '>' has no matching '<'; a variable is written '<type:name>'",
            "?": "a '?' may only end an optional group '( ... )?'; query parameters are not part of a path",
        }
        self._fail(hint[character])

    def _fail(self, message: str) -> NoReturn:
        raise ConfigurationError(f"path {self.source!r}, at position {self.position}: {message}")
