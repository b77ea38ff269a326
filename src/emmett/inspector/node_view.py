"""`NodeView`: the answers of a process to questions about itself."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import platform
import secrets
import socket
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from ..channels import Channels
from ..engine import ENGINE
from ..errors import UsageError, WebsocketClosed
from ..websockets.websocket import Websocket
from ..wire.close import check_to_send
from .answers import ChannelList, Done, InspectedNode, NodeAnswer, NodeOverview, SettingList
from .broker_health import BrokerHealth, list_channels
from .inspected import InspectedApplication, names_of_users
from .live_connections import LiveConnections
from .loop_lag import LoopLag
from .merging import merge_channels
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
from .setting_rows import setting_rows
from .tails import Deliver, Tails


class CannotAnswer(UsageError):
    """A node cannot answer a question or carry out a request; the message says why."""


class NodeView:
    """The process that this code runs in.

    Arguments:
        app: the application.
        routes: the names of the inspector's own routes, whose connections are not watched.
        payloads: whether tails may show payloads.

    Attributes:
        node: the name of the process.
        live: its open websockets.
    """

    def __init__(self, app: InspectedApplication, routes: Sequence[str], payloads: bool) -> None:
        self.node = InspectedNode(secrets.token_hex(4), socket.gethostname()[:100], os.getpid())
        self.live = LiveConnections(self.node.id, functools.partial(names_of_users, app))
        self._app = app
        self._routes = routes
        self._payloads = payloads
        self._lag = LoopLag()
        self._began = time.monotonic()
        self._brokers: dict[Channels, BrokerHealth] = {}
        self._tails: Tails | None = None
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Observe until cancelled, for as long as the application runs."""
        self._began = time.monotonic()
        # A server may start workers after importing the application.
        self.node = InspectedNode(self.node.id, self.node.host, os.getpid())
        tails = self._tails = Tails(asyncio.get_running_loop())
        self.live.on_ended = lambda number, code, reason: tails.end(number, describe_end(code, reason))
        try:
            await self._lag.run()
        finally:
            self._tails = None
            tails.stop_all()
            for health in self._brokers.values():
                health.stop()
            self._brokers.clear()

    async def answer(self, question: NodeQuestion, deliver: Deliver) -> NodeAnswer:
        """Answer a question.

        Arguments:
            question: the question.
            deliver: called with the messages of a connection that is to be watched.

        Raises:
            CannotAnswer: the node cannot answer.
        """
        match question:
            case AskOverview():
                return await self._overview()
            case AskConnections():
                return await self.live.list(question)
            case AskChannels():
                return await self._channels(question)
            case AskSettings():
                return SettingList(setting_rows(self._app.config))
            case AskClose():
                return self._close(question)
            case AskDrain():
                return self._drain()
            case AskWatch():
                return self._watch(question, deliver)

    async def _overview(self) -> NodeOverview:
        for each in self._all_channels():
            self._brokers.setdefault(each, BrokerHealth(each))
        brokers = await asyncio.gather(*(health.overview() for health in list(self._brokers.values())))
        return NodeOverview(
            _version(),
            ENGINE,
            platform.python_version(),
            round(time.monotonic() - self._began, 1),
            len(self.live),
            self._app.is_draining,
            self._app.table.drain is not None,
            self._payloads,
            list(self._lag.samples),
            self._app.held_memory,
            _resident_memory(),
            list(brokers),
            self.live.slow(),
        )

    async def _channels(self, question: AskChannels) -> ChannelList:
        return merge_channels([await list_channels(each, question) for each in self._all_channels()], question.limit)

    def _all_channels(self) -> list[Channels]:
        return [each for each in self._app.wired if isinstance(each, Channels)]

    def _find(self, number: int) -> Websocket:
        connection = self.live.find(number)
        if connection is None:
            raise CannotAnswer(f"there is no connection {self.node.id}-{number}: it may have ended")
        return connection.websocket

    def _close(self, question: AskClose) -> Done:
        websocket = self._find(question.connection)
        try:
            check_to_send(question.code, question.reason)
        except ValueError as error:
            raise CannotAnswer(str(error)) from None
        # In a task, because it may have to wait for the peer.
        task = asyncio.create_task(_close(websocket, question.code, question.reason))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)
        return Done(f"closing with {question.code}")

    def _drain(self) -> Done:
        drain = self._app.table.drain
        if drain is None:
            raise CannotAnswer("the server of this node cannot be drained from here: send it SIGTERM")
        # Send the answer first.
        asyncio.get_running_loop().call_soon(drain)
        return Done("draining")

    def _watch(self, question: AskWatch, deliver: Deliver) -> Done:
        if self._tails is None:
            raise CannotAnswer("the node is starting or stopping")
        if question.stop:
            self._tails.stop(question.tail)
            return Done("stopped")
        if question.payloads and not self._payloads:
            raise CannotAnswer("payloads are not shown: app.inspector(…, payloads=True) allows it")
        connection = self.live.find(question.connection)
        if connection is not None and connection.route in self._routes:
            raise CannotAnswer(
                "a connection of the inspector itself cannot be watched: each report would cause another one"
            )
        websocket = self._find(question.connection)
        if not self._tails.watch(question.connection, websocket, question.tail, question.payloads, deliver):
            raise CannotAnswer("the node watches the maximum number of connections; close other tails")
        return Done("watching")


async def _close(websocket: Websocket, code: int, reason: str) -> None:
    with contextlib.suppress(WebsocketClosed):
        await websocket.close(code, reason)


def describe_end(code: int | None, reason: str) -> str:
    """Return a description of how a connection ended."""
    if code is None:
        return "it has ended"
    return f"it has ended with {code}" + (f": {reason}" if reason else "")


@functools.cache
def _version() -> str:
    try:
        return version("emmett")
    except PackageNotFoundError:
        return ""


def _resident_memory() -> int | None:
    """Return the bytes of memory that this process takes; None on systems without /proc."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None
