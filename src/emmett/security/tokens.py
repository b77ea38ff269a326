"""Tokens that show that a form came from our own page: a secret, and the masks under which it is given out."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

SIZE = 32
# Bytes of a token, as text: a pad and the secret under it.
_TOKEN_LENGTH = 88


def new_secret() -> str:
    """Return a secret of 256 random bits, as text."""
    return _encode(secrets.token_bytes(SIZE))


def mask(secret: str) -> str:
    """Return a token for a secret: another one each time, so that a compressed page does not give it away (BREACH).

    Arguments:
        secret: as `new_secret` made it.
    """
    pad = secrets.token_bytes(SIZE)
    return _encode(pad + _xor(pad, _decode(secret)))


def is_secret(value: object) -> bool:
    """Whether a value is a secret that `new_secret` could have made."""
    return isinstance(value, str) and len(_decode(value)) == SIZE


def matches(token: object, secret: str) -> bool:
    """Whether a token was made for a secret; compared in constant time.

    Arguments:
        token: what came with a request, anything.
        secret: as `new_secret` made it.
    """
    if not isinstance(token, str) or len(token) > _TOKEN_LENGTH:
        return False
    octets = _decode(token)
    if len(octets) != 2 * SIZE:
        return False
    return hmac.compare_digest(_xor(octets[:SIZE], octets[SIZE:]), _decode(secret))


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def _encode(octets: bytes) -> str:
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    """Return what a text stands for; nothing when it is not the one text that stands for it."""
    if not text.isascii():
        return b""
    try:
        octets = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except Base64Error:
        return b""
    return octets if _encode(octets) == text else b""
