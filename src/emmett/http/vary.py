"""The Vary field of an answer: the request fields on which the answer depends (RFC 9110, 12.5.5)."""

from __future__ import annotations

from .headers import MutableHeaders


def add_vary(headers: MutableHeaders, value: str) -> None:
    """Add request fields on which an answer depends to its Vary header.

    Arguments:
        headers: the header fields of the answer.
        value: names of request fields, separated by commas, or `*` for any aspect of the request.

    Existing names come first and keep their spelling; no name is repeated, in whatever case. `*` replaces all names.
    """
    names: dict[str, str] = {}
    for member in f"{headers.get('vary', '')},{value}".split(","):
        if name := member.strip(" \t"):
            names.setdefault(name.lower(), name)
    if names:
        headers["vary"] = "*" if "*" in names else ", ".join(names.values())
