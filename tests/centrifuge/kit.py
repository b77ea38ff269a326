"""Tools for the tests of the Centrifuge protocol: raw clients on the test client, and tokens."""

from __future__ import annotations

import contextlib
import json
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

import jwt

from emmett import App, Channels
from emmett.centrifuge import Centrifuge
from emmett.channels.brokers.memory import MemoryBroker
from emmett.errors import WebsocketClosed
from emmett.testing import AsyncTestClient, TestWebsocket

SECRET = "a secret of more than thirty-two bytes"
PATH = "/connection/websocket"


def token(key: Any = SECRET, algorithm: str = "HS256", headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """Return a signed token."""
    return jwt.encode(claims, key, algorithm, headers=headers)


def soon(seconds: float) -> float:
    """Return a moment a number of seconds from now, in seconds since 1970."""
    return int(time.time() + seconds)


class RawClient:
    """Sends commands and takes replies and pushes as they are on the wire.

    Attributes:
        pushes: the pushes that came while a reply was waited for.
    """

    def __init__(self, websocket: TestWebsocket) -> None:
        self.websocket = websocket
        self.pushes: deque[Any] = deque()
        self._waiting: deque[Any] = deque()
        self._ids = 0

    async def send(self, *commands: Any) -> None:
        """Send commands in one frame."""
        await self.websocket.send("\n".join(map(json.dumps, commands)))

    async def receive(self) -> Any:
        """Return the next reply, push or ping."""
        while not self._waiting:
            frame = await self.websocket.receive()
            assert isinstance(frame, str)
            self._waiting.extend(map(json.loads, frame.split("\n")))
        return self._waiting.popleft()

    async def push(self) -> Any:
        """Return the next push."""
        while not self.pushes:
            found = await self.receive()
            assert "push" in found, found
            self.pushes.append(found["push"])
        return self.pushes.popleft()

    async def ask(self, **request: Any) -> Any:
        """Send a command, and return its reply without the id: the result under its name, or the error."""
        self._ids += 1
        await self.send({"id": self._ids, **request})
        while True:
            found = await self.receive()
            if "push" in found:
                self.pushes.append(found["push"])
                continue
            assert found.pop("id") == self._ids
            return found

    async def connect(self, **request: Any) -> Any:
        """Connect, and return the result."""
        return (await self.ask(connect=request))["connect"]

    async def subscribe(self, channel: str, **request: Any) -> Any:
        """Subscribe, and return the result."""
        return (await self.ask(subscribe={"channel": channel, **request}))["subscribe"]

    async def error(self, **request: Any) -> int:
        """Send a command, and return the code of the error that answers it."""
        found: int = (await self.ask(**request))["error"]["code"]
        return found

    async def ended(self) -> tuple[int, str]:
        """Wait for the end of the connection, and return code and reason."""
        with contextlib.suppress(WebsocketClosed):
            while True:
                self._waiting.append(await self.websocket.receive())
        assert self.websocket.close_code is not None
        assert self.websocket.close_reason is not None
        return self.websocket.close_code, self.websocket.close_reason


class Service:
    """An application with an endpoint.

    Attributes:
        app, channels, centrifuge: its parts.
        client: the test client, while it runs.
    """

    def __init__(self, broker: MemoryBroker | str | None = None, **options: Any) -> None:
        self.app = App(__name__)
        self.channels = Channels(self.app, broker, linger=0.0)
        self.centrifuge = Centrifuge(self.app, self.channels, **options)
        self.client: AsyncTestClient

    @property
    def subscribers(self) -> int:
        """The number of subscribers, without the one for the orders of other processes."""
        return self.channels.stats().subscribers - 1

    def open_namespace(self, name: str, **options: Any) -> None:
        """Declare a namespace to which anyone may subscribe and publish."""
        rights = {"may_subscribe": lambda _: True, "may_publish": lambda *_: True}
        self.channels.namespace(name, **{**rights, **options})

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator[Service]:
        """Run the application in memory."""
        async with self.app.test_client_async() as self.client:
            yield self

    @contextlib.asynccontextmanager
    async def raw(self, **options: Any) -> AsyncIterator[RawClient]:
        """Open a websocket."""
        async with self.client.websocket(PATH, **options) as websocket:
            yield RawClient(websocket)

    @contextlib.asynccontextmanager
    async def connected(self, **request: Any) -> AsyncIterator[RawClient]:
        """Open a websocket, and connect."""
        async with self.raw() as client:
            await client.connect(**request)
            yield client
