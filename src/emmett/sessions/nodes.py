"""What nodes tell each other about sessions, so that a logout closes websockets on all of them."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import msgspec

from ..errors import BrokerUnavailable
from ..rare_log import RareLog
from ..wire.close import check_to_send
from .ports import StoreUnavailable

logger = logging.getLogger("emmett.session")

# The prefix of the namespaces of its channels, reserved for emmett.
NAMESPACE = "emmett-sessions"
# The most announcements that a node can recover when the broker comes back.
KEPT = 1000
# The most announcements that wait for the broker, and the seconds until they are sent again.
WAITING = 1000
PAUSE = 1.0
# Seconds that a handshake waits until announcements of other nodes can be received, usually soon after the start.
READY_TIMEOUT = 10.0


class Ended(msgspec.Struct, tag="ended"):
    """A session has ended, so its websockets close."""

    id: str
    code: int
    reason: str


class Moved(msgspec.Struct, tag="moved"):
    """A session has a new id and a new expiry."""

    old: str
    new: str
    expires: int


class Extended(msgspec.Struct, tag="extended"):
    """A session has a later expiry."""

    id: str
    expires: int


class Closing(msgspec.Struct, tag="closing"):
    """The websockets of all sessions with these values close."""

    values: dict[str, Any]
    code: int
    reason: str


Announcement = Ended | Moved | Extended | Closing


class HostOfSessions(Protocol):
    """The application whose sessions these are: an `App`."""

    def background(self, function: None = None, *, name: str | None = None) -> Callable[[Any], Any]:
        """Register a function that runs for as long as the application."""


class ChannelsOfSessions(Protocol):
    """The channels that carry announcements: a `Channels`."""

    def namespace(
        self,
        name: str,
        *,
        history: int = 0,
        may_subscribe: Callable[[str], bool] | None = None,
        may_publish: Callable[[str, Any], bool] | None = None,
    ) -> Any:
        """Declare the options of a namespace."""

    async def publish(self, channel: str, data: Any, *, check: bool = True) -> Any:
        """Publish data."""

    def subscribe(self, *names: str, check: bool = True) -> AbstractAsyncContextManager[Any]:
        """Subscribe to channels."""


class SessionNodes:
    """Sends announcements to all nodes, including this one, and receives theirs.

    Arguments:
        app: the application.
        channels: its channels.
        cookie_name: the name of the session's cookie; each name has its own namespace.
        hear: called with each announcement.
        missed: called when announcements were missed that cannot be recovered.
    """

    def __init__(
        self,
        app: HostOfSessions,
        channels: ChannelsOfSessions,
        cookie_name: str,
        hear: Callable[[Announcement], None],
        missed: Callable[[], None],
    ) -> None:
        self._channels = channels
        # The name of a cookie may contain characters that are not allowed in the name of a channel.
        namespace = f"{NAMESPACE}-{hashlib.blake2b(cookie_name.encode(), digest_size=8).hexdigest()}"
        self._channel = f"{namespace}:all"
        self._hear = hear
        self._missed = missed
        self._listens = asyncio.Event()
        self._waiting: asyncio.Queue[str] = asyncio.Queue(WAITING)
        # Whether a waiting announcement is still to be sent: later ones must not overtake it.
        self._is_late = False
        self._has_listened = False
        self._log = RareLog(logger)
        # Only nodes: otherwise a client that may choose its channel could read and write announcements.
        channels.namespace(
            namespace, history=KEPT, may_subscribe=lambda _: False, may_publish=lambda _channel, _data: False
        )
        app.background(name=f"emmett.sessions.{cookie_name}.listen")(self._listen)
        app.background(name=f"emmett.sessions.{cookie_name}.announce")(self._announce_waiting)

    async def ready(self) -> None:
        """Wait until announcements can be received.

        Raises:
            StoreUnavailable: it takes too long; the handshake is answered with 503.
        """
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                await self._listens.wait()
        except TimeoutError:
            self._log.warn(
                "a websocket was refused: no logouts of other nodes could be received for %g s", READY_TIMEOUT
            )
            raise StoreUnavailable from None

    async def announce(self, announcement: Announcement) -> None:
        """Send an announcement to all nodes. While the broker does not answer, the announcement waits for it."""
        text = msgspec.json.encode(announcement).decode()
        if self._is_late:
            self._wait_with(text)
            return
        try:
            await self._channels.publish(self._channel, text, check=False)
        except BrokerUnavailable as error:
            self._log.warn("a change of a session cannot be announced to other nodes yet: %s", error)
            self._wait_with(text)

    def _wait_with(self, text: str) -> None:
        try:
            self._waiting.put_nowait(text)
            self._is_late = True
        except asyncio.QueueFull:
            self._log.warn(
                "a change of a session is not announced to other nodes: %d changes already wait for the broker", WAITING
            )

    async def _announce_waiting(self) -> None:
        while True:
            text = await self._waiting.get()
            while True:
                try:
                    await self._channels.publish(self._channel, text, check=False)
                    break
                except BrokerUnavailable:
                    await asyncio.sleep(PAUSE)
            self._is_late = not self._waiting.empty()

    async def _listen(self) -> None:
        try:
            async with self._channels.subscribe(self._channel, check=False) as feed:
                if self._has_listened:
                    # This runs again after a failure, and announcements made meanwhile are unknown.
                    self._missed()
                self._has_listened = True
                self._listens.set()
                async for publication in feed:
                    self._handle(publication)
        finally:
            self._listens.clear()

    def _handle(self, publication: Any) -> None:
        if publication.kind.value == "gap":
            self._log.warn("logouts on other nodes were missed while the broker was unavailable")
            self._missed()
            return
        try:
            announcement: Announcement = msgspec.json.decode(publication.data, type=Announcement)
            if isinstance(announcement, Ended | Closing):
                check_to_send(announcement.code, announcement.reason)
        except (msgspec.MsgspecError, ValueError):
            self._log.warn("ignored an announcement about sessions that is not from a node")
            return
        self._hear(announcement)
