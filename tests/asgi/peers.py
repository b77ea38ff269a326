"""The server's side of ASGI, in memory, controlled step by step by the test."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from emmett import App

Pairs = Iterable[tuple[str, str]]


class Answer(NamedTuple):
    """The response to a request."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str | None:
        """The value of a field that comes once at most; None when it is missing."""
        values = [value for field, value in self.headers if field == name]
        assert len(values) < 2, f"{name} comes twice: {values}"
        return values[0] if values else None


def http_scope(method: str = "GET", target: str = "/", headers: Pairs = (), **changes: Any) -> dict[str, Any]:
    """Return the scope of a request, with `changes` to its values."""
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": _fields(headers),
        "client": ("192.0.2.1", 50000),
        "server": ("localhost", 80),
    }
    return {**scope, **changes}


def websocket_scope(target: str = "/", headers: Pairs = (), **changes: Any) -> dict[str, Any]:
    """Return the scope of a websocket, with `changes` to its values."""
    scope = http_scope("GET", target, headers)
    del scope["method"]
    scope |= {"type": "websocket", "scheme": "ws", "subprotocols": [], "extensions": {"websocket.http.response": {}}}
    return {**scope, **changes}


async def fetch(
    app: App, target: str = "/", method: str = "GET", *, headers: Pairs = (), body: bytes = b"", **changes: Any
) -> Answer:
    """Send one request and return the whole response, whose body must end as ASGI requires."""
    fields = list(headers)
    if body:
        fields.append(("content-length", str(len(body))))
    incoming = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Any] = []
    complete = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop(0)
        # The client stays until it has the whole response.
        await complete.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body", False):
            complete.set()

    await app(http_scope(method, target, fields, **changes), receive, send)
    assert [message["type"] for message in sent[:1]] == ["http.response.start"]
    assert {message["type"] for message in sent[1:]} == {"http.response.body"}
    assert [message.get("more_body", False) for message in sent[1:]] == [True] * (len(sent) - 2) + [False]
    received = [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
    return Answer(sent[0]["status"], received, b"".join(message.get("body", b"") for message in sent[1:]))


class WebsocketPeer:
    """A client of one websocket, in memory.

    Arguments:
        app: the application.
        target: path and query string.
        headers: header fields of the handshake.
        changes: values of the scope that differ from the default.

    Attributes:
        events: what the application sent and the test has not taken yet.
    """

    def __init__(self, app: App, target: str = "/", headers: Pairs = (), **changes: Any) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        # When cleared, the application has to wait with what it sends.
        self.reads = asyncio.Event()
        self.reads.set()
        # When set, sending fails, because the server has noticed that the connection is broken.
        self.broken = False
        self._incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._incoming.put_nowait({"type": "websocket.connect"})
        fields = list(headers)
        if all(name != "host" for name, _ in fields):
            fields.append(("host", "localhost"))
        scope = websocket_scope(target, fields, **changes)
        self.task = asyncio.ensure_future(app(scope, self._incoming.get, self._take))

    async def _take(self, event: Any) -> None:
        await self.reads.wait()
        if self.broken:
            raise ConnectionResetError
        self.events.put_nowait(event)
        if event["type"] == "websocket.http.response.body":
            # As uvicorn does: one event for its own end of the connection, another for the peer's.
            self.leave(1006)
            self.leave(1006)

    def send(self, *messages: str | bytes) -> None:
        """Send messages; they wait in the server until the application receives them."""
        for message in messages:
            kind = "text" if isinstance(message, str) else "bytes"
            self._incoming.put_nowait({"type": "websocket.receive", kind: message})

    def leave(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection from this side."""
        self._incoming.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})

    @property
    def waiting(self) -> int:
        """Events that the application has not received yet."""
        return self._incoming.qsize()

    async def next(self) -> Any:
        """Return the next event; when the application ends without one, its end: None, or the error raised."""
        event = asyncio.ensure_future(self.events.get())
        await asyncio.wait((event, self.task), return_when=asyncio.FIRST_COMPLETED)
        if event.done():
            return event.result()
        event.cancel()
        return self.task.result()

    async def accepted(self) -> dict[str, Any]:
        """Wait for the acceptance and return the event."""
        event = await self.next()
        assert event is not None
        assert event["type"] == "websocket.accept", event
        return dict(event)

    async def receive(self) -> str | bytes:
        """Wait for a message; a connection that is not accepted yet must be accepted first."""
        event = await self.next()
        if event is not None and event["type"] == "websocket.accept":
            event = await self.next()
        assert event is not None
        assert event["type"] == "websocket.send", event
        message: str | bytes = event["text"] if "text" in event else event["bytes"]
        return message

    async def refused(self) -> tuple[int, bytes]:
        """Wait for a refusal of the handshake and for the end; return status and body."""
        start, body = await self.next(), await self.next()
        assert (start["type"], body["type"]) == ("websocket.http.response.start", "websocket.http.response.body")
        assert await self.next() is None
        return start["status"], body["body"]

    async def closed(self) -> tuple[int, str]:
        """Wait for the application to close the connection and for its end; return code and reason."""
        event = await self.next()
        assert event is not None
        assert event["type"] == "websocket.close", event
        assert await self.next() is None
        return event["code"], event["reason"]

    async def ended(self) -> None:
        """Wait for the application to end without another event."""
        assert await self.next() is None


def _fields(headers: Pairs) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
