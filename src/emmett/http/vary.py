"""The Vary field of an answer: which fields of the request it depends on (RFC 9110, 12.5.5)."""

from __future__ import annotations

from .headers import MutableHeaders


def add_vary(headers: MutableHeaders, value: str) -> None:
    """Say that an answer depends on request fields too, beside those that it names already.

    Arguments:
        headers: the header fields of the answer.
        value: the names of request fields, with commas between them, or `*` for all that a request may be.

    What is there comes first, and as it is spelled there; no name comes twice, in whatever case. `*` stands alone.
    """
    names: dict[str, str] = {}
    for member in f"{headers.get('vary', '')},{value}".split(","):
        if name := member.strip(" \t"):
            names.setdefault(name.lower(), name)
    if names:
        headers["vary"] = "*" if "*" in names else ", ".join(names.values())
