"""What the parts of a session know of each other: records, and the ports between pipe, keeper and store."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from ..errors import HTTPException


class StoreUnavailable(HTTPException):
    """The store does not answer: the request ends with 503 (Service Unavailable), and its session is not saved."""

    def __init__(self) -> None:
        super().__init__(503)


class Record(NamedTuple):
    """A session as it was kept.

    Fields:
        id: the session's name inside the process. It is never shown to visitors.
        token: what the cookie holds.
        data: the values, as JSON.
        values: the values.
        expires: when it ends, in seconds since the epoch.
        stale: whether it should be saved again though nothing has changed, as after the rotation of a key.
    """

    id: str
    token: str
    data: bytes
    values: dict[str, Any]
    expires: int
    stale: bool = False


class Claim(NamedTuple):
    """A cookie that may belong to a session.

    Fields:
        id: the session that it claims.
        token: what the cookie holds.
        record: the session, where the cookie itself has it.
    """

    id: str
    token: str
    record: Record | None = None


class Keeper(Protocol):
    """Keeps sessions between requests. What a peer sends never raises: it is a session, or it is not.

    Attributes:
        remembers: whether the server keeps sessions, so that `find_expiry` knows them.
    """

    @property
    def remembers(self) -> bool:
        """Whether the server keeps sessions."""

    def identify(self, token: str) -> Claim | None:
        """Return what a cookie claims; None when it can be no session."""

    async def load(self, claim: Claim) -> Record | None:
        """Return the session; None when it has ended. Raises `StoreUnavailable`."""

    async def create(self, data: bytes) -> Record:
        """Keep a new session, under a new id. Raises `StoreUnavailable`, and `UsageError` when it is too large."""

    async def replace(self, record: Record, data: bytes) -> Record | None:
        """Keep new values for a session; None when it has ended meanwhile. Raises as `create`."""

    async def find_expiry(self, id: str) -> int | None:
        """Return when a session ends, in seconds since the epoch. Raises `StoreUnavailable`.

        None when it has ended, or where nothing is kept on the server.
        """

    async def delete(self, record: Record) -> bool:
        """End a session. Returns whether it was still there. Raises `StoreUnavailable`."""

    async def shutdown(self) -> None:
        """Let go of connections; the next use makes new ones."""


class Store(Protocol):
    """Where sessions are kept on the server. Every method may raise `StoreUnavailable`."""

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key that has not expired."""

    async def put(self, key: str, value: bytes, seconds: float, *, replace: bool) -> bool:
        """Keep a value for so many seconds.

        Arguments:
            replace: only when the key has a value already, in one step with the look at it.

        Returns whether it was kept.
        """

    async def delete(self, key: str) -> bool:
        """Remove a key. Returns whether it was there."""

    async def shutdown(self) -> None:
        """Let go of connections; the next use makes new ones."""
