"""Content codings (RFC 9110, 8.4.1 and 12.5.3): which of the forms of a file a client would like best."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .negotiation import TOKEN, WEIGHT

IDENTITY = "identity"

# Accept-Encoding of RFC 9110, 12.5.3, one element of it, without the blanks around it.
_ELEMENT = re.compile(rf"({TOKEN})(?:[ \t]*;[ \t]*[qQ]=({WEIGHT}))?")
# RFC 9110, 8.4.1.3: names from the time before there was a registry.
_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}


def choose_coding(header: str | None, available: Iterable[str]) -> str | None:
    """Choose the coding that a client would like best.

    Arguments:
        header: the value of Accept-Encoding; `None` when there is none. An element that breaks the grammar is left out.
        available: the codings there are, the best first: of two that the client likes as much, the first is taken.
            `identity`, which stands for no coding, is always there and comes last.

    Returns one of `available` or `identity`; `None` when the client refuses all of them. Without a header it is
    `identity`: who does not name a coding may not know it. The time grows with the length of the header alone.
    """
    if header is None:
        return IDENTITY
    weights = _weights(header)
    others = weights.get("*", 0.0)
    # What is not named is refused, but `identity` is the last resort as long as neither itself nor `*` is refused.
    offered = [(weights.get(coding, others), coding) for coding in available]
    offered.append((weights.get(IDENTITY, weights.get("*", 0.0001)), IDENTITY))
    weight, coding = max(offered, key=lambda offer: offer[0])
    return coding if weight else None


def _weights(header: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for element in header.split(","):
        if match := _ELEMENT.fullmatch(element.strip(" \t")):
            coding = match[1].lower()
            weights[_ALIASES.get(coding, coding)] = float(match[2] or 1)
    return weights
