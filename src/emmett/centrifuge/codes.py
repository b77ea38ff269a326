"""The codes of the protocol: errors that answer a command, and endings of connections and subscriptions.

Clients come back after disconnect codes below 3500 and from 4000 to 4499, and stay away after all others; the
JavaScript client stays away only if the reason is not empty. After unsubscribe codes from 2500 they subscribe again.
"""

from __future__ import annotations

from typing import NamedTuple

from ..errors import EmmettError


class CommandFailed(EmmettError):
    """Answers a command with an error. Functions of the application may raise it with their own codes.

    Arguments:
        code: 400 to 1999 are for applications; 100 to 399 belong to the protocol.
        message: a short description, which the client sees.
        temporary: whether the client should try again; SDKs do so for subscriptions and connections.
    """

    def __init__(self, code: int, message: str, temporary: bool = False) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.temporary = temporary

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class Ending(NamedTuple):
    """How a connection or a subscription ends.

    Fields:
        code: the code, which decides whether the client comes back.
        reason: a short description, at most 123 bytes, never empty.
    """

    code: int
    reason: str

    @property
    def is_terminal(self) -> bool:
        """Whether a client stays away after it."""
        return 3500 <= self.code < 4000 or 4500 <= self.code < 5000


class Disconnected(EmmettError):
    """Ends the connection. Functions of the application may raise it with their own codes, 4000 to 4999.

    Arguments:
        ending: code and reason; from 4500 to 4999 the client stays away.
    """

    def __init__(self, ending: Ending) -> None:
        super().__init__(*ending)
        self.ending = ending

    def __str__(self) -> str:
        return f"{self.ending.reason} ({self.ending.code})"


def internal_error() -> CommandFailed:
    """Return error 100, after which the client tries again."""
    return CommandFailed(100, "internal server error", True)


def unauthorized() -> CommandFailed:
    """Return error 101."""
    return CommandFailed(101, "unauthorized")


def unknown_channel() -> CommandFailed:
    """Return error 102."""
    return CommandFailed(102, "unknown channel")


def permission_denied() -> CommandFailed:
    """Return error 103."""
    return CommandFailed(103, "permission denied")


def method_not_found() -> CommandFailed:
    """Return error 104."""
    return CommandFailed(104, "method not found")


def already_subscribed() -> CommandFailed:
    """Return error 105."""
    return CommandFailed(105, "already subscribed")


def limit_exceeded() -> CommandFailed:
    """Return error 106."""
    return CommandFailed(106, "limit exceeded")


def bad_request() -> CommandFailed:
    """Return error 107."""
    return CommandFailed(107, "bad request")


def not_available() -> CommandFailed:
    """Return error 108."""
    return CommandFailed(108, "not available")


def token_expired() -> CommandFailed:
    """Return error 109, after which the client asks its application for a new token."""
    return CommandFailed(109, "token expired")


def expired() -> CommandFailed:
    """Return error 110."""
    return CommandFailed(110, "expired")


def too_many_requests() -> CommandFailed:
    """Return error 111, after which the client tries again."""
    return CommandFailed(111, "too many requests", True)


def unrecoverable_position() -> CommandFailed:
    """Return error 112."""
    return CommandFailed(112, "unrecoverable position")


CONNECTION_CLOSED = Ending(3000, "connection closed")
SHUTDOWN = Ending(3001, "shutdown")
SERVER_ERROR = Ending(3004, "internal server error")
CONNECTION_EXPIRED = Ending(3005, "connection expired")
SUBSCRIPTION_EXPIRED = Ending(3006, "subscription expired")
SLOW = Ending(3008, "slow")
INSUFFICIENT_STATE = Ending(3010, "insufficient state")
FORCE_RECONNECT = Ending(3011, "force reconnect")
NO_PONG = Ending(3012, "no pong")
TOO_MANY_REQUESTS = Ending(3013, "too many requests")
INVALID_TOKEN = Ending(3500, "invalid token")
BAD_REQUEST = Ending(3501, "bad request")
STALE = Ending(3502, "stale")
FORCE_DISCONNECT = Ending(3503, "force disconnect")
CONNECTION_LIMIT = Ending(3504, "connection limit")
CHANNEL_LIMIT = Ending(3505, "channel limit")
PERMISSION_DENIED = Ending(3507, "permission denied")
NOT_AVAILABLE = Ending(3508, "not available")

UNSUBSCRIBED_BY_SERVER = Ending(2000, "server unsubscribe")
UNSUBSCRIBED_INSUFFICIENT = Ending(2500, "insufficient state")
UNSUBSCRIBED_EXPIRED = Ending(2501, "subscription expired")
