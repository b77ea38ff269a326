"""`Users`: which user a websocket belongs to, and messages to all websockets of a user, on all nodes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec

from .channels import Channels, Kind, Publication
from .ctx import websocket
from .errors import BrokerUnavailable, UsageError, WebsocketClosed
from .pacing import CLOSE_BATCH, CLOSE_PAUSE
from .rare_log import RareLog
from .websockets.websocket import Websocket
from .wire.close import CloseCode, check_to_send

logger = logging.getLogger("emmett.users")

# The namespaces of its channels; no application uses them.
MESSAGES = "emmett-user"
ONLINE = "emmett-online"
KICKS = "emmett-kicks"
# Messages to a user, and kicks, that a node can miss while the broker is away without losing them.
MESSAGES_KEPT = 100
KICKS_KEPT = 1000
# Bytes in the name of a user: it is the member of a channel with presence.
MAX_USER_LENGTH = 200


class HostOfUsers(Protocol):
    """The application whose users these are: an `App`."""

    @property
    def wired(self) -> list[Any]:
        """Objects attached to the application, where the inspector finds them."""

    def background(self, function: Callable[[], Any]) -> Any:
        """Register a function that runs for as long as the application."""


class _Kick(msgspec.Struct):
    """What nodes tell each other to close."""

    user: str
    code: int
    reason: str


class Users:
    """The users of an application, by their websockets on all nodes.

    Arguments:
        app: the application.
        channels: its channels, through whose broker nodes reach each other.
        timeout: seconds that a websocket waits to be connected while kicks cannot arrive.

    Raises:
        ConfigurationError: there are users on these channels already.
    """

    def __init__(self, app: HostOfUsers, channels: Channels, *, timeout: float = 10.0) -> None:
        self._channels = channels
        self._timeout = timeout
        # Only `Users`: otherwise a client that may choose its channel could read and write all of this.
        channels.namespace(MESSAGES, history=MESSAGES_KEPT, may_subscribe=_nobody, may_publish=_nobody)
        channels.namespace(KICKS, history=KICKS_KEPT, may_subscribe=_nobody, may_publish=_nobody)
        channels.namespace(ONLINE, presence=True, may_subscribe=_nobody, may_publish=_nobody)
        self._websockets: dict[str, dict[Websocket, None]] = {}
        self._names: dict[Websocket, list[str]] = {}
        # Set while kicks from other nodes arrive.
        self._listens = asyncio.Event()
        self._has_listened = False
        self._closing: set[asyncio.Task[None]] = set()
        self._log = RareLog(logger)
        app.wired.append(self)
        app.background(self._listen)

    @contextlib.asynccontextmanager
    async def connected(self, user: str) -> AsyncIterator[None]:
        """Make the websocket of the running context one of a user for as long as the block lasts, and accept it first.

        Arguments:
            user: the name or ID of the user.

        Raises:
            UsageError: the user is empty, or longer than 200 bytes in UTF-8.
            BrokerUnavailable: the broker does not answer.
        """
        _check_user(user)
        connection = websocket.connection
        try:
            async with asyncio.timeout(self._timeout):
                await self._listens.wait()
        except TimeoutError:
            raise BrokerUnavailable(
                f"user {user!r} cannot be connected: kicks have not been heard for {self._timeout:g} s"
            ) from None
        own = self._websockets.setdefault(user, {})
        own[connection] = None
        names = self._names.setdefault(connection, [])
        names.append(user)
        try:
            async with (
                self._channels.subscribe(_channel_of(user), deliver=connection, check=False),
                self._channels.subscribe(
                    f"{ONLINE}:users", deliver=connection, encode=_nothing, member=user, check=False
                ),
            ):
                yield
        finally:
            names.remove(user)
            # A websocket may be connected as the same user more than once.
            if user not in names:
                own.pop(connection, None)
            if not names:
                self._names.pop(connection, None)
            if not own and self._websockets.get(user) is own:
                del self._websockets[user]

    async def tell(self, user: str, message: Any) -> None:
        """Send a message to all websockets of a user, on all nodes.

        Arguments:
            user: the user.
            message: `str` or `bytes` is sent as it is, any other value that JSON can express as JSON text.

        Raises:
            BrokerUnavailable: the broker does not answer. The message may still have been sent.
            TypeError: JSON cannot express the message.
            UsageError: as `connected`.
        """
        _check_user(user)
        await self._channels.publish(_channel_of(user), message, check=False)

    async def kick(self, user: str, code: int = CloseCode.POLICY_VIOLATION, reason: str = "") -> None:
        """Close all websockets of a user, on all nodes. The user may come back: refuse the next handshake if need be.

        Arguments:
            user: the user.
            code: the close code, 1008 by default.
            reason: at most 123 bytes in UTF-8; the peer sees it.

        Raises:
            BrokerUnavailable: the broker does not answer.
            ValueError: the code or the reason cannot be sent.
            UsageError: as `connected`.
        """
        _check_user(user)
        check_to_send(code, reason)
        text = msgspec.json.encode(_Kick(user, int(code), reason)).decode()
        await self._channels.publish(f"{KICKS}:all", text, check=False)

    async def online(self) -> dict[str, int]:
        """Return the users with an open websocket on any node, and how many each has.

        A node that was killed counts for another 30 seconds.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        present = await self._channels.presence(f"{ONLINE}:users")
        return {user: member.connections for user, member in present.items()}

    def names_of(self, connection: object) -> Sequence[str]:
        """Return the users that a websocket of this process belongs to, in most cases one or none."""
        return self._names.get(connection, ())  # type: ignore[call-overload, no-any-return]

    async def _listen(self) -> None:
        """Close what other nodes, and this one, ask to close."""
        try:
            async with self._channels.subscribe(f"{KICKS}:all", check=False) as feed:
                if self._has_listened:
                    # This runs again after a failure, and kicks made meanwhile are unknown.
                    self._missed()
                self._has_listened = True
                self._listens.set()
                async for publication in feed:
                    self._handle(publication)
        finally:
            self._listens.clear()

    def _handle(self, publication: Publication) -> None:
        if publication.kind is Kind.GAP:
            self._missed()
            return
        try:
            kick = msgspec.json.decode(publication.data, type=_Kick)
            check_to_send(kick.code, kick.reason)
        except (msgspec.MsgspecError, ValueError):
            self._log.warn("ignored a kick that users.kick did not make")
            return
        for each in list(self._websockets.get(kick.user, ())):
            # Each in its own task, so that a websocket that waits for its peer does not delay the others.
            self._spawn(_close(each, kick.code, kick.reason))

    def _missed(self) -> None:
        """Close the websockets of all users, whose clients come back at once: somebody among them was kicked."""
        self._log.warn("kicks were missed while the broker was away: the websockets of all users are closed with 1013")
        self._spawn(self._close_all())

    async def _close_all(self) -> None:
        known = list(self._names)
        for first in range(0, len(known), CLOSE_BATCH):
            for each in known[first : first + CLOSE_BATCH]:
                self._spawn(_close(each, CloseCode.TRY_AGAIN_LATER, "kicks were missed"))
            await asyncio.sleep(CLOSE_PAUSE)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(connection: Websocket, code: int, reason: str) -> None:
    # The websocket may end by itself.
    with contextlib.suppress(WebsocketClosed):
        await connection.close(code, reason)


def _nobody(*_: object) -> bool:
    return False


def _channel_of(user: str) -> str:
    """Return the channel of a user. It contains a hash, as a name may have characters that channels do not allow."""
    return f"{MESSAGES}:{hashlib.blake2b(user.encode(), digest_size=16).hexdigest()}"


def _check_user(user: object) -> None:
    if not isinstance(user, str) or not 0 < len(user.encode("utf-8", "surrogatepass")) <= MAX_USER_LENGTH:
        raise UsageError(f"user {user!r}: expected text of 1 to {MAX_USER_LENGTH} bytes in UTF-8")
    try:
        user.encode()
    except UnicodeEncodeError:
        raise UsageError(f"user {user!r}: expected text that UTF-8 can express") from None


def _nothing(publication: Publication) -> None:
    """Return no message: nobody hears who else is online."""
