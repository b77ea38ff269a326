"""The claims of connection and subscription tokens, and the port that verifies tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from msgspec import Raw

from .messages import NOTHING


class ServerSubscription(NamedTuple):
    """A channel to which the server subscribes a client.

    Fields:
        channel: the channel.
        info: information about the client for others in this channel, as JSON.
        data: data for the client, as JSON.
    """

    channel: str
    info: Raw = NOTHING
    data: Raw = NOTHING


class ConnectionClaims(NamedTuple):
    """The claims of a connection token.

    Fields:
        user: the user; empty for an anonymous one.
        expires_at: when the connection expires, in seconds since 1970; None for never.
        info: information about the client for others, as JSON.
        subscriptions: the server-side subscriptions.
        meta: data in the token for the server only.
    """

    user: str
    expires_at: float | None
    info: Raw
    subscriptions: Sequence[ServerSubscription]
    meta: Any


class SubscriptionClaims(NamedTuple):
    """The claims of a subscription token, as in `ConnectionClaims`."""

    expires_at: float | None
    info: Raw


class Verifier(Protocol):
    """Verifies tokens."""

    async def connection(self, token: str) -> ConnectionClaims:
        """Verify the token of a connection.

        Raises:
            Disconnected: it is invalid; the client stays away.
            CommandFailed: it has expired; the client asks for a new one.
        """

    async def subscription(self, token: str, channel: str, user: str, client: str) -> SubscriptionClaims:
        """Verify the token of a subscription.

        Arguments:
            channel: the channel that the client asks for.
            user, client: the user and the id of the client.

        Raises:
            CommandFailed: it is invalid (103) or has expired (109).
            Disconnected: it is for another channel, user or client.
        """
