"""Content codings (RFC 9110, 8.4.1 and 12.5.3): which of the available forms of a file a client prefers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .negotiation import TOKEN, WEIGHT

IDENTITY = "identity"

# One element of Accept-Encoding (RFC 9110, 12.5.3), without surrounding whitespace.
_ELEMENT = re.compile(rf"({TOKEN})(?:[ \t]*;[ \t]*[qQ]=({WEIGHT}))?")
# RFC 9110, 8.4.1.3: names that are older than the registry.
_ALIASES = {"x-gzip": "gzip", "x-compress": "compress"}


def choose_coding(header: str | None, available: Iterable[str]) -> str | None:
    """Return the coding that a client prefers.

    Arguments:
        header: the value of Accept-Encoding; `None` if there is none. Malformed elements are ignored.
        available: the available codings, best first: among those that the client likes equally, the first is chosen.
            `identity`, which means no coding, is always available and comes last.

    Returns one of `available` or `identity`; `None` if the client refuses all of them. Without a header it returns
    `identity`, since the client may not know any coding. The time grows only with the length of the header.
    """
    if header is None:
        return IDENTITY
    weights = _weights(header)
    others = weights.get("*", 0.0)
    # Codings that are not named are refused, but `identity` is the last resort unless it or `*` is refused explicitly.
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
