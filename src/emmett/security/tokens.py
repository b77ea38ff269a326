"""Tokens that prove that a form came from the application's own page: a secret, masked differently each time."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

SIZE = 32
# Characters of a token: a pad and the masked secret.
_TOKEN_LENGTH = 88


def new_secret() -> str:
    """Return a secret of 256 random bits, as text."""
    return _encode(secrets.token_bytes(SIZE))


def mask(secret: str) -> str:
    """Return a token for a secret, a different one each time, so that a compressed page does not leak it (BREACH).

    Arguments:
        secret: a secret created by `new_secret`.
    """
    pad = secrets.token_bytes(SIZE)
    return _encode(pad + _xor(pad, _decode(secret)))


def is_secret(value: object) -> bool:
    """Return whether a value is a secret that `new_secret` could have created."""
    return isinstance(value, str) and len(_decode(value)) == SIZE


def matches(token: object, secret: str) -> bool:
    """Return whether a token was made for a secret, comparing in constant time.

    Arguments:
        token: the value from a request, of any type.
        secret: a secret created by `new_secret`.
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
    """Return the decoded text; nothing if it is not in the canonical encoding."""
    if not text.isascii():
        return b""
    try:
        octets = b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except Base64Error:
        return b""
    return octets if _encode(octets) == text else b""
