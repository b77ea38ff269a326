"""The open websockets of sessions: closed at a logout on any node, and optionally when their session expires."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, assert_never

import msgspec

from ..errors import UsageError
from ..websockets.websocket import Websocket
from ..wire.close import CloseCode
from .expiry import ExpiryWatch
from .nodes import Announcement, ChannelsOfSessions, Closing, Ended, Extended, HostOfSessions, Moved, SessionNodes
from .ports import Keeper, Record
from .session import Session
from .sockets import SocketRegistry

# The close code of a websocket whose session has expired: its client should not come back without a new login.
EXPIRED = 4401
# The most bytes, as JSON, of the values that select sessions on other nodes.
MAX_VALUES = 10_000


class LiveSessions:
    """Follows the sessions of open websockets.

    Arguments:
        keeper: keeps the sessions.
        clock: returns the seconds since the epoch.
        close_expired: whether websockets close when their session expires.
    """

    def __init__(self, keeper: Keeper, clock: Callable[[], float], *, close_expired: bool) -> None:
        self.sockets = SocketRegistry()
        self._keeper = keeper
        self._nodes: SessionNodes | None = None
        self._expiry = ExpiryWatch(clock, keeper.find_expiry, self._close_expired) if close_expired else None
        self._closing_all: asyncio.Task[None] | None = None

    def connect(self, app: HostOfSessions, channels: ChannelsOfSessions, cookie_name: str) -> None:
        """Announce changes of sessions to all nodes from now on.

        Raises:
            UsageError: the sessions are already connected.
        """
        if self._nodes is not None:
            raise UsageError("these sessions are already connected to channels")
        self._nodes = SessionNodes(app, channels, cookie_name, self._hear, self._missed)

    async def opening(self, websocket: Websocket, id: str | None) -> None:
        """Note a websocket before its session is loaded, so that a logout in the meantime does not miss it."""
        if self._nodes is not None and id is not None:
            await self._nodes.ready()
        self.sockets.add(websocket, id)

    def opened(self, websocket: Websocket, session: Session, record: Record | None) -> None:
        """Note the session of a websocket."""
        self.sockets.set_session(websocket, session)
        if self._expiry is not None and record is not None:
            self._expiry.watch(record.id, record.expires)

    def closed(self, websocket: Websocket) -> None:
        """Forget a websocket."""
        id = self.sockets.remove(websocket)
        if self._expiry is not None and id is not None and not self.sockets.has(id):
            self._expiry.forget(id)

    async def moved(self, old: str, record: Record) -> None:
        """Move the websockets of a session to its new id."""
        moved = Moved(old, record.id, record.expires)
        self._hear(moved)
        if self._nodes is not None:
            await self._nodes.announce(moved)

    async def extended(self, record: Record) -> None:
        """Note that a session was saved, which extends its life."""
        if self._expiry is None:
            return
        extended = Extended(record.id, record.expires)
        self._hear(extended)
        if self._nodes is not None and not self._keeper.remembers:
            # Without a store, other nodes have no other way to find out.
            await self._nodes.announce(extended)

    async def ended(self, id: str, code: int, reason: str) -> None:
        """Close the websockets of one session on all nodes. Wait for those of this process, for at most a second."""
        if self._nodes is not None:
            await self._nodes.announce(Ended(id, code, reason))
        await self.sockets.close_session(id, code, reason)

    async def close_matching(
        self, matches: Callable[[Session], object] | Mapping[str, Any], code: int, reason: str
    ) -> int:
        """Close the websockets of matching sessions, and return their number in this process."""
        if not isinstance(matches, Mapping):
            return await self.sockets.close_matching(matches, code, reason)
        values = _checked(matches)
        if self._nodes is not None:
            await self._nodes.announce(Closing(values, int(code), reason))
        return await self.sockets.close_matching(_having(values), code, reason)

    def _hear(self, announcement: Announcement) -> None:
        match announcement:
            case Ended(id, code, reason):
                self.sockets.begin_closing(id, code, reason)
            case Moved(old, new, expires):
                self.sockets.move(old, new)
                if self._expiry is not None:
                    self._expiry.move(old, new, expires)
            case Extended(id, expires):
                if self._expiry is not None:
                    self._expiry.extend(id, expires)
            case Closing(values, code, reason):
                self.sockets.begin_closing_matching(_having(values), code, reason)
            case _:
                assert_never(announcement)

    def _missed(self) -> None:
        # It is unknown who has logged out. Everyone else reconnects at once with a valid session.
        closing = self.sockets.close_known(CloseCode.TRY_AGAIN_LATER, "logouts were missed")
        self._closing_all = asyncio.get_running_loop().create_task(closing)

    def _close_expired(self, id: str) -> None:
        self.sockets.begin_closing(id, EXPIRED, "session expired")


def _checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values in the form that all nodes compare."""
    if not values:
        raise UsageError("close_websockets({}): expected at least one value, such as {'user': 'ann'}")
    try:
        text = msgspec.json.encode(dict(values))
        found: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
    except (TypeError, msgspec.MsgspecError) as error:
        raise UsageError(f"close_websockets({values!r}): JSON cannot express these values: {error}") from None
    if len(text) > MAX_VALUES:
        raise UsageError(
            f"close_websockets(): the values have {len(text)} bytes as JSON, at most {MAX_VALUES} are allowed"
        )
    return found


def _having(values: dict[str, Any]) -> Callable[[Session], bool]:
    return lambda session: all(name in session and session[name] == value for name, value in values.items())
