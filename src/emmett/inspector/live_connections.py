"""The open websockets of a process, and slow peers and subscribers, from the events of observers."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ..logs import format_client
from ..observers import (
    Address,
    Observer,
    SendStalled,
    SlowConsumer,
    WebsocketCounts,
    WebsocketEnded,
    WebsocketOpened,
)
from ..websockets.websocket import Websocket
from .answers import ConnectionList, ConnectionRow, SlowRow
from .picking import convert, next_turn, pick
from .questions import AskConnections, ConnectionFilter

# The most slow consumers to remember.
MAX_SLOW = 100
# The most characters of a path, a route's name and similar values in a row.
MAX_TEXT = 200
Names = Callable[[object], Sequence[str]]


@dataclass(slots=True, eq=False)
class LiveConnection:
    """An open websocket.

    Attributes:
        number: its number in the process.
        websocket: the connection as the application sees it.
        route, path, subprotocol: of its handshake.
        client: the address of its peer.
        counts: returns its message and byte counts.
        opened_at: when it was accepted, in seconds of the clock.
    """

    number: int
    websocket: Websocket
    route: str
    path: str
    subprotocol: str
    client: Address | None
    counts: Callable[[], WebsocketCounts]
    opened_at: float

    @property
    def backlog(self) -> int:
        """Bytes that wait for the peer, and messages that wait for the handler, together."""
        return self.websocket.unsent + self.websocket.unread


class LiveConnections(Observer):
    """The open websockets of a process. Each costs an entry; messages cost nothing.

    Arguments:
        node: the ID of the process, which begins the IDs of its connections.
        names_of: returns the users that a websocket belongs to.
        clock: returns the time in seconds.

    Attributes:
        on_ended: called with the number, the close code and the reason of a connection that has ended.
    """

    def __init__(self, node: str, names_of: Names, clock: Callable[[], float] = time.monotonic) -> None:
        self._node = node
        self._names_of = names_of
        self._clock = clock
        self._connections: dict[int, LiveConnection] = {}
        self._slow: deque[tuple[float, SlowRow]] = deque(maxlen=MAX_SLOW)
        self.on_ended: Callable[[int, int | None, str], None] = lambda *_: None

    def __len__(self) -> int:
        return len(self._connections)

    def find(self, number: int) -> LiveConnection | None:
        """Return an open connection by its number; None if there is none."""
        return self._connections.get(number)

    # Events.

    def websocket_opened(self, event: WebsocketOpened) -> None:
        if isinstance(event.key, Websocket):
            self._connections[event.number] = LiveConnection(
                event.number,
                event.key,
                event.route or "",
                event.path,
                event.subprotocol or "",
                event.client,
                event.counts,
                self._clock(),
            )

    def websocket_ended(self, event: WebsocketEnded) -> None:
        if self._connections.pop(event.number, None) is not None:
            self.on_ended(event.number, event.code, event.reason)

    def send_stalled(self, event: SendStalled) -> None:
        reason = "the peer is not reading, so send() waits"
        self._note(SlowConsumer("stalled", event.client, event.route, None, reason, event.key))

    def slow_consumer(self, event: SlowConsumer) -> None:
        self._note(event)

    def _note(self, event: SlowConsumer) -> None:
        number = event.key.number if isinstance(event.key, Websocket) else None
        row = SlowRow(
            0.0,
            event.kind,
            format_client(event.client),
            _clip(event.route or ""),
            _clip(event.channel or ""),
            _clip(event.reason),
            "" if number is None else f"{self._node}-{number}",
        )
        self._slow.append((self._clock(), row))

    # Questions.

    def slow(self) -> list[SlowRow]:
        """Return the slow peers and subscribers, newest first."""
        now = self._clock()
        rows: list[SlowRow] = []
        for at, row in reversed(self._slow):
            row.ago = round(now - at, 3)
            rows.append(row)
        return rows

    async def list(self, question: AskConnections, pause: Callable[[], Awaitable[None]] = next_turn) -> ConnectionList:
        """Return the matching connections. Each turn of the loop handles a slice of them."""
        now, wanted, order = self._clock(), question.filter, question.order

        def key(connection: LiveConnection) -> float | None:
            return self._rank(connection, order, now) if self._matches(connection, wanted, now) else None

        picked, matching = await pick(list(self._connections.values()), key, question.limit, pause)
        # Some may have ended in the meantime.
        open_ones = [each for each in picked if each.number in self._connections]
        rows = await convert(open_ones, lambda connection: self._row(connection, now), pause)
        return ConnectionList(rows, matching, len(self._connections))

    def _matches(self, connection: LiveConnection, wanted: ConnectionFilter, now: float) -> bool:
        if wanted.id and wanted.id != f"{self._node}-{connection.number}":
            return False
        if wanted.route not in connection.route:
            return False
        if wanted.address and not format_client(connection.client).startswith(wanted.address):
            return False
        age = now - connection.opened_at
        if wanted.min_age is not None and age < wanted.min_age:
            return False
        if wanted.max_age is not None and age > wanted.max_age:
            return False
        if wanted.user and not any(wanted.user in name for name in self._names_of(connection.websocket)):
            return False
        return not wanted.min_backlog or connection.backlog >= wanted.min_backlog

    def _rank(self, connection: LiveConnection, order: str, now: float) -> float:
        match order:
            case "age":
                return now - connection.opened_at
            case "received":
                return connection.counts().received
            case "sent":
                return connection.counts().sent
        return connection.backlog

    def _row(self, connection: LiveConnection, now: float) -> ConnectionRow:
        websocket, counts = connection.websocket, connection.counts()
        return ConnectionRow(
            f"{self._node}-{connection.number}",
            _clip(connection.route),
            _clip(connection.path),
            format_client(connection.client),
            [_clip(name) for name in self._names_of(websocket)[:10]],
            round(now - connection.opened_at, 3),
            counts.received,
            counts.sent,
            websocket.unread,
            websocket.unsent,
            _clip(connection.subprotocol),
        )


def _clip(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"
