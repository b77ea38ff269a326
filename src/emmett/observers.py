"""Observers: receive events on requests, websockets and channels, for logs, telemetry and tests.

Register them before the application starts: `app.observers.add(observer)`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .datastructures import Headers

logger = logging.getLogger("emmett.observers")

Address = tuple[str, int]


class RequestStarted(NamedTuple):
    """A request has arrived, and its handler is about to run.

    The event is sent in the context of the handler: context variables that an observer sets are set in the handler.

    Fields:
        key: the same object in all events of this request.
        method, scheme, path, query, http_version, client, route: as for `RequestEnded`.
        headers: the header fields of the request.
    """

    key: object
    method: str
    scheme: str
    path: str
    query: str
    http_version: str
    client: Address | None
    route: str | None
    headers: Headers


class RequestEnded(NamedTuple):
    """A request was answered, or its client left before that.

    Fields:
        method, path, query, http_version: of the request; the query as it was sent, which may contain secrets.
        client: address and port of the client; `None` if there is none.
        route: the full name of the route; `None` when none matched.
        status: the HTTP status of the response; `None` when the client left before there was one.
        complete: whether the whole response was written.
        seconds: the duration from its head to its end.
        key: the same object as in `RequestStarted`.
        error: the exception with which the handler or the source of a streamed response failed; `None` if neither did.
            Refusals such as `abort` are no failures.
    """

    method: str
    path: str
    query: str
    http_version: str
    client: Address | None
    route: str | None
    status: int | None
    complete: bool
    seconds: float
    key: object = None
    error: BaseException | None = None


class WebsocketStarted(NamedTuple):
    """A handshake has arrived, and its handler is about to run. Refusals before that have only `WebsocketEnded`.

    The event is sent in the context of the handler: context variables that an observer sets are set in the handler.

    Fields:
        key: the same object in all events of this websocket.
        scheme: `ws` or `wss`.
        path, query, client, route: as for `WebsocketOpened`.
        headers: the header fields of the handshake.
    """

    key: object
    scheme: str
    path: str
    query: str
    client: Address | None
    route: str
    headers: Headers


class WebsocketCounts(NamedTuple):
    """What a websocket has carried: messages, and bytes as in `WebsocketEnded`."""

    received: int = 0
    sent: int = 0
    bytes_received: int | None = None
    bytes_sent: int | None = None


class WebsocketOpened(NamedTuple):
    """The application has accepted a websocket.

    Fields:
        number: the number of the connection in its process.
        path, query: of the handshake; the query as it was sent, which may contain secrets.
        client: address and port of the client; `None` if there is none.
        route: the full name of the route.
        subprotocol: the negotiated subprotocol.
        key: the same object as in `WebsocketStarted`.
        counts: returns what the websocket has carried so far; drop it when the websocket has ended.
        waiting: returns how many received messages wait for the handler; drop it likewise.
    """

    number: int
    path: str
    query: str
    client: Address | None
    route: str | None
    subprotocol: str | None
    key: object = None
    counts: Callable[[], WebsocketCounts] = WebsocketCounts
    waiting: Callable[[], int] = int


class WebsocketEnded(NamedTuple):
    """A websocket has ended, and its handler too; or its handshake was refused.

    Fields:
        number, path, query, client, route: as for `WebsocketOpened`; the route is `None` when none matched.
        target: the path as it was sent, percent-encoded.
        status: the HTTP status that answered the handshake, 101 if it was accepted; `None` if it was not answered.
        code, reason: the close code and reason (RFC 6455, 7.4); `None` and empty if it was never open.
        seconds: the duration from its handshake to its end.
        received, sent: messages.
        bytes_received, bytes_sent: bytes on the connection since the handshake, its answer included; `None` unless an
            observer has `counts_bytes`. Over ASGI, the bytes of the messages.
        key: the same object as in `WebsocketStarted`; `None` if the handshake was refused before its handler ran.
        error: the exception with which the handler failed; `None` if it did not.
    """

    number: int
    path: str
    target: str
    query: str
    client: Address | None
    route: str | None
    status: int | None
    code: int | None
    reason: str
    seconds: float
    received: int
    sent: int
    bytes_received: int | None
    bytes_sent: int | None
    key: object = None
    error: BaseException | None = None


class SendStalled(NamedTuple):
    """The peer of a websocket does not read, so that `send()` waits from now on.

    Fields:
        client, route: as for `WebsocketOpened`.
        key: the same object as in `WebsocketStarted`.
    """

    client: Address | None
    route: str | None
    key: object


class SlowConsumer(NamedTuple):
    """A peer or a subscriber did not take the data sent to it.

    Fields:
        kind: `"request"`, `"websocket"` or `"subscriber"`.
        client: address and port of the client, if known.
        route: the full name of the route, if known.
        channel: the channel of a publication that had to wait, for a subscriber.
        reason: a description of the event.
        key: for a websocket, the same object as in `WebsocketStarted`.
        cause: the bound that was exceeded, a name of few: `"send_timeout"`, `"write_limit"`, `"max_memory"`, or
            `"queue"`, that of a subscriber.
    """

    kind: str
    client: Address | None
    route: str | None
    channel: str | None
    reason: str
    key: object = None
    cause: str = ""


class ChannelEvent(NamedTuple):
    """Something happened to the subscribers of a channel.

    Fields:
        channel: the name of the channel or pattern.
        subscribers: how many subscriptions the process has, over all channels.
    """

    channel: str
    subscribers: int


class Publishing(NamedTuple):
    """This process is about to publish to a channel.

    Fields:
        key: the same object in all events of this publication.
        channel: the name of the channel.
        size: the length of the message in bytes.
        carrier: text fields that travel with the publication, such as `traceparent`; observers may add fields.
    """

    key: object
    channel: str
    size: int
    carrier: dict[str, str]


class Published(NamedTuple):
    """This process has published to a channel, or has failed to.

    Fields:
        key: the same object as in `Publishing`.
        channel: the name of the channel.
        size: the length of the message in bytes.
        seconds: the time that the broker took to answer.
        error: the exception raised by `publish`; `None` if it succeeded.
    """

    key: object
    channel: str
    size: int
    seconds: float
    error: BaseException | None


class Delivered(NamedTuple):
    """Publications of a channel were passed to all its subscribers in this process.

    Fields:
        channel: the name of the channel or pattern.
        publications: how many publications these were.
        subscribers: how many subscribers each was passed to.
        seconds: the time since this process received the first of them.
        carriers: the fields that publishers sent along, without the publications that have none.
    """

    channel: str
    publications: int
    subscribers: int
    seconds: float
    carriers: Sequence[Mapping[str, str]]


class ChannelGap(NamedTuple):
    """Publications of a channel were missed.

    Fields:
        channel: the name of the channel or pattern.
        healed: whether they were recovered from the history; otherwise subscribers get a gap.
    """

    channel: str
    healed: bool


class BrokerEvent(NamedTuple):
    """The broker of the channels became unavailable, or is back.

    Fields:
        channels: how many channels of this process are affected.
    """

    channels: int


class Observer:
    """Receives events. A subclass overrides the methods that it needs; the others cost nothing.

    The methods are called on the event loop and must not block. An exception in one is logged and has no other effect.

    Attributes:
        counts_bytes: whether to count the bytes of websockets, which costs a call for each read and write.
    """

    counts_bytes = False

    def request_started(self, event: RequestStarted) -> None:
        """The handler of a request is about to run, in this context."""

    def request_ended(self, event: RequestEnded) -> None:
        """A request was answered, or its client has left."""

    def websocket_started(self, event: WebsocketStarted) -> None:
        """The handler of a websocket is about to run, in this context."""

    def websocket_opened(self, event: WebsocketOpened) -> None:
        """The application has accepted a websocket."""

    def websocket_ended(self, event: WebsocketEnded) -> None:
        """A websocket has ended, or its handshake was refused."""

    def send_stalled(self, event: SendStalled) -> None:
        """The peer of a websocket does not read, so that `send()` waits."""

    def slow_consumer(self, event: SlowConsumer) -> None:
        """A peer was dropped, or a subscriber lost publications, because it did not keep up."""

    def channel_subscribed(self, event: ChannelEvent) -> None:
        """A subscriber has entered a channel."""

    def channel_unsubscribed(self, event: ChannelEvent) -> None:
        """A subscriber has left a channel."""

    def publishing(self, event: Publishing) -> None:
        """This process is about to publish to a channel."""

    def published(self, event: Published) -> None:
        """This process has published to a channel, or has failed to."""

    def delivered(self, event: Delivered) -> None:
        """Publications were passed to all subscribers of a channel in this process."""

    def channel_gap(self, event: ChannelGap) -> None:
        """Publications of a channel were missed, and recovered or not."""

    def broker_lost(self, event: BrokerEvent) -> None:
        """The broker does not answer."""

    def broker_restored(self, event: BrokerEvent) -> None:
        """The broker answers again, and subscriptions are restored."""


EVENTS = (
    "request_started",
    "request_ended",
    "websocket_started",
    "websocket_opened",
    "websocket_ended",
    "send_stalled",
    "slow_consumer",
    "channel_subscribed",
    "channel_unsubscribed",
    "publishing",
    "published",
    "delivered",
    "channel_gap",
    "broker_lost",
    "broker_restored",
)


class Observers:
    """The observers of an application: for each event, the methods to call, without those that are not overridden.

    Arguments:
        observers: the initial observers.

    Attributes:
        counts_bytes: whether one of them has `counts_bytes`.
        The names of the events: the methods to call, in the order of registration; see `notify`.
    """

    request_started: tuple[Callable[[RequestStarted], None], ...] = ()
    request_ended: tuple[Callable[[RequestEnded], None], ...] = ()
    websocket_started: tuple[Callable[[WebsocketStarted], None], ...] = ()
    websocket_opened: tuple[Callable[[WebsocketOpened], None], ...] = ()
    websocket_ended: tuple[Callable[[WebsocketEnded], None], ...] = ()
    send_stalled: tuple[Callable[[SendStalled], None], ...] = ()
    slow_consumer: tuple[Callable[[SlowConsumer], None], ...] = ()
    channel_subscribed: tuple[Callable[[ChannelEvent], None], ...] = ()
    channel_unsubscribed: tuple[Callable[[ChannelEvent], None], ...] = ()
    publishing: tuple[Callable[[Publishing], None], ...] = ()
    published: tuple[Callable[[Published], None], ...] = ()
    delivered: tuple[Callable[[Delivered], None], ...] = ()
    channel_gap: tuple[Callable[[ChannelGap], None], ...] = ()
    broker_lost: tuple[Callable[[BrokerEvent], None], ...] = ()
    broker_restored: tuple[Callable[[BrokerEvent], None], ...] = ()

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._all: list[Observer] = []
        self.counts_bytes = False
        for observer in observers:
            self.add(observer)

    def add(self, observer: Observer) -> None:
        """Register an observer.

        Raises:
            TypeError: it is not an `Observer`.
        """
        if not isinstance(observer, Observer):
            raise TypeError(
                f"{observer!r} is not an observer: expected an instance of a subclass of emmett.observers.Observer"
            )
        self._all.append(observer)
        self.counts_bytes = self.counts_bytes or observer.counts_bytes
        for event in EVENTS:
            method = getattr(observer, event)
            if getattr(method, "__func__", method) is not getattr(Observer, event):
                setattr(self, event, (*getattr(self, event), method))

    def __iter__(self) -> Iterator[Observer]:
        return iter(self._all)

    def __repr__(self) -> str:
        return f"Observers({self._all!r})"


def notify(methods: Iterable[Callable[[Any], None]], event: object) -> None:
    """Call the methods of observers and log their exceptions."""
    for method in methods:
        try:
            method(event)
        except Exception:
            logger.exception("an observer failed on %s", type(event).__name__)
