"""The ports between a session and its connection, endpoint and commands."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, Protocol

from msgspec import Raw

from ..channels.channels import RunningChannels
from ..channels.encoding import Encode
from ..channels.sink import Sink
from ..config import CentrifugeSettings
from .claims import Verifier
from .client import Client, ClientSubscription
from .codec import ClientCodec
from .codes import Ending
from .hooks import ClientHooks
from .messages import RPCRequest
from .pings import Pings
from .push_kinds import PushKinds
from .seats import Seats


class ClientCarrier(Sink, Protocol):
    """The connection of a client: a websocket, or one of the fallbacks."""

    async def send(self, data: str | bytes) -> None:
        """Send a message. Wait while the peer does not keep up.

        Raises:
            WebsocketClosed: the peer has gone.
        """


class ClientEndpoint(Protocol):
    """What the clients of one endpoint share.

    Attributes:
        node: the name of this process.
        settings: the bounds.
        hooks: the functions of the application.
        verifier: verifies tokens; None if there are none.
        cached: the namespaces in which clients recover only the newest publication.
        pings: pings the clients.
        seats: counts the clients.
        push_kinds: the encoders of publications, by the options of subscriptions.
    """

    node: str
    settings: CentrifugeSettings
    hooks: ClientHooks
    verifier: Verifier | None
    cached: frozenset[str]
    pings: Pings
    push_kinds: PushKinds
    seats: Seats

    def running(self) -> RunningChannels:
        """Return the running channels."""

    def session_user(self) -> str:
        """Return the user of the application's session; empty without one."""

    def channels_of(self, user: str) -> list[str]:
        """Return the channels that each client of a user is subscribed to."""

    def connected(self, session: Any) -> None:
        """Register a session, because its client has been accepted."""

    def left(self, session: Any) -> None:
        """Forget a session."""

    async def publish(self, client: Client, channel: str, data: str | bytes) -> None:
        """Publish for a client that may do so."""

    async def call(self, client: Client, request: RPCRequest, codec: ClientCodec) -> Raw:
        """Call a method for a client, and return its result."""

    async def take_message(self, client: Client, data: Raw, codec: ClientCodec) -> None:
        """Handle data that has no reply."""


class ActiveSession(Protocol):
    """A session, as its commands see it.

    Attributes:
        endpoint: what it shares with the other clients.
        client: the client.
        codec: its encoding.
        encode: encodes publications for it.
        sink: its connection.
        settings: the bounds.
        cached: the namespaces in which clients recover only the newest publication.
        key: the secret name by which a fallback addresses the session; empty for a websocket.
        is_connected: whether `connect` has succeeded.
        context: the context of the client, in which the application decides about its expiry; None if a token does.
    """

    endpoint: ClientEndpoint
    client: Client
    codec: ClientCodec
    encode: Encode
    sink: Sink
    settings: CentrifugeSettings
    cached: frozenset[str]
    key: str
    is_connected: bool
    context: Context | None

    def running(self) -> RunningChannels:
        """Return the running channels."""

    def end_later(self, subscription: ClientSubscription, ending: Ending) -> None:
        """End a subscription, and report it to the client."""

    async def disconnect(self, ending: Ending) -> None:
        """End the connection."""

    def set_timer(self, timer: asyncio.TimerHandle | None) -> None:
        """Replace the timer that ends the connection."""

    def spawn(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until the session ends at the latest."""
