"""`Client`: one connection of an SDK, as the application's functions see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
from msgspec import Raw

from .codec import json_data
from .codes import FORCE_DISCONNECT, Ending
from .messages import NOTHING, ClientInfo
from .subscriber import ClientSubscriber


class ClientSession(Protocol):
    """The operations of a client on its connection."""

    async def send_message(self, data: Raw) -> None:
        """Send data outside of any channel."""

    async def disconnect(self, ending: Ending) -> None:
        """End the connection."""

    async def subscribe_by_server(self, channel: str) -> None:
        """Subscribe the client to a channel."""

    async def unsubscribe_by_server(self, channel: str, ending: Ending) -> None:
        """Unsubscribe the client from a channel."""


class ClientSubscription:
    """A channel that a client is subscribed to, or is being subscribed to.

    Attributes:
        channel: the channel.
        is_server_side: whether the server has subscribed the client.
        info: information about the client for others in this channel, as JSON.
        subscriber: receives the publications; None until it does.
        connection: its name in the presence of the channel; None without presence.
        ending: how it ended while it was being set up; None if it did not.
        timer: ends it when it expires.
        leaving: called when it ends, to release resources; None if there are none.
    """

    __slots__ = ("channel", "connection", "ending", "info", "is_server_side", "leaving", "subscriber", "timer")

    def __init__(self, channel: str, is_server_side: bool) -> None:
        self.channel = channel
        self.is_server_side = is_server_side
        self.info: Raw = NOTHING
        self.subscriber: ClientSubscriber | None = None
        self.connection: str | None = None
        self.ending: Ending | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.leaving: Callable[[], None] | None = None


class Client:
    """One connection of an SDK.

    Attributes:
        id: its id, unique among all nodes.
        user: the user; empty for an anonymous one.
        name, version: the name and version of the client application, as the SDK reports them.
        headers: the header fields that the SDK emulates, since browsers cannot set any.
        state: values of the application, for as long as the connection lasts.
        meta: the claim `meta` of the token, which only the server sees.
    """

    __slots__ = ("_session", "headers", "id", "info", "meta", "name", "state", "subscriptions", "user", "version")

    def __init__(self, session: ClientSession, id: str) -> None:
        self._session = session
        self.id = id
        self.user = ""
        # Information about the client for others, as JSON.
        self.info: Raw = NOTHING
        self.name = ""
        self.version = ""
        self.headers: Mapping[str, str] = {}
        self.state: dict[str, Any] = {}
        self.meta: Any = None
        self.subscriptions: dict[str, ClientSubscription] = {}

    @property
    def channels(self) -> list[str]:
        """The channels that it is subscribed to."""
        return [name for name, each in self.subscriptions.items() if each.subscriber is not None]

    def is_subscribed(self, channel: str) -> bool:
        """Return whether it is subscribed to a channel."""
        found = self.subscriptions.get(channel)
        return found is not None and found.subscriber is not None

    async def send(self, data: Any) -> None:
        """Send data outside of any channel: any value that JSON can express.

        Raises:
            TypeError: JSON cannot express it.
            WebsocketClosed: the client has left.
        """
        await self._session.send_message(json_data(data) or Raw(b"null"))

    async def disconnect(self, code: int = FORCE_DISCONNECT.code, reason: str = FORCE_DISCONNECT.reason) -> None:
        """Disconnect it.

        Arguments:
            code: 3000 to 4999. The client comes back after 3000 to 3499 and 4000 to 4499.
            reason: at most 123 bytes, and not empty: after an empty reason, SDKs always come back.
        """
        await self._session.disconnect(Ending(code, reason))

    async def subscribe(self, channel: str) -> None:
        """Subscribe it to a channel without asking `may_subscribe`. Do nothing if it is already subscribed."""
        await self._session.subscribe_by_server(channel)

    async def unsubscribe(self, channel: str, code: int = 2000, reason: str = "server unsubscribe") -> None:
        """Unsubscribe it from a channel. With a code of 2500 or above, the client subscribes again."""
        await self._session.unsubscribe_by_server(channel, Ending(code, reason))

    def describe(self, channel: str | None = None) -> ClientInfo:
        """Return its description for others in a channel."""
        found = None if channel is None else self.subscriptions.get(channel)
        return ClientInfo(
            user=self.user,
            client=self.id,
            conn_info=self.info,
            chan_info=NOTHING if found is None else found.info,
        )

    def __repr__(self) -> str:
        return f"<Client {self.id} of user {self.user!r}>"


def encode_client_info(info: ClientInfo) -> bytes:
    """Return the description of a client as JSON, for presence and publications."""
    return msgspec.json.encode(info)
