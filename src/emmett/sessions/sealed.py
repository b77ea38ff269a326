"""Sessions inside their cookies, encrypted and authenticated with AES-256-GCM (NIST SP 800-38D).

In base64url without padding (RFC 4648, 5), a cookie has one byte of version, 12 random bytes of nonce, and the
ciphertext with its 16-byte tag. The version and the name of the cookie are authenticated, too. The plaintext has the id
of the session, its end and its values.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .encoding import Unpacked, pack, unpack
from .keys import derive_keys
from .ports import Claim, Record

VERSION = b"\x01"
_NONCE_SIZE = 12
_TAG_SIZE = 16
# Cookies made here are never longer, so longer ones are ignored.
_LONGEST_TOKEN = 4096


class Sealer:
    """Seals and opens sessions.

    Arguments:
        key: the secrets: the first one seals, all of them open. See `derive_keys`.
        name: the name of the cookie: a value from another cookie cannot be opened.

    Raises:
        ConfigurationError: a secret cannot be used.
    """

    def __init__(self, key: str | bytes | Sequence[str | bytes], name: str) -> None:
        self._ciphers = [AESGCM(derived) for derived in derive_keys(key)]
        self._bound = b"emmett session\x00" + VERSION + name.encode()

    def seal(self, content: bytes) -> str:
        """Return the value of a cookie that only this application can read or create."""
        nonce = secrets.token_bytes(_NONCE_SIZE)
        sealed = VERSION + nonce + self._ciphers[0].encrypt(nonce, content, self._bound)
        return urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def open(self, token: str) -> tuple[bytes, int] | None:
        """Return the content of a value, and the index of the key that opened it; None if no key opens it.

        Only the version is read before the tag is verified, which takes the same time for every wrong tag.
        """
        sealed = _decode(token)
        if sealed is None or len(sealed) < 1 + _NONCE_SIZE + _TAG_SIZE or sealed[:1] != VERSION:
            return None
        nonce, ciphertext = sealed[1 : 1 + _NONCE_SIZE], sealed[1 + _NONCE_SIZE :]
        for number, cipher in enumerate(self._ciphers):
            try:
                return cipher.decrypt(nonce, ciphertext, self._bound), number
            except InvalidTag:
                continue
        return None


def _decode(token: str) -> bytes | None:
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        return None
    try:
        sealed = b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except Base64Error:
        return None
    # Accept only the canonical encoding: without other padding bits, and without letters of the other alphabet.
    return sealed if urlsafe_b64encode(sealed).rstrip(b"=") == token.encode("ascii") else None


class SealedKeeper:
    """Keeps sessions in the cookies themselves. The server stores nothing; `docs/sessions.md` says what follows.

    Arguments:
        sealer: seals and opens.
        expire: seconds that a session lives after it was sealed.
        clock: returns the seconds since the epoch.
    """

    remembers = False

    def __init__(self, sealer: Sealer, expire: float, clock: Callable[[], float]) -> None:
        self._sealer = sealer
        self._expire = expire
        self._clock = clock

    def identify(self, token: str) -> Claim | None:
        """See `Keeper.identify`."""
        opened = self._sealer.open(token)
        if opened is None:
            return None
        content, key = opened
        found = unpack(content)
        if found is None or found.expires <= self._clock():
            return None
        return Claim(found.id, token, _record(token, found, stale=key != 0))

    async def load(self, claim: Claim) -> Record | None:
        """See `Keeper.load`."""
        return claim.record

    async def create(self, data: bytes) -> Record:
        """See `Keeper.create`."""
        return self._seal(secrets.token_urlsafe(16), data)

    async def replace(self, record: Record, data: bytes) -> Record | None:
        """See `Keeper.replace`."""
        return self._seal(record.id, data)

    async def find_expiry(self, id: str) -> int | None:
        """See `Keeper.find_expiry`."""
        return None

    async def delete(self, record: Record) -> bool:
        """See `Keeper.delete`. Copies of the cookie can still be opened until they expire."""
        return True

    async def shutdown(self) -> None:
        """See `Keeper.shutdown`."""

    def _seal(self, id: str, data: bytes) -> Record:
        expires = int(self._clock() + self._expire)
        return Record(id, self._sealer.seal(pack(id, expires, data)), data, {}, expires)


def _record(token: str, found: Unpacked, *, stale: bool) -> Record:
    return Record(found.id, token, found.data, found.values, found.expires, stale)
