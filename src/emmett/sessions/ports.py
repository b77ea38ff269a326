"""The interfaces between the parts of sessions: records, and the ports of keepers and stores."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from ..errors import HTTPException


class StoreUnavailable(HTTPException):
    """The store does not answer: the request gets 503 (Service Unavailable), and its session is not saved."""

    def __init__(self) -> None:
        super().__init__(503)


class Record(NamedTuple):
    """A stored session.

    Fields:
        id: the session's id inside the process, which is never shown to visitors.
        token: the value of the cookie.
        data: the values, as JSON.
        values: the values.
        expires: when it ends, in seconds since the epoch.
        stale: whether it should be saved again although nothing has changed, for example after the rotation of a key.
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
        id: the id of the claimed session.
        token: the value of the cookie.
        record: the session, if the cookie itself contains it.
    """

    id: str
    token: str
    record: Record | None = None


class Keeper(Protocol):
    """Keeps sessions between requests. Input from a peer never raises an exception: it is a session or it is not.

    Attributes:
        remembers: whether the server keeps sessions, so that `find_expiry` knows them.
    """

    @property
    def remembers(self) -> bool:
        """Whether the server keeps sessions."""

    def identify(self, token: str) -> Claim | None:
        """Return the claim of a cookie; None if it cannot be a session."""

    async def load(self, claim: Claim) -> Record | None:
        """Return the session; None if it has ended. Raises `StoreUnavailable`."""

    async def create(self, data: bytes) -> Record:
        """Store a new session under a new id. Raises `StoreUnavailable`, or `UsageError` if it is too large."""

    async def replace(self, record: Record, data: bytes) -> Record | None:
        """Store new values of a session, and return it; None if it has ended in the meantime. Raises as `create`."""

    async def find_expiry(self, id: str) -> int | None:
        """Return when a session ends, in seconds since the epoch. Raises `StoreUnavailable`.

        Return None if it has ended, or if nothing is stored on the server.
        """

    async def delete(self, record: Record) -> bool:
        """End a session, and return whether it still existed. Raises `StoreUnavailable`."""

    async def shutdown(self) -> None:
        """Let go of connections; the next use makes new ones."""


class Store(Protocol):
    """Stores sessions on the server. Every method may raise `StoreUnavailable`."""

    async def get(self, key: str) -> bytes | None:
        """Return the value of a key that has not expired."""

    async def put(self, key: str, value: bytes, seconds: float, *, replace: bool) -> bool:
        """Store a value for a number of seconds.

        Arguments:
            replace: whether to store it only if the key already has a value, which is checked atomically.

        Returns:
            Whether it was stored.
        """

    async def delete(self, key: str) -> bool:
        """Remove a key, and return whether it existed."""

    async def shutdown(self) -> None:
        """Let go of connections; the next use makes new ones."""
