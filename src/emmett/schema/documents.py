"""Helpers for both OpenAPI and AsyncAPI documents."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .description import DescribedError, DescribedMethod, Schema

_UNUSABLE = re.compile(r"[^A-Za-z0-9._-]")


class Keys:
    """Makes unique keys of components from names. Keys consist of letters, digits, `.`, `_` and `-`.

    Arguments:
        separator: the text before the number that makes a key unique.
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
    """Return the members `summary` and `description` of an operation; empty without a docstring."""
    if not description:
        return {}
    summary = summarise(description)
    return {"summary": summary} if summary == description else {"summary": summary, "description": description}


def list_errors(errors: Iterable[DescribedError]) -> str:
    """Return declared errors as a list in Markdown; empty if there are none."""
    return "\n".join(f"- {error.code}: {error.meaning}" for error in errors)


def described_call(method: DescribedMethod) -> str:
    """Return the docstring of a method with its errors, for a comment in a client."""
    errors = f"Errors:\n{list_errors(method.errors)}" if method.errors else ""
    return "\n\n".join(part for part in (method.description, errors) if part)


def without_discriminators(schema: Schema) -> Schema:
    """Return an object of a schema without `discriminator`, which is an object in OpenAPI only."""
    if isinstance(schema.get("discriminator"), dict):
        schema.pop("discriminator")
    return schema
