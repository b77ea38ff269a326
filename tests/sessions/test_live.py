"""The websockets of sessions on several nodes: closed at a logout on any of them, and when the session expires."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from emmett import App, Channels, WebsocketClosed, session, websocket
from emmett.channels.brokers.memory import MemoryBroker, MemoryBus
from emmett.errors import UsageError
from emmett.sessions import SessionPipe
from emmett.sessions.live import EXPIRED
from emmett.sessions.memory_store import MemoryStore
from emmett.sessions.ports import Store
from emmett.sessions.sealed import SealedKeeper, Sealer
from emmett.sessions.stored import StoredKeeper
from emmett.testing import AsyncTestClient, TestWebsocket
from tests.sessions.visiting import EXPIRE, KEY, NAME, Clock, make_cookie


class Nodes:
    """Two nodes with one store and one bus between them."""

    def __init__(self, kind: str, *, close_expired: bool = False) -> None:
        self.clock = Clock()
        self.store = MemoryStore(1000, self.clock)
        self.bus = MemoryBus()
        self.pipes: list[SessionPipe] = []
        self.brokers: list[MemoryBroker] = []
        self.apps = [self._make(kind, close_expired) for _ in range(2)]

    def _make(self, kind: str, close_expired: bool) -> App:
        app = App(__name__)
        keeper = KEEPERS[kind](self.store, self.clock)
        sessions = SessionPipe(make_cookie(), keeper, self.clock, close_expired=close_expired)
        self.brokers.append(MemoryBroker(self.bus))
        sessions.connect(app, Channels(app, self.brokers[-1]))
        self.pipes.append(sessions)
        app.pipeline = [sessions]

        @app.route("/login/<str:name>")
        async def login(name: str) -> str:
            await sessions.renew()
            session.user = name
            return "done"

        @app.route("/touch")
        async def touch() -> str:
            session.touched = (session.touched or 0) + 1
            return "done"

        @app.route("/logout")
        async def logout() -> str:
            await sessions.end()
            return "done"

        @app.websocket("/live")
        async def live() -> None:
            await websocket.send(f"hello {session.user}")
            await websocket.wait_closed()

        return app


KEEPERS: dict[str, Callable[[Store, Clock], SealedKeeper | StoredKeeper]] = {
    "cookies": lambda store, clock: SealedKeeper(Sealer(KEY, NAME), EXPIRE, clock),
    "stored": lambda store, clock: StoredKeeper(store, EXPIRE, 10_000, clock),
}
every_kind = pytest.mark.parametrize("kind", KEEPERS)


async def log_in(client: AsyncTestClient, name: str) -> dict[str, str]:
    """Log in, and return the cookies of this visitor."""
    await client.get(f"/login/{name}")
    cookies = dict(client.cookies)
    client.cookies.clear()
    return cookies


async def ended(peer: TestWebsocket) -> tuple[int, str]:
    """Return how a websocket is closed, once it is."""
    with pytest.raises(WebsocketClosed) as closed:
        await peer.receive()
    return closed.value.code, closed.value.reason


@contextlib.asynccontextmanager
async def running(nodes: Nodes) -> AsyncIterator[tuple[AsyncTestClient, AsyncTestClient]]:
    async with nodes.apps[0].test_client_async() as here, nodes.apps[1].test_client_async() as there:
        yield here, there


@every_kind
async def test_a_logout_closes_the_websockets_of_all_nodes(kind: str) -> None:
    async with running(Nodes(kind)) as (here, there):
        ann, bob = await log_in(here, "ann"), await log_in(here, "bob")
        async with (
            here.websocket("/live", cookies=ann) as one,
            there.websocket("/live", cookies=ann) as two,
            there.websocket("/live", cookies=bob) as other,
        ):
            assert [await each.receive() for each in (one, two, other)] == ["hello ann", "hello ann", "hello bob"]
            await here.get("/logout", cookies=ann)
            assert await ended(one) == await ended(two) == (1008, "logged out")
            await there.get("/logout", cookies=bob)
            assert await ended(other) == (1008, "logged out")


@every_kind
async def test_a_new_id_reaches_all_nodes(kind: str) -> None:
    async with running(Nodes(kind)) as (here, there):
        ann = await log_in(here, "ann")
        async with there.websocket("/live", cookies=ann) as elsewhere:
            assert await elsewhere.receive() == "hello ann"
            here.cookies.update(ann)
            await here.get("/login/ann")
            await here.get("/logout")
            assert await ended(elsewhere) == (1008, "logged out")


@every_kind
async def test_sessions_with_given_values_are_closed_on_all_nodes(kind: str) -> None:
    nodes = Nodes(kind)
    async with running(nodes) as (here, there):
        ann, bob = await log_in(here, "ann"), await log_in(here, "bob")
        async with (
            here.websocket("/live", cookies=ann) as one,
            there.websocket("/live", cookies=ann) as two,
            there.websocket("/live", cookies=bob) as other,
        ):
            for each in (one, two, other):
                await each.receive()
            assert await nodes.pipes[0].close_websockets({"user": "ann"}, 4001, "come back") == 1
            assert await ended(one) == await ended(two) == (4001, "come back")
            # A function reaches only this process.
            assert await nodes.pipes[0].close_websockets(lambda known: True) == 0
            assert await nodes.pipes[1].close_websockets({"user": "bob", "missing": None}) == 0
            await other.ping()


async def test_values_that_cannot_be_sent_are_refused() -> None:
    pipe = Nodes("stored").pipes[0]
    cases: list[tuple[dict[str, object], str]] = [
        ({}, "at least one value"),
        ({"a": {1: object()}}, "JSON"),
        ({"a": "x" * 10_000}, "10008"),
    ]
    for values, message in cases:
        with pytest.raises(UsageError, match=message):
            await pipe.close_websockets(values)


def test_a_pipe_can_be_connected_only_once() -> None:
    nodes = Nodes("stored")
    with pytest.raises(UsageError, match="already connected to channels"):
        nodes.pipes[0].connect(nodes.apps[0], Channels(App(__name__)))


@every_kind
async def test_missed_logouts_make_clients_reconnect(kind: str) -> None:
    nodes = Nodes(kind)
    async with running(nodes) as (here, there):
        ann = await log_in(here, "ann")
        async with there.websocket("/live", cookies=ann) as known, there.websocket("/live") as stranger:
            assert [await each.receive() for each in (known, stranger)] == ["hello ann", "hello None"]
            nodes.pipes[1]._live._missed()
            assert await ended(known) == (1013, "logouts were missed")
            await stranger.ping()


@every_kind
async def test_an_expired_session_closes_its_websockets(kind: str) -> None:
    nodes = Nodes(kind, close_expired=True)
    async with running(nodes) as (here, there):
        ann, bob = await log_in(here, "ann"), await log_in(here, "bob")
        async with there.websocket("/live", cookies=ann) as one, there.websocket("/live", cookies=bob) as two:
            for each in (one, two):
                await each.receive()
            nodes.clock.now += EXPIRE / 2
            # Bob makes a request on the other node, which extends his session.
            await here.get("/touch", cookies=bob)
            await settled(nodes)
            nodes.clock.now += EXPIRE / 2
            watch = nodes.pipes[1]._live._expiry
            assert watch is not None
            await watch.look()
            assert await ended(one) == (EXPIRED, "session expired")
            await two.ping()
            nodes.clock.now += EXPIRE / 2
            await watch.look()
            assert await ended(two) == (EXPIRED, "session expired")
        assert len(watch) == 0


async def test_a_session_without_websockets_is_not_watched() -> None:
    nodes = Nodes("stored", close_expired=True)
    async with running(nodes) as (here, _):
        ann = await log_in(here, "ann")
        watch = nodes.pipes[0]._live._expiry
        assert watch is not None
        async with here.websocket("/live", cookies=ann) as one:
            async with here.websocket("/live", cookies=ann) as two:
                assert await one.receive() == await two.receive() == "hello ann"
            await one.ping()
            assert len(watch) == 1
        while len(watch):  # noqa: ASYNC110 - the pipe closes after the connection
            await asyncio.sleep(0)


async def settled(nodes: Nodes) -> None:
    """Wait until both nodes have received earlier announcements."""
    await nodes.pipes[0].close_websockets({"nobody": "has this"})
    for _ in range(20):
        await asyncio.sleep(0)
