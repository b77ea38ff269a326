"""Tools for the tests of the inspector: nodes of a service, with a broker between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from emmett import App, Channels, websocket
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.inspector import Inspector
from emmett.users import Users
from tests.channels.kit import until


class Node:
    """One node: its application, and the parts that belong to it."""

    def __init__(self, broker: Any = None, *, timeout: float = 5.0, **options: Any) -> None:
        self.app = App("tests.service")
        self.channels = Channels(self.app, MemoryBroker(MemoryBus()) if broker is None else broker)
        self.channels.namespace("room", history=10, presence=True)
        self.users = Users(self.app, self.channels)
        self.inspector = Inspector(self.app, is_protected=True, timeout=timeout, **options)
        users, channels = self.users, self.channels

        @self.app.websocket("/echo")
        async def echo() -> None:
            async for message in websocket:
                await websocket.send(message)

        @self.app.websocket("/live/<str:user>")
        async def live(user: str) -> None:
            async with (
                users.connected(user),
                channels.subscribe("room:1", deliver=websocket, member=user, info={"colour": "red"}),
            ):
                await websocket.send("ready")
                async for message in websocket:
                    await channels.publish("room:1", message)

    @property
    def id(self) -> str:
        """Its ID among the nodes."""
        return self.inspector._view.node.id

    @property
    def known(self) -> set[str]:
        """The IDs of the other nodes that it has heard of."""
        control = self.inspector._control
        return set() if control is None else {node.id for node in control.peers.known()}


async def meet(*nodes: Node) -> None:
    """Wait until nodes have heard of each other; over a broker, the deadline is that of the test."""
    while not all(node.known >= {other.id for other in nodes if other is not node} for node in nodes):  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def listening(node: Node) -> None:
    """Wait until a node receives questions."""
    await until(lambda: node.inspector._control is not None and node.inspector._control.is_listening.is_set())


async def there_is(condition: Callable[[], object]) -> None:
    """Wait for a message through a broker; the deadline is that of the test."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)
