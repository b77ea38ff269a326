"""permessage-deflate (RFC 7692): how a server answers a client's offer to compress messages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from .extensions import Extension, encode_extension

NAME = "permessage-deflate"
MAX_WINDOW_BITS = 15
# zlib refuses to deflate with a raw window of 8 bits, which versions before 1.2.9 mishandled. With 9 bits it never
# refers back further than 512 - 262 bytes, so its output also fits into a window of 8 bits.
LEAST_ZLIB_BITS = 9

# Decimal, without leading zeros, 8 to 15 (RFC 7692, 7.1.2).
_WINDOW_BITS = re.compile(r"[89]|1[0-5]")
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_BITS = ("server_max_window_bits", "client_max_window_bits")


class DeflateAgreement(NamedTuple):
    """The compression parameters that both sides agreed on.

    Attributes:
        server_window_bits: base-2 logarithm of the window for the server's messages, 8 to 15.
        client_window_bits: the same for the client's messages.
        server_takeover: whether a message of the server may refer to earlier ones.
        client_takeover: the same for the client.
        answer: the value of Sec-WebSocket-Extensions in the 101.
    """

    server_window_bits: int
    client_window_bits: int
    server_takeover: bool
    client_takeover: bool
    answer: str


def agree_on_deflate(
    offers: Iterable[Extension], *, window_bits: int, context_takeover: bool
) -> DeflateAgreement | None:
    """Accept the first acceptable offer of permessage-deflate (RFC 7692, 5 and 7.1); return `None` without one.

    Arguments:
        offers: the client's offers, in its order of preference.
        window_bits: the largest window for either direction, 9 to 15. A client that does not offer to limit its own
            window uses up to 15.
        context_takeover: whether messages may refer to earlier ones of the same direction. A client may ask for less.
    """
    for offer in offers:
        if offer.name == NAME:
            wishes = _read_offer(offer)
            if wishes is not None:
                return _agree(wishes, window_bits, context_takeover)
    return None


def _read_offer(offer: Extension) -> dict[str, int] | None:
    """Return the parameters of an offer; `None` if one is unknown, repeated or has an invalid value (7.1)."""
    wishes: dict[str, int] = {}
    for name, value in offer.parameters:
        if name in wishes:
            return None
        if name in _FLAGS:
            if value is not None:
                return None
            wishes[name] = 1
        elif name in _BITS:
            if value is None:
                # A client may accept a limit without a value only for its own window.
                if name == "server_max_window_bits":
                    return None
                wishes[name] = MAX_WINDOW_BITS
            elif _WINDOW_BITS.fullmatch(value):
                wishes[name] = int(value)
            else:
                return None
        else:
            return None
    return wishes


def _agree(wishes: dict[str, int], window_bits: int, context_takeover: bool) -> DeflateAgreement:
    server_takeover = context_takeover and "server_no_context_takeover" not in wishes
    client_takeover = context_takeover and "client_no_context_takeover" not in wishes
    server_bits = min(window_bits, wishes.get("server_max_window_bits", MAX_WINDOW_BITS))
    client_bits = MAX_WINDOW_BITS
    parameters: list[tuple[str, str | None]] = []
    if not server_takeover:
        parameters.append(("server_no_context_takeover", None))
    if not client_takeover:
        parameters.append(("client_no_context_takeover", None))
    if server_bits < MAX_WINDOW_BITS or "server_max_window_bits" in wishes:
        parameters.append(("server_max_window_bits", str(server_bits)))
    # The server must not limit the window of a client that did not offer it (7.1.2.2).
    if "client_max_window_bits" in wishes:
        client_bits = min(window_bits, wishes["client_max_window_bits"])
        parameters.append(("client_max_window_bits", str(client_bits)))
    return DeflateAgreement(
        server_window_bits=server_bits,
        client_window_bits=client_bits,
        server_takeover=server_takeover,
        client_takeover=client_takeover,
        answer=encode_extension(Extension(NAME, tuple(parameters))),
    )
