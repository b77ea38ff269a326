"""Connection and subscription tokens: JSON Web Tokens (RFC 7519) with the claims of Centrifugo."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from typing import Any

import jwt
import msgspec
from msgspec import Raw

from .claims import ConnectionClaims, ServerSubscription, SubscriptionClaims
from .codes import INVALID_TOKEN, Disconnected, permission_denied, token_expired
from .keys import KeySource
from .messages import NOTHING

# The most characters of a token.
MAX_TOKEN = 16_384


class InvalidToken(Exception):
    """A token that cannot be trusted."""


class ExpiredToken(Exception):
    """A token that was valid, but has expired."""


class _SubscriptionOptions(msgspec.Struct):
    info: Any = None
    data: Any = None


class _Claims(msgspec.Struct):
    sub: str | None = None
    exp: float | None = None
    expire_at: float | None = None
    info: Any = None
    b64info: str = ""
    channels: list[str] = msgspec.field(default_factory=list)
    subs: dict[str, _SubscriptionOptions] = msgspec.field(default_factory=dict)
    channel: str = ""
    client: str = ""
    meta: Any = None


class TokenVerifier:
    """Verifies tokens.

    Arguments:
        keys: finds the keys.
        audience: the required `aud`; None to ignore it.
        issuer: the required `iss`; None to ignore it.
        clock: returns the time in seconds since 1970.
    """

    def __init__(
        self,
        keys: Sequence[KeySource],
        audience: str | None = None,
        issuer: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._audience = audience
        self._issuer = issuer
        self.clock = clock

    async def connection(self, token: str) -> ConnectionClaims:
        """Verify the token of a connection.

        Raises:
            Disconnected: it is invalid; the client stays away.
            CommandFailed: it has expired; the client asks for a new one.
        """
        try:
            claims = await self._verify(token)
        except InvalidToken:
            raise Disconnected(INVALID_TOKEN) from None
        except ExpiredToken:
            raise token_expired() from None
        if claims.channel:
            # A subscription token identifies its owner less strictly, and is shared more easily.
            raise Disconnected(INVALID_TOKEN)
        subscriptions = [ServerSubscription(channel) for channel in claims.channels]
        subscriptions += [
            ServerSubscription(channel, _json(options.info), _json(options.data))
            for channel, options in claims.subs.items()
        ]
        return ConnectionClaims(claims.sub or "", _expiry(claims), _json(claims.info), subscriptions, claims.meta)

    async def subscription(self, token: str, channel: str, user: str, client: str) -> SubscriptionClaims:
        """Verify the token of a subscription.

        Arguments:
            channel: the channel that the client asks for.
            user, client: the user and the id of the client.

        Raises:
            CommandFailed: it is invalid (103) or has expired (109).
            Disconnected: it is for another channel, user or client.
        """
        try:
            claims = await self._verify(token)
        except InvalidToken:
            raise permission_denied() from None
        except ExpiredToken:
            raise token_expired() from None
        if claims.channel != channel:
            raise Disconnected(INVALID_TOKEN)
        # Old SDKs bind a token to the client instead of the user.
        if claims.client != client if claims.client else (claims.sub or "") != user:
            raise Disconnected(INVALID_TOKEN)
        return SubscriptionClaims(_expiry(claims), _json(claims.info))

    async def _verify(self, token: str) -> _Claims:
        if len(token) > MAX_TOKEN:
            raise InvalidToken
        try:
            head = jwt.get_unverified_header(token)
            kid, algorithm = head.get("kid"), head["alg"]
            if not isinstance(algorithm, str) or not (kid is None or isinstance(kid, str)):
                raise InvalidToken
            claims = msgspec.convert(await self._decode(token, kid, algorithm), _Claims)
            if claims.b64info:
                claims.info = msgspec.json.decode(base64.b64decode(claims.b64info, validate=True))
        except (jwt.PyJWTError, msgspec.MsgspecError, KeyError, ValueError, TypeError, RecursionError):
            raise InvalidToken from None
        if claims.exp is not None and claims.exp <= self.clock():
            raise ExpiredToken
        return claims

    async def _decode(self, token: str, kid: str | None, algorithm: str) -> dict[str, Any]:
        # PyJWT is stricter than Centrifugo about times and `aud`: it would refuse a token with an `iat` a second ahead,
        # or with an audience that is not required. The signature is always verified.
        options: Any = {
            "verify_aud": self._audience is not None,
            **dict.fromkeys(("verify_exp", "verify_iat", "verify_sub", "verify_jti"), False),
        }
        for source in self._keys:
            for key in await source.find(kid, algorithm):
                try:
                    return jwt.decode(
                        token,
                        key.key,
                        algorithms=list(key.algorithms),
                        options=options,
                        audience=self._audience,
                        issuer=self._issuer,
                    )
                except jwt.InvalidSignatureError:
                    continue
        raise InvalidToken


def _expiry(claims: _Claims) -> float | None:
    """Return when the connection expires: 0 in `expire_at` means never, though the token itself expires."""
    if claims.expire_at is not None:
        return claims.expire_at or None
    return claims.exp


def _json(value: Any) -> Raw:
    return NOTHING if value is None else Raw(msgspec.json.encode(value))
