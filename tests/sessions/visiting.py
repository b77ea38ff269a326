"""Visitors of an application in memory: a clock that tests move, pipes that use it, browsers that keep cookies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from http.cookies import SimpleCookie
from typing import Any

from emmett import App, Response
from emmett.dispatch import run_request, run_websocket
from emmett.sessions.cookie import SessionCookie
from emmett.sessions.memory_store import MemoryStore
from emmett.sessions.pipe import SessionPipe
from emmett.sessions.ports import Store
from emmett.sessions.sealed import SealedKeeper, Sealer
from emmett.sessions.stored import StoredKeeper
from tests.http.builders import make_request, read
from tests.websockets.memory_connection import MemoryConnection

KEY = "a secret of many characters"
NAME = "emmett_session"
EXPIRE = 100


class Clock:
    """Seconds since the epoch, set by the test."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def make_cookie(name: str = NAME, expire: float = EXPIRE) -> SessionCookie:
    return SessionCookie(name, expire, False, "Lax", None)


def cookie_pipe(clock: Clock, key: str | Sequence[str] = KEY, name: str = NAME) -> SessionPipe:
    """Return a pipe of sessions in cookies, with a lifetime of a hundred seconds."""
    return SessionPipe(make_cookie(name), SealedKeeper(Sealer(key, name), EXPIRE, clock), clock)


def stored_pipe(clock: Clock, store: Store | None = None, name: str = NAME) -> SessionPipe:
    """Return a pipe of sessions on the server, with a lifetime of a hundred seconds."""
    if store is None:
        store = MemoryStore(1000, clock)
    return SessionPipe(make_cookie(name), StoredKeeper(store, EXPIRE, 10_000, clock), clock)


PIPES: dict[str, Callable[[Clock], SessionPipe]] = {"cookies": cookie_pipe, "memory": stored_pipe}


def make_app(*pipes: SessionPipe) -> App:
    """An application behind these pipes."""
    app = App(__name__)
    app.pipeline = list(pipes)
    return app


class Browser:
    """A visitor who keeps cookies.

    Attributes:
        cookies: the cookies, by name.
        set_cookies: the Set-Cookie fields of the last answer.
        headers: the other fields of the last answer.
    """

    def __init__(self, app: App, cookies: dict[str, str] | None = None) -> None:
        self.app = app
        self.cookies: dict[str, str] = dict(cookies or {})
        self.set_cookies: list[str] = []
        self.headers: dict[str, str] = {}

    @property
    def header(self) -> str:
        """The Cookie field."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    @property
    def token(self) -> str | None:
        """The cookie of the session."""
        return self.cookies.get(NAME)

    async def ask(self, path: str = "/", method: str = "GET", scheme: str = "http") -> Response:
        """Send a request, in a task of its own as servers do; keep the cookies of its answer."""
        return (await asyncio.create_task(self._ask(path, method, scheme)))[0]

    async def text(self, path: str = "/", method: str = "GET") -> str:
        """Send a request and return the body of its answer."""
        return (await asyncio.create_task(self._ask(path, method, "http")))[1].decode()

    async def _ask(self, path: str, method: str, scheme: str) -> tuple[Response, bytes]:
        asked = make_request(method, path, headers=[("Cookie", self.header)] if self.cookies else [])
        asked.scheme = scheme
        answer = await run_request(self.app.table, asked)
        pairs = [(name.decode(), value.decode()) for name, value in answer.raw_headers()]
        self.headers = {name: value for name, value in pairs if name != "set-cookie"}
        self.set_cookies = [value for name, value in pairs if name == "set-cookie"]
        for line in self.set_cookies:
            self._keep(line)
        return answer, await read(answer.body)

    def connect(self, path: str) -> Connecting:
        """Open a websocket with the cookies."""
        return Connecting(self.app, path, self.header)

    def _keep(self, line: str) -> None:
        for name, morsel in SimpleCookie(line).items():
            if morsel["max-age"] == "0":
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = morsel.value


class Connecting:
    """A websocket whose handler runs while the block does."""

    def __init__(self, app: App, path: str, cookies: str) -> None:
        headers = ((b"host", b"localhost"), *([(b"cookie", cookies.encode())] if cookies else []))
        self.connection = MemoryConnection(path=path, headers=headers)
        match = app.table.websockets.match(path, scheme="ws", host="localhost")
        assert match.endpoint is not None
        self._run = run_websocket(match.endpoint, self.connection.websocket, match.arguments)
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> MemoryConnection:
        self.task = asyncio.create_task(self._run)
        return self.connection

    async def __aexit__(self, *error: object) -> None:
        assert self.task is not None
        self.connection.leave()
        await self.task


async def opened(connection: MemoryConnection) -> list[Any]:
    """Wait until a connection is accepted or refused; return what was sent on it."""
    while not connection.events:  # noqa: ASYNC110 - there is no event for it
        await asyncio.sleep(0)
    return connection.sent
