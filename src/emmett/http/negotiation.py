"""Content negotiation: which media type a client prefers (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ..errors import UsageError

# The maximum number of ranges of an Accept header that are considered. Browsers send fewer than ten.
MAX_RANGES = 100

TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
# qvalue of RFC 9110, 12.4.2.
WEIGHT = r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)"
_MEDIA_TYPE = re.compile(rf"({TOKEN})/({TOKEN})")
_WEIGHT = re.compile(WEIGHT)
# An unterminated quoted string extends to the end, so that no character is examined twice.
_SEPARATOR = re.compile(r'"(?:[^"\\]|\\.)*"?|([,;])', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class _Range(NamedTuple):
    """A media type or range: `text/html;level=1`, `text/*`, `*/*`."""

    type: str
    subtype: str
    parameters: frozenset[tuple[str, str]]
    weight: float

    @property
    def specificity(self) -> tuple[bool, bool, int]:
        return self.type != "*", self.subtype != "*", len(self.parameters)

    def takes(self, other: _Range) -> bool:
        """Return whether this range includes the other one."""
        return (
            self.type in ("*", other.type)
            and self.subtype in ("*", other.subtype)
            and self.parameters <= other.parameters
        )


def best_media_type(accept: str, offered: tuple[str, ...]) -> str | None:
    """Return the offered media type to which an Accept header gives the highest weight (RFC 9110, 12.5.1).

    Arguments:
        accept: the value of the header. If it is empty or nothing in it is valid, all types are accepted.
        offered: the available types, such as `text/html`, best first.

    Returns one of `offered` as given, the first of those with the same weight; `None` if the client accepts none of
    them. The most specific matching range gives the weight of a type. Invalid ranges are ignored, and so are those
    after the first `MAX_RANGES`. The time grows with the length of the header.

    Raises:
        UsageError: nothing is offered, or a name that is not a media type.
    """
    offers = [_offer(name) for name in offered]
    if not offers:
        raise UsageError('accepts() needs the media types that can be sent, such as accepts("text/html")')
    # The most specific ranges first; among equal ones, the first in the header counts.
    ranges = sorted(_parse_accept(accept), key=lambda each: each.specificity, reverse=True)
    if not ranges:
        return offered[0]
    weights = [next((each.weight for each in ranges if each.takes(offer)), 0.0) for offer in offers]
    best = max(weights)
    return offered[weights.index(best)] if best > 0 else None


def _offer(name: str) -> _Range:
    found = list(_parse_accept(name))
    if len(found) != 1 or "*" in (found[0].type, found[0].subtype):
        raise UsageError(f"{name!r} is not a media type: expected a type and a subtype, such as text/html")
    return found[0]


def _parse_accept(header: str) -> Iterator[_Range]:
    for number, element in enumerate(_elements(header)):
        if number == MAX_RANGES:
            return
        name, *parameters = element
        found = _MEDIA_TYPE.fullmatch(name.lower())
        if found is None or (found[1] == "*" and found[2] != "*"):
            continue
        weight, kept = 1.0, []
        for parameter in parameters:
            key, _, value = (part.strip(" \t") for part in parameter.lower().partition("="))
            if key == "q":
                # Parameters after the weight do not belong to the media type (RFC 7231, 5.3.2).
                weight = float(value) if _WEIGHT.fullmatch(value) else -1.0
                break
            if key:
                kept.append((key, _unquote(value)))
        if weight >= 0:
            yield _Range(found[1], found[2], frozenset(kept), weight)


def _elements(header: str) -> Iterator[list[str]]:
    """Split a list at its commas, and each element at its semicolons. Empty elements are left out."""
    parts: list[str] = []
    start = 0
    for found in _SEPARATOR.finditer(header):
        if found[1] is None:
            continue
        parts.append(header[start : found.start()].strip(" \t"))
        start = found.end()
        if found[1] == ",":
            if any(parts):
                yield parts
            parts = []
    parts.append(header[start:].strip(" \t"))
    if any(parts):
        yield parts


def _unquote(value: str) -> str:
    return _ESCAPE.sub(r"\1", value[1:-1]) if len(value) > 1 and value[0] == value[-1] == '"' else value
