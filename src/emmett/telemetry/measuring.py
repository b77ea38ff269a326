"""Measurements from the events of an application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ..observers import (
    BrokerEvent,
    ChannelEvent,
    ChannelGap,
    Delivered,
    Observer,
    Published,
    RequestEnded,
    RequestStarted,
    SendStalled,
    SlowConsumer,
    WebsocketCounts,
    WebsocketEnded,
    WebsocketOpened,
    WebsocketStarted,
)
from . import instruments as measured
from .sink import MeasurementSink

# The methods with their own label values, as the semantic conventions recommend.
METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
OTHER = "_OTHER"
# The close codes with their own label values; peers can send any code.
MAX_CODES = 100
# The causes of refusals before the handler runs, by status; other statuses are faults of the handshake.
NOT_FOUND, UNAVAILABLE = 404, 503
CAUSES = {403: "origin", 421: "host", UNAVAILABLE: "overload"}
# Rare events begin at zero, because `rate()` sees no increase in a series that begins with its first event.
RARE = tuple(
    (measured.DROPS, (kind, cause))
    for kind in ("request", "websocket")
    for cause in ("send_timeout", "write_limit", "max_memory")
)
RARE_IN_CHANNELS = (
    (measured.DROPS, ("subscriber", "queue")),
    (measured.DROPPED, ()),
    (measured.PUBLICATIONS, ("failed",)),
    (measured.GAPS, ("healed",)),
    (measured.GAPS, ("reported",)),
    (measured.BROKER_LOSSES, ()),
    (measured.BROKER_AWAY, ()),
)
RARE_ON_A_ROUTE = (
    *((instrument, ()) for instrument in (measured.FAILURES, measured.STALLS, measured.WAITING)),
    *(
        (measured.REFUSALS, (cause,))
        for cause in ("application", "failure", "unanswered", "left", "invalid", *CAUSES.values())
    ),
    *((measured.HANDSHAKES, (status,)) for status in ("0", "101", "400", "403", "421", "500", "503")),
    # Normal, leaving, without a code, lost, failed, restarting.
    *((measured.CLOSES, (code,)) for code in ("1000", "1001", "1005", "1006", "1011", "1012")),
)
# The number of open websockets to count in one turn of the loop.
BATCH = 500


@dataclass(slots=True)
class _Open:
    """An open websocket: its route, the function that returns its counts, and the counts recorded so far."""

    route: str
    count: Callable[[], WebsocketCounts]
    count_waiting: Callable[[], int]
    counted: WebsocketCounts = WebsocketCounts(0, 0, 0, 0)  # noqa: RUF009 - it cannot change
    waiting: int = 0


class Measuring(Observer):
    """Turns events into measurements.

    Arguments:
        sink: keeps the measurements.
        patterns: returns the path pattern of each route by its name.
        counts_bytes: whether to count the bytes of websockets.

    Attributes:
        sink: keeps the measurements.
    """

    def __init__(self, sink: MeasurementSink, patterns: Callable[[], Mapping[str, str]], counts_bytes: bool) -> None:
        self.counts_bytes = counts_bytes
        self.sink = sink
        self._patterns = patterns
        self._known: Mapping[str, str] | None = None
        self._codes: set[int] = set()
        self._open: dict[object, _Open] = {}
        # The routes of handshakes, by key.
        self._handshakes: dict[object, str] = {}
        self._requests: dict[object, str] = {}
        # The routes for which rare events already have series.
        self._begun: set[str] = set()
        self._is_away = False
        self._held = 0
        self._queued = 0
        self._dropped = 0

    def route(self, name: str | None) -> str:
        """Return the label of a route: its path pattern; empty if no route matched."""
        if name is None:
            return ""
        if self._known is None or name not in self._known:
            self._known = self._patterns()
        return self._known.get(name, name)

    def request_started(self, event: RequestStarted) -> None:
        method = _method(event.method)
        self._requests[event.key] = method
        self.sink.add(measured.ACTIVE_REQUESTS, (method,), 1)

    def request_ended(self, event: RequestEnded) -> None:
        method = self._requests.pop(event.key, None)
        if method is not None:
            self.sink.add(measured.ACTIVE_REQUESTS, (method,), -1)
        status = "" if event.status is None else str(event.status)
        labels = (_method(event.method), self.route(event.route), status)
        self.sink.record(measured.REQUESTS, labels, event.seconds)

    def websocket_started(self, event: WebsocketStarted) -> None:
        route = self._handshakes[event.key] = self.route(event.route)
        self._begin_route(route)
        self.sink.add(measured.CONNECTIONS, (route, "handshake"), 1)

    def websocket_opened(self, event: WebsocketOpened) -> None:
        route = self.route(event.route)
        if self._handshakes.pop(event.key, None) is not None:
            self.sink.add(measured.CONNECTIONS, (route, "handshake"), -1)
        self.sink.add(measured.CONNECTIONS, (route, "open"), 1)
        self.sink.add(measured.HANDSHAKES, (route, "101"), 1)
        self._open[event.key] = _Open(route, event.counts, event.waiting)

    def websocket_ended(self, event: WebsocketEnded) -> None:
        route = self.route(event.route)
        entry = self._open.pop(event.key, None)
        if entry is None:
            has_run = self._handshakes.pop(event.key, None) is not None
            if has_run:
                self.sink.add(measured.CONNECTIONS, (route, "handshake"), -1)
            self.sink.add(measured.HANDSHAKES, (route, str(event.status or 0)), 1)
            self.sink.add(measured.REFUSALS, (route, _cause_of(event, has_run)), 1)
        else:
            counts = WebsocketCounts(event.received, event.sent, event.bytes_received, event.bytes_sent)
            self._count(entry, counts)
            self._note_waiting(entry, 0)
            self.sink.add(measured.CONNECTIONS, (route, "open"), -1)
            self.sink.add(measured.CLOSES, (route, self._code(event.code)), 1)
            self.sink.record(measured.DURATIONS, (route,), event.seconds)
        if event.error is not None:
            self.sink.add(measured.FAILURES, (route,), 1)

    def send_stalled(self, event: SendStalled) -> None:
        self.sink.add(measured.STALLS, (self.route(event.route),), 1)

    def slow_consumer(self, event: SlowConsumer) -> None:
        self.sink.add(measured.DROPS, (event.kind, event.cause), 1)

    def channel_subscribed(self, event: ChannelEvent) -> None:
        self.sink.add(measured.SUBSCRIPTIONS, (), 1)

    def channel_unsubscribed(self, event: ChannelEvent) -> None:
        self.sink.add(measured.SUBSCRIPTIONS, (), -1)

    def published(self, event: Published) -> None:
        self.sink.add(measured.PUBLICATIONS, ("ok" if event.error is None else "failed",), 1)
        if event.error is None:
            self.sink.record(measured.PUBLISHING, (), event.seconds)

    def delivered(self, event: Delivered) -> None:
        self.sink.add(measured.DELIVERIES, (), event.publications * event.subscribers)
        self.sink.record(measured.DELIVERING, (), event.seconds)

    def channel_gap(self, event: ChannelGap) -> None:
        self.sink.add(measured.GAPS, ("healed" if event.healed else "reported",), 1)

    def broker_lost(self, event: BrokerEvent) -> None:
        self.sink.add(measured.BROKER_LOSSES, (), 1)
        if not self._is_away:
            self._is_away = True
            self.sink.add(measured.BROKER_AWAY, (), 1)

    def broker_restored(self, event: BrokerEvent) -> None:
        if self._is_away:
            self._is_away = False
            self.sink.add(measured.BROKER_AWAY, (), -1)

    def begin(self, has_channels: bool, routes: Iterable[str] = ()) -> None:
        """Create the series of rare events at zero. Repeated calls cost nothing.

        Arguments:
            has_channels: whether the application has channels.
            routes: the path patterns of its websockets.
        """
        for route in routes:
            self._begin_route(route)
        self.sink.add(measured.REFUSALS, ("", "no_route"), 0)
        for instrument, labels in RARE + RARE_IN_CHANNELS if has_channels else RARE:
            self.sink.add(instrument, labels, 0)

    def note_lag(self, seconds: float) -> None:
        """Record how late the event loop ran a timer."""
        self.sink.record(measured.LOOP_LAG, (), max(0.0, seconds))

    def note_held(self, held: int) -> None:
        """Record how many bytes peers make this process hold."""
        self.sink.add(measured.HELD, (), held - self._held)
        self._held = held

    def note_channels(self, queued: int, dropped: int) -> None:
        """Record how many publications wait for subscribers, and how many subscribers missed since the start."""
        self.sink.add(measured.QUEUED, (), queued - self._queued)
        if dropped > self._dropped:
            self.sink.add(measured.DROPPED, (), dropped - self._dropped)
        self._queued, self._dropped = queued, dropped

    def note_round_trip(self, seconds: float) -> None:
        """Record how long the broker took to answer."""
        self.sink.record(measured.ROUND_TRIP, (), seconds)

    async def count_open(self) -> None:
        """Add the messages of open websockets since the last call, a batch of websockets in each turn of the loop."""
        for number, (key, entry) in enumerate(list(self._open.items()), 1):
            # It may have ended in the meantime.
            if key in self._open:
                self._count(entry, entry.count())
                self._note_waiting(entry, entry.count_waiting())
            if not number % BATCH:
                await asyncio.sleep(0)

    def _begin_route(self, route: str) -> None:
        if route not in self._begun:
            self._begun.add(route)
            for instrument, labels in RARE_ON_A_ROUTE:
                self.sink.add(instrument, (route, *labels), 0)

    def _count(self, entry: _Open, counts: WebsocketCounts) -> None:
        before, entry.counted = entry.counted, counts
        instruments = (measured.MESSAGES, measured.MESSAGES, measured.BYTES, measured.BYTES)
        for instrument, direction, new, old in zip(instruments, ("received", "sent") * 2, counts, before, strict=True):
            if new is not None and new != old:
                self.sink.add(instrument, (entry.route, direction), new - (old or 0))

    def _note_waiting(self, entry: _Open, waiting: int) -> None:
        if waiting != entry.waiting:
            self.sink.add(measured.WAITING, (entry.route,), waiting - entry.waiting)
            entry.waiting = waiting

    def _code(self, code: int | None) -> str:
        number = code or 0
        if number not in self._codes:
            if len(self._codes) >= MAX_CODES:
                return OTHER
            self._codes.add(number)
        return str(number)


def _method(method: str) -> str:
    return method if method in METHODS else OTHER


def _cause_of(event: WebsocketEnded, has_run: bool) -> str:
    """Return why a handshake was refused.

    Arguments:
        event: the end of the handshake.
        has_run: whether its handler has run.
    """
    if event.status is None:
        return "left"
    if event.error is not None:
        return "failure"
    if has_run:
        return "unanswered" if event.status == UNAVAILABLE else "application"
    if event.route is None and event.status == NOT_FOUND:
        return "no_route"
    return CAUSES.get(event.status, "invalid")
