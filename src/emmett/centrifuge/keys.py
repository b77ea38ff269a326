"""The keys that verify tokens: a secret, public keys, and a JWKS that may be rotated."""

from __future__ import annotations

import asyncio
import logging
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ..errors import ConfigurationError

HMAC = ("HS256", "HS384", "HS512")
ASYMMETRIC: tuple[tuple[type, tuple[str, ...]], ...] = (
    (RSAPublicKey, ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
    (Ed25519PublicKey, ("EdDSA",)),
    (Ed448PublicKey, ("EdDSA",)),
)
# The algorithm of a curve (RFC 7518, 3.4).
CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
# Seconds until a JWKS is read again; and until one is read again that lacks a key.
JWKS_TTL = 3600.0
JWKS_PAUSE = 10.0
# Seconds to wait for a JWKS, and its maximum size in bytes.
JWKS_TIMEOUT = 5.0
MAX_JWKS = 1_048_576

logger = logging.getLogger("emmett.centrifuge")


class VerificationKey(NamedTuple):
    """A key, and the signature algorithms that it may verify."""

    key: Any
    algorithms: tuple[str, ...]


class KeySource(Protocol):
    """Finds the keys for a token."""

    async def find(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """Return the keys that may have signed a token.

        Arguments:
            kid: the id of the key, from the header of the token.
            algorithm: the algorithm, also from the header. A key only ever verifies its own algorithms.
        """


class FixedKeys:
    """A secret, or public keys in PEM.

    Arguments:
        secret: the secret of HS256, HS384 and HS512.
        public_keys: public keys in PEM: RSA, elliptic curves, Ed25519 or Ed448.

    Raises:
        ConfigurationError: a key cannot be read.
    """

    def __init__(self, secret: str | bytes | None, public_keys: Sequence[str | bytes]) -> None:
        self._keys: list[VerificationKey] = []
        if secret is not None:
            if not secret:
                raise ConfigurationError("secret is empty: expected the secret that signs the tokens")
            self._keys.append(VerificationKey(secret, HMAC))
        self._keys += [_read_pem(pem) for pem in public_keys]

    async def find(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """See `KeySource`."""
        return [key for key in self._keys if algorithm in key.algorithms]


class JWKSKeys:
    """A JSON Web Key Set (RFC 7517) from a URL or a file, read again when it lacks a key, and once an hour.

    Arguments:
        source: an https or http URL, or the path of a file.
        read: reads it, in a thread.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        source: str,
        read: Callable[[str], bytes] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._read = read or read_source
        self._clock = clock
        self._keys: list[tuple[str | None, VerificationKey]] = []
        # When it was last read successfully, and when this was last tried.
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._lock = asyncio.Lock()

    async def find(self, kid: str | None, algorithm: str) -> Sequence[VerificationKey]:
        """See `KeySource`."""
        if self._read_at is None or self._clock() - self._read_at >= JWKS_TTL:
            await self._refresh()
        found = self._matching(kid, algorithm)
        if not found:
            # The keys may have been rotated.
            await self._refresh()
            found = self._matching(kid, algorithm)
        return found

    def _matching(self, kid: str | None, algorithm: str) -> list[VerificationKey]:
        return [key for name, key in self._keys if kid in (None, name) and algorithm in key.algorithms]

    async def _refresh(self) -> None:
        async with self._lock:
            # Anyone can send tokens that name unknown keys: each of them must not cause a request.
            if self._tried_at is not None and self._clock() - self._tried_at < JWKS_PAUSE:
                return
            self._tried_at = self._clock()
            try:
                content = await asyncio.to_thread(self._read, self._source)
                keys = _parse_jwks(content)
            except (OSError, ValueError, jwt.PyJWTError) as error:
                logger.error(
                    "the JWKS %s cannot be read; tokens are verified with the keys already known: %s",
                    self._source,
                    error,
                )
                return
            self._keys, self._read_at = keys, self._clock()


def read_source(source: str) -> bytes:
    """Read a URL or a file.

    Raises:
        OSError: it cannot be read.
        ValueError: it is longer than 1 MiB.
    """
    if source.startswith(("http://", "https://")):
        with urllib.request.urlopen(source, timeout=JWKS_TIMEOUT) as response:
            content: bytes = response.read(MAX_JWKS + 1)
    else:
        with Path(source).open("rb") as file:
            content = file.read(MAX_JWKS + 1)
    if len(content) > MAX_JWKS:
        raise ValueError(f"it is longer than {MAX_JWKS} bytes")
    return content


def _parse_jwks(content: bytes) -> list[tuple[str | None, VerificationKey]]:
    keys = jwt.PyJWKSet.from_json(content.decode()).keys
    found = []
    for key in keys:
        if key.public_key_use in (None, "sig"):
            found.append((key.key_id, VerificationKey(key.key, (key.algorithm_name,))))
    return found


def _read_pem(pem: str | bytes) -> VerificationKey:
    try:
        key = load_pem_public_key(pem.encode() if isinstance(pem, str) else pem)
    except ValueError as error:
        raise ConfigurationError(f"a public key cannot be read: expected PEM: {error}") from None
    if isinstance(key, EllipticCurvePublicKey) and key.curve.name in CURVES:
        return VerificationKey(key, (CURVES[key.curve.name],))
    for kind, algorithms in ASYMMETRIC:
        if isinstance(key, kind):
            return VerificationKey(key, algorithms)
    raise ConfigurationError(
        f"a public key is a {type(key).__name__}: expected RSA, the curve P-256, P-384 or P-521, Ed25519 or Ed448"
    )
