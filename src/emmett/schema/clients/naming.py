"""Unique identifiers in a client's language for names of the server."""

from __future__ import annotations

import re
from collections.abc import Collection

from ..description import DescribedCalls, DescribedPath

_UNUSABLE = re.compile(r"\W+", re.ASCII)


class Identifiers:
    """Identifiers in one scope.

    Arguments:
        reserved: the identifiers that have another meaning in the scope.
    """

    def __init__(self, reserved: Collection[str] = ()) -> None:
        self._used = set(reserved)

    def add(self, name: str) -> str:
        """Return an identifier for a name: the name itself if possible, otherwise one with a trailing `_`."""
        identifier = _UNUSABLE.sub("_", name) or "_"
        if identifier[0].isdigit():
            identifier = f"_{identifier}"
        while identifier in self._used:
            identifier += "_"
        self._used.add(identifier)
        return identifier


def class_name(calls: DescribedCalls) -> str:
    """Return the class name for the client of a route: from its name, or from its path if it has the default name.

    `app.calls("/api")` gives `Api`, and `app.calls("/api", name="board")` gives `Board`.
    """
    *modules, own = calls.name.split(".")
    words = [*modules, own] if own != "calls" else _static_segments(calls.paths[0]) or [*modules, own]
    return "".join(word[:1].upper() + word[1:] for text in words for word in _UNUSABLE.split(text.replace("_", "-")))


def _static_segments(path: DescribedPath) -> list[str]:
    return [segment for segment in path.template.split("/") if segment and "{" not in segment]
