"""The websockets of this process by session, so that a logout can close them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from weakref import WeakKeyDictionary, WeakSet

from ..errors import WebsocketClosed
from ..pacing import CLOSE_BATCH, CLOSE_PAUSE
from ..websockets.websocket import Websocket
from .session import Session

logger = logging.getLogger("emmett.session")

# Seconds that `end` waits for peers that do not read; their Close frames are queued in any case.
GRACE = 1.0


class SocketRegistry:
    """The open websockets that have passed one pipe. It keeps none of them alive."""

    def __init__(self) -> None:
        # The session of each websocket; None for a visitor without a session.
        self._ids: WeakKeyDictionary[Websocket, str | None] = WeakKeyDictionary()
        self._sessions: WeakKeyDictionary[Websocket, Session] = WeakKeyDictionary()
        self._by_id: dict[str, WeakSet[Websocket]] = {}
        # Tasks that wait for peers to close; the loop itself only has weak references to tasks.
        self._closing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, websocket: Websocket, id: str | None) -> None:
        """Note a websocket before its session is loaded, so that a logout in the meantime does not miss it."""
        self._ids[websocket] = id
        if id is not None:
            self._by_id.setdefault(id, WeakSet()).add(websocket)

    def has(self, id: str) -> bool:
        """Return whether a session has a websocket."""
        return id in self._by_id

    def set_session(self, websocket: Websocket, session: Session) -> None:
        """Note the session of a websocket, for `close_matching`."""
        self._sessions[websocket] = session

    def remove(self, websocket: Websocket) -> str | None:
        """Forget a websocket, and return the id of its session."""
        self._sessions.pop(websocket, None)
        id = self._ids.pop(websocket, None)
        if id is not None and (others := self._by_id.get(id)) is not None:
            others.discard(websocket)
            if not others:
                del self._by_id[id]
        return id

    def move(self, old: str, new: str) -> None:
        """Move the websockets of a session to its new id."""
        for websocket in list(self._by_id.pop(old, ())):
            self.add(websocket, new)

    async def close_session(self, id: str, code: int, reason: str) -> None:
        """Close the websockets of one session."""
        await self._close(self._by_id.get(id, ()), code, reason)

    def begin_closing(self, id: str, code: int, reason: str) -> None:
        """Close the websockets of one session, without waiting for them."""
        self._begin(self._by_id.get(id, ()), code, reason)

    def begin_closing_matching(self, matches: Callable[[Session], object], code: int, reason: str) -> None:
        """Close the websockets of sessions that match, without waiting for them."""
        self._begin(self._matching(matches), code, reason)

    async def close_known(self, code: int, reason: str) -> None:
        """Close all websockets with a session, some at a time, because their clients come back."""
        known = [websocket for websocket, id in list(self._ids.items()) if id is not None]
        for first in range(0, len(known), CLOSE_BATCH):
            self._begin(known[first : first + CLOSE_BATCH], code, reason)
            await asyncio.sleep(CLOSE_PAUSE)

    async def close_matching(self, matches: Callable[[Session], object], code: int, reason: str) -> int:
        """Close the websockets of sessions that match, and return their number."""
        found = self._matching(matches)
        await self._close(found, code, reason)
        return len(found)

    def _matching(self, matches: Callable[[Session], object]) -> list[Websocket]:
        return [websocket for websocket, session in list(self._sessions.items()) if matches(session)]

    async def _close(self, websockets: Iterable[Websocket], code: int, reason: str) -> None:
        if tasks := self._begin(websockets, code, reason):
            await asyncio.wait(tasks, timeout=GRACE)

    def _begin(self, websockets: Iterable[Websocket], code: int, reason: str) -> set[asyncio.Task[None]]:
        # Each in its own task, so that a websocket that waits for its peer does not delay the others.
        tasks = {asyncio.create_task(_close_one(websocket, code, reason)) for websocket in list(websockets)}
        self._closing |= tasks
        for task in tasks:
            task.add_done_callback(self._closing.discard)
        return tasks


async def _close_one(websocket: Websocket, code: int, reason: str) -> None:
    try:
        await websocket.close(code, reason)
    except WebsocketClosed:
        # It has ended on its own.
        pass
    except Exception:
        logger.exception("a websocket could not be closed")
