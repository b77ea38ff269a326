"""Orders for clients of any process, sent through a channel to which every process is subscribed."""

from __future__ import annotations

import asyncio
import contextlib
import fnmatch
import logging
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Raw

from ..channels import Channels, Publication
from ..errors import BrokerUnavailable, SlowSubscriber, WebsocketClosed
from .access import Permission
from .client import Client
from .codes import CONNECTION_EXPIRED, UNSUBSCRIBED_BY_SERVER, Ending
from .messages import NOTHING

# The namespace of these channels. Clients may not use a namespace that begins with "emmett-".
NAMESPACE = "emmett-centrifuge"
# Seconds to wait for the answers of other processes, whose number is unknown.
SURVEY_TIMEOUT = 1.0
# Seconds to wait before subscribing again after the subscription was lost.
RETRY_PAUSE = 1.0
# The most channels that one process lists.
MAX_LISTED = 10_000

logger = logging.getLogger("emmett.centrifuge")


class Order(msgspec.Struct, omit_defaults=True):
    """An order that every process carries out for its own matching clients.

    Attributes:
        action: the action.
        user, client: the clients; an empty one matches any, and at least one is set. `client` may be a session's name.
        keep: ids of clients to exclude.
        channel: the channel to subscribe to, or to unsubscribe from; for a survey a pattern.
        code, reason: how a connection or a subscription ends.
        expires_at: when connections expire next; None for never.
        info, data: information for others, and data for the client, about the subscription, as JSON.
        answer: the channel for the answers to a survey; for commands, the node that has the session.
        text, binary: the commands of a fallback for the session `client`, in JSON or in Protobuf.
    """

    action: Literal["disconnect", "unsubscribe", "subscribe", "refresh", "survey", "emulate"]
    user: str = ""
    client: str = ""
    keep: list[str] = msgspec.field(default_factory=list)
    channel: str = ""
    code: int = 0
    reason: str = ""
    expires_at: float | None = None
    info: Raw = NOTHING
    data: Raw = NOTHING
    answer: str = ""
    text: str = ""
    binary: bytes = b""


class NodeReport(msgspec.Struct, omit_defaults=True):
    """The answer of one process to a survey.

    Attributes:
        node: its name.
        clients, users, subscriptions: the numbers of each.
        channels: the number of its clients by channel, for the channels that match the pattern.
    """

    node: str
    clients: int
    users: int
    subscriptions: int
    channels: dict[str, int]


class ControlledSession(Protocol):
    """The operations on a session that other processes may order."""

    client: Client
    key: str

    async def disconnect(self, ending: Ending) -> None:
        """End the connection."""

    async def subscribe_by_server(self, channel: str, permission: Permission = ...) -> None:
        """Subscribe the client to a channel, and report it."""

    async def unsubscribe_by_server(self, channel: str, ending: Ending) -> None:
        """Unsubscribe the client from a channel, and report it."""

    async def refresh_by_server(self, expires_at: float | None) -> None:
        """Change when the connection expires, and report it."""

    def spawn(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine until the session ends at the latest."""


_decode_order = msgspec.json.Decoder(Order).decode
_decode_report = msgspec.json.Decoder(NodeReport).decode


class Control:
    """Sends orders, and carries out those of all processes.

    Arguments:
        channels: the channels of the application.
        name: the name of the endpoint.
        node: the name of this process.
        sessions: returns the connected sessions of this process.
        emulate: passes commands to a session of this process, by its secret name.
    """

    def __init__(
        self,
        channels: Channels,
        name: str,
        node: str,
        sessions: Callable[[], list[ControlledSession]],
        emulate: Callable[[str, str | bytes], bool] = lambda *_: False,
    ) -> None:
        self._channels = channels
        self._channel = f"{NAMESPACE}:{name}"
        self._node = node
        self._sessions = sessions
        self._emulate = emulate

    async def send(self, order: Order) -> None:
        """Let every process carry out an order.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        _ = await self._channels.publish(self._channel, msgspec.json.encode(order).decode(), check=False)

    async def survey(self, pattern: str = "*") -> list[NodeReport]:
        """Return the reports of all processes that answer in time.

        Arguments:
            pattern: the channels to count, with `*` and `?`.

        Raises:
            BrokerUnavailable: the broker does not answer.
        """
        answer = f"{NAMESPACE}:answer-{secrets.token_hex(8)}"
        found: dict[str, NodeReport] = {}
        async with self._channels.subscribe(answer) as feed:
            await self.send(Order("survey", channel=pattern, answer=answer))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SURVEY_TIMEOUT):
                    async for publication in feed:
                        with contextlib.suppress(msgspec.MsgspecError):
                            report = _decode_report(publication.data)
                            found[report.node] = report
                        if self._channels.is_in_memory:
                            # There is only one process.
                            break
        return list(found.values())

    async def run(self, started: asyncio.Event) -> None:
        """Carry out the orders of all processes for as long as the channels run.

        Arguments:
            started: set once this process receives orders.
        """
        while True:
            try:
                async with self._channels.subscribe(self._channel) as feed:
                    started.set()
                    async for publication in feed:
                        self._take(publication)
                    return
            except (BrokerUnavailable, SlowSubscriber) as error:
                logger.warning("orders from other processes cannot be received for now, and may be lost: %s", error)
                await asyncio.sleep(RETRY_PAUSE)

    def _take(self, publication: Publication) -> None:
        try:
            order = _decode_order(publication.data)
        except msgspec.MsgspecError as error:
            if publication.data:
                logger.warning("ignored an unreadable order from another process: %s", error)
            return
        if order.action == "survey":
            self._channels.running().hub.tasks.spawn(self._answer(order))
            return
        if order.action == "emulate":
            if order.answer == self._node:
                _ = self._emulate(order.client, order.binary or order.text)
            return
        for session in self._sessions():
            if _is_about(order, session):
                session.spawn(_carry_out(order, session))

    async def _answer(self, order: Order) -> None:
        sessions = self._sessions()
        counts: dict[str, int] = {}
        subscriptions = 0
        for session in sessions:
            for channel in session.client.channels:
                subscriptions += 1
                if fnmatch.fnmatchcase(channel, order.channel) and (channel in counts or len(counts) < MAX_LISTED):
                    counts[channel] = counts.get(channel, 0) + 1
        users = len({session.client.user for session in sessions})
        report = NodeReport(self._node, len(sessions), users, subscriptions, counts)
        try:
            _ = await self._channels.publish(order.answer, msgspec.json.encode(report).decode(), check=False)
        except (BrokerUnavailable, ValueError) as error:
            logger.warning("could not answer a survey from another process: %s", error)


def _is_about(order: Order, session: ControlledSession) -> bool:
    client = session.client
    if not (order.user or order.client) or client.id in order.keep:
        return False
    return order.user in ("", client.user) and order.client in ("", client.id, session.key)


async def _carry_out(order: Order, session: ControlledSession) -> None:
    with contextlib.suppress(WebsocketClosed):
        match order.action:
            case "disconnect":
                await session.disconnect(Ending(order.code, order.reason))
            case "unsubscribe":
                for channel in [order.channel] if order.channel else session.client.channels:
                    await session.unsubscribe_by_server(channel, UNSUBSCRIBED_BY_SERVER)
            case "subscribe":
                await session.subscribe_by_server(order.channel, Permission(order.info, order.data, order.expires_at))
            case "refresh" if order.code:
                await session.disconnect(CONNECTION_EXPIRED)
            case "refresh":
                await session.refresh_by_server(order.expires_at)
