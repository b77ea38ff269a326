"""Paths and texts for property tests, made of few characters, so that they often match."""

from __future__ import annotations

import itertools
import re
from datetime import date
from typing import Any

from hypothesis import strategies as st

from emmett.routing import PathPattern

TYPES = ("int", "float", "str", "alpha", "any", "date")
LITERALS = ("/", "a", "1", ".", "-", "/a", "b/", "-1")

BACKTRACKING = {
    "int": "[0-9]+",
    "float": r"[0-9]+\.[0-9]+",
    "str": "[^/]+",
    "alpha": "[ab]+",
    "any": ".+",
    "date": "2024-0[1-9]-0[1-9]",
}
"""What each type takes in texts of the characters below, as an expression that tries every way."""


@st.composite
def sources(draw: st.DrawFn, types: tuple[str, ...] = TYPES) -> str:
    """Paths of up to five parts, each text, a variable or an optional group."""
    names = iter("klmnopqrstuvwxyz")

    def simple() -> str:
        kind = draw(st.sampled_from((*LITERALS, *types)))
        return f"<{kind}:{next(names)}>" if kind in types else kind

    source = "/"
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.integers(0, 3)) == 0 and len(source) > 1:
            source += f"({''.join(simple() for _ in range(draw(st.integers(1, 2))))})?"
        else:
            source += simple()
    return source


texts = st.lists(st.sampled_from(("a", "b", "1", "0", "/", ".", "-", "2024-02-03")), max_size=9).map(
    lambda pieces: "/" + "".join(pieces)
)


def split_by_trying(source: str, text: str) -> tuple[str | None, ...] | None:
    """Split a text as `LinearMatcher` promises to, but by trying every way, which is slow for long texts."""
    groups = source.count("(")
    names = re.findall(r":(\w+)>", source)
    for present in itertools.product((True, False), repeat=groups):
        choice = iter(present)
        pieces = re.split(r"\(([^)]*)\)\?", source)  # every other part is the content of a group
        chosen = "".join(piece for index, piece in enumerate(pieces) if index % 2 == 0 or next(choice))
        found = re.fullmatch(_expression(chosen), text)
        if found is not None:
            return tuple(found.groupdict().get(name) for name in names)
    return None


def _expression(source: str) -> str:
    tokens = re.findall(r"<(\w+):(\w+)>|([^<>]+)", source)
    return "".join(f"(?P<{name}>{BACKTRACKING[kind]})" if kind else re.escape(text) for kind, name, text in tokens)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int": st.integers(min_value=0),
    "float": st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(abs),
    "str": st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1),
    "alpha": st.text(st.characters(categories=["L"]), min_size=1),
    "any": st.text(st.characters(codec="utf-8"), min_size=1),
    "date": st.dates(min_value=date.min),
}


def arguments(pattern: PathPattern) -> st.SearchStrategy[list[Any]]:
    """Values for all the variables of a path; all of the optional ones at once may be `None`."""
    full = st.tuples(*(VALUES[variable.type] for variable in pattern.variables)).map(list)
    required = st.tuples(
        *(st.none() if variable.optional else VALUES[variable.type] for variable in pattern.variables)
    ).map(list)
    return full | required
