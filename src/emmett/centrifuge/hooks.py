"""The functions of the application that decide about clients, and are called for their events."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Identity(NamedTuple):
    """The identity of a client: `on_connect` may return it instead of the user.

    Fields:
        user: the user; empty for an anonymous one.
        info: information about the client for others; any value that JSON can express.
        channels: the server-side subscriptions.
        data: data for the client; any value that JSON can express.
        expires_at: when the connection expires, in seconds since 1970; None for never.
    """

    user: str = ""
    info: Any = None
    channels: Sequence[str] = ()
    data: Any = None
    expires_at: float | None = None


class ClientHooks:
    """The functions that the application has registered; None for the others."""

    __slots__ = ("connect", "disconnect", "message", "publish", "refresh", "subscribe")

    def __init__(self) -> None:
        self.connect: Callable[..., Any] | None = None
        self.subscribe: Callable[..., Any] | None = None
        self.publish: Callable[..., Any] | None = None
        self.refresh: Callable[..., Any] | None = None
        self.message: Callable[..., Any] | None = None
        self.disconnect: Callable[..., Any] | None = None
