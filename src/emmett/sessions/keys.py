"""Derive the keys that seal cookies from the secrets of an application."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ..errors import ConfigurationError

SHORTEST_SECRET = 16
_PURPOSE = b"emmett.sessions cookie AES-256-GCM v1"


def derive_keys(secrets: str | bytes | Sequence[str | bytes]) -> list[bytes]:
    """Return a 32-byte key for each secret, derived with HKDF and SHA-256 (RFC 5869).

    Arguments:
        secrets: one or several secrets; text is encoded as UTF-8.

    Raises:
        ConfigurationError: there are none, or one is too short or has a wrong type. The secret is not shown.
    """
    several = [secrets] if isinstance(secrets, (str, bytes)) else list(secrets)
    if not several:
        raise ConfigurationError(
            "session key: the list of keys is empty; expected one or more, of which the first seals and all open"
        )
    return [_derive(secret, number) for number, secret in enumerate(several, 1)]


def _derive(secret: object, number: int) -> bytes:
    if not isinstance(secret, (str, bytes)):
        raise ConfigurationError(f"session key {number} is {type(secret).__name__}: expected str or bytes")
    if len(secret) < SHORTEST_SECRET:
        raise ConfigurationError(
            f"session key {number} has a length of {len(secret)}: expected at least {SHORTEST_SECRET}, all of them "
            "random; python -c 'import secrets; print(secrets.token_urlsafe(32))' makes a good one"
        )
    octets = secret.encode("utf-8", "surrogatepass") if isinstance(secret, str) else secret
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(octets)
