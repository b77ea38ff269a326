"""What OpenAPI and AsyncAPI documents have in common."""

from __future__ import annotations

import re
from typing import Any

from .description import Schema

_UNUSABLE = re.compile(r"[^A-Za-z0-9._-]")


class Keys:
    """Names as keys of components, which take letters, digits, `.`, `_` and `-` only; each key is given once.

    Arguments:
        separator: is put before the number that makes a key unique.
    """

    def __init__(self, separator: str = "_") -> None:
        self._separator = separator
        self._used: set[str] = set()

    def add(self, name: str) -> str:
        """Return an unused key for a name."""
        key = _UNUSABLE.sub("_", name) or "_"
        number = 2
        unique = key
        while unique in self._used:
            unique = f"{key}{self._separator}{number}"
            number += 1
        self._used.add(unique)
        return unique


def summarise(description: str) -> str:
    """Return the first line of a docstring."""
    return description.partition("\n")[0].strip()


def documented(description: str) -> dict[str, Any]:
    """Return the members `summary` and `description` of an operation; without a docstring, none."""
    if not description:
        return {}
    summary = summarise(description)
    return {"summary": summary} if summary == description else {"summary": summary, "description": description}


def without_discriminators(schema: Schema) -> Schema:
    """Return an object of a schema without `discriminator`, which is an object in OpenAPI only."""
    if isinstance(schema.get("discriminator"), dict):
        schema.pop("discriminator")
    return schema
