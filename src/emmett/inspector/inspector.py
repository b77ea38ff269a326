"""`Inspector`: look inside a running service on all its nodes, and act on it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncGenerator, Sequence

from ..channels import Channels, Kind, Subscription
from ..environment import DEVELOP
from ..errors import ConfigurationError, SlowSubscriber, UsageError
from ..wire.close import check_to_send
from .answers import (
    ChannelList,
    ConnectionList,
    Done,
    NodeOverview,
    SettingList,
    TailNews,
)
from .broker_health import INTERNAL
from .channel_report import report_channel
from .control import TIMEOUT, NodeControl, NodeReply, reserve
from .inspected import InspectedApplication
from .letters import split_connection
from .merging import merge_channels, merge_connections
from .node_view import CannotAnswer, NodeView
from .questions import (
    AskChannels,
    AskClose,
    AskConnections,
    AskDrain,
    AskOverview,
    AskSettings,
    AskWatch,
    NodeQuestion,
)
from .reports import ChannelReport, ChannelsReport, ConnectionsReport, NodesReport, NodeStatus
from .tails import LEASE, Deliver, MessageSampler

# The most news of a tail that wait for its reader; further ones are dropped.
MAX_NEWS = 64
# The routes of the inspector's connections.
LIVE_ROUTE = "emmett_inspector_live"


class Inspector:
    """Shows the nodes, connections and channels of an application, and acts on them. See `App.inspector`.

    Arguments:
        app: the application.
        is_protected: whether its page may be served outside of `emmett develop`: it has a condition, or there is no
            page.
        payloads: whether tails may show the content of messages.
        timeout: seconds within which the other nodes must answer.
    """

    def __init__(
        self, app: InspectedApplication, *, is_protected: bool, payloads: bool = False, timeout: float = TIMEOUT
    ) -> None:
        if any(isinstance(each, Inspector) for each in app.wired):
            raise ConfigurationError("app.inspector(…): the application already has an inspector")
        self._app = app
        self._is_protected = is_protected
        self._payloads = payloads
        self._timeout = timeout
        self._view = NodeView(app, (LIVE_ROUTE,), payloads)
        self._channels: Channels | None = None
        self._control: NodeControl | None = None
        self._find_channels()
        app.wired.append(self)
        app.observers.add(self._view.live)
        app.on_startup(self._prepare)
        app.background(self._run)

    @property
    def shows_payloads(self) -> bool:
        """Whether tails may show the content of messages."""
        return self._payloads

    @property
    def channels(self) -> Channels | None:
        """The channels through which nodes reach each other; None if the application has none."""
        return self._channels

    @contextlib.asynccontextmanager
    async def from_outside(self) -> AsyncGenerator[Inspector]:
        """Ask the nodes from a program that is not a node, such as `emmett ps`, for as long as the block lasts.

        Raises:
            UsageError: the application has no channels that reach other processes.
            BrokerUnavailable: the broker does not answer.
        """
        channels = self._channels
        if channels is None or channels.is_in_memory:
            raise UsageError("the application has no channels with a broker, through which its nodes can be reached")
        async with channels:
            control = self._control = NodeControl(None, channels, self._timeout)
            listening = asyncio.create_task(control.run())
            try:
                yield self
            finally:
                self._control = None
                listening.cancel()
                await asyncio.wait((listening,))

    # Looking.

    async def nodes(self) -> NodesReport:
        """Return all nodes with their state."""
        replies = await self._ask(AskOverview())
        return NodesReport(
            [
                NodeStatus(each.node, each.error, each.answer if isinstance(each.answer, NodeOverview) else None)
                for each in replies
            ],
            "" if self._running().is_outside else self._view.node.id,
        )

    async def connections(self, question: AskConnections | None = None) -> ConnectionsReport:
        """Return the matching connections of all nodes."""
        question = question or AskConnections()
        replies = await self._ask(question)
        lists = [each.answer for each in replies if isinstance(each.answer, ConnectionList)]
        return ConnectionsReport(merge_connections(lists, question.order, question.limit), _statuses(replies))

    async def list_channels(self, question: AskChannels | None = None) -> ChannelsReport:
        """Return the matching channels of all nodes."""
        question = question or AskChannels()
        replies = await self._ask(question)
        lists = [each.answer for each in replies if isinstance(each.answer, ChannelList)]
        return ChannelsReport(merge_channels(lists, question.limit), _statuses(replies))

    async def channel(self, name: str, payloads: bool = False) -> ChannelReport:
        """Return a channel in detail.

        Raises:
            InvalidChannel: the name is not valid.
            UsageError: the application has no channels, or does not allow payloads.
        """
        self._check_payloads(payloads)
        return await report_channel(self._own_channels(), name, payloads)

    async def settings(self, node: str = "") -> NodesReport:
        """Return the settings of one node, or of all."""
        replies = await self._ask(AskSettings(), node)
        return NodesReport(
            [
                NodeStatus(
                    each.node, each.error, settings=each.answer.rows if isinstance(each.answer, SettingList) else None
                )
                for each in replies
            ]
        )

    # Acting.

    async def close(self, connection: str, code: int = 1008, reason: str = "") -> str:
        """Close a connection, and return the message of its node.

        Arguments:
            connection: the ID of the connection.
            code: the close code.
            reason: at most 123 bytes in UTF-8; the peer sees it.

        Raises:
            UsageError: there is no such connection, or its node does not answer, or the code cannot be sent.
        """
        node, number = split_connection(connection)
        try:
            # Another node would take it for a message that no node has sent.
            check_to_send(code, reason)
        except ValueError as error:
            raise UsageError(str(error)) from None
        return await self._act(AskClose(number, code, reason), node)

    async def drain(self, node: str) -> str:
        """Make a node stop as at SIGTERM, and return its message.

        Raises:
            UsageError: it does not answer, or its server cannot be stopped by the application.
        """
        if not node:
            raise UsageError("drain: expected the ID of a node")
        return await self._act(AskDrain(), node)

    # Watching.

    async def watch(self, connection: str, payloads: bool = False) -> AsyncGenerator[TailNews]:
        """Yield the messages of a connection as they come, until it ends. Close the generator when it is not needed.

        Arguments:
            connection: the ID of the connection.
            payloads: whether to show their content.

        Raises:
            UsageError: there is no such connection, or its node refuses or does not answer.
        """
        node, number = split_connection(connection)
        tail = secrets.token_hex(8)
        control = self._running()
        news: asyncio.Queue[TailNews] = asyncio.Queue(MAX_NEWS)
        deliver = _into(news)
        question = AskWatch(number, tail, payloads)
        control.listen_to(tail, deliver)
        keeping: asyncio.Task[None] | None = None
        try:
            await self._act(question, node, deliver)
            keeping = asyncio.create_task(self._keep_watching(question, node, deliver))
            while True:
                latest = await news.get()
                yield latest
                if latest.ended:
                    return
        finally:
            control.ignore(tail)
            if keeping is not None:
                keeping.cancel()
                # Otherwise the tail would only end with its lease.
                with contextlib.suppress(UsageError):
                    await self._act(AskWatch(number, tail, payloads, stop=True), node)

    async def watch_channel(self, name: str, payloads: bool = False) -> AsyncGenerator[TailNews]:
        """Yield the publications of a channel or pattern as they come. Close the generator when it is not needed.

        Raises:
            UsageError: the application has no channels, or does not allow payloads.
            InvalidChannel: the name is not valid.
            BrokerUnavailable: the broker does not answer.
        """
        self._check_payloads(payloads)
        channels = self._own_channels()
        news: asyncio.Queue[TailNews] = asyncio.Queue(MAX_NEWS)
        sampler = MessageSampler("", payloads, _into(news), asyncio.get_running_loop())
        async with channels.subscribe(name, check=False) as feed:
            reading = asyncio.create_task(_read(feed, sampler))
            try:
                while True:
                    latest = await news.get()
                    yield latest
                    if latest.ended:
                        return
            finally:
                sampler.stop()
                reading.cancel()
                await asyncio.wait((reading,))

    # Inside.

    async def _run(self) -> None:
        control = self._control = NodeControl(self._view, self._channels, self._timeout)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._view.run())
                group.create_task(control.run())
        finally:
            self._control = None

    def _prepare(self) -> None:
        """Check at the start of the application what could not be known before."""
        if not self._is_protected and DEVELOP not in os.environ:
            raise ConfigurationError(
                "app.inspector(…) would let anyone see and close all connections: pass requires=…, a condition such as "
                "lambda: session.is_admin; or register it in development only, as emmett develop needs no condition"
            )
        # Channels that were created later also start later.
        self._find_channels()

    def _find_channels(self) -> None:
        if self._channels is None:
            self._channels = next((each for each in self._app.wired if isinstance(each, Channels)), None)
            if self._channels is not None:
                reserve(self._channels)

    def _running(self) -> NodeControl:
        if self._control is None:
            raise UsageError("the inspector works only while the application runs, which has not started")
        return self._control

    def _own_channels(self) -> Channels:
        if self._channels is None:
            raise UsageError("the application has no channels")
        return self._channels

    def _check_payloads(self, payloads: bool) -> None:
        if payloads and not self._payloads:
            raise CannotAnswer("payloads are not shown: app.inspector(…, payloads=True) allows it")

    async def _ask(self, question: NodeQuestion, node: str = "", deliver: Deliver | None = None) -> list[NodeReply]:
        replies = await self._running().ask(question, node, deliver)
        return sorted(replies, key=lambda reply: (reply.node.host, reply.node.pid, reply.node.id))

    async def _act(self, question: NodeQuestion, node: str, deliver: Deliver | None = None) -> str:
        (reply,) = await self._running().ask(question, node, deliver)
        if not isinstance(reply.answer, Done):
            raise CannotAnswer(f"node {node}: {reply.error}")
        return reply.answer.text

    async def _keep_watching(self, question: AskWatch, node: str, deliver: Deliver) -> None:
        """Renew the lease of a tail before it ends, and report a refusal."""
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                await self._act(question, node, deliver)
            except UsageError as error:
                deliver(TailNews(question.tail, [], 0, str(error)))
                return


async def _read(feed: Subscription, sampler: MessageSampler) -> None:
    """Pass the publications of a channel to a sampler."""
    try:
        async for publication in feed:
            if publication.kind is Kind.MESSAGE:
                # Messages between nodes are never shown.
                sampler.note(publication.data, "published", is_hidden=publication.channel.startswith(INTERNAL))
        sampler.report("the channels have stopped")
    except SlowSubscriber:
        sampler.report("publications arrive faster than they can be read")


def _into(news: asyncio.Queue[TailNews]) -> Deliver:
    def deliver(latest: TailNews) -> None:
        if news.full():
            # Keep the newest; the dropped ones are counted.
            lost = news.get_nowait()
            latest.skipped += lost.skipped + len(lost.messages)
        news.put_nowait(latest)

    return deliver


def _statuses(replies: Sequence[NodeReply]) -> list[NodeStatus]:
    return [NodeStatus(each.node, each.error) for each in replies]
