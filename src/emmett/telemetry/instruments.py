"""The instruments of telemetry: their names, their labels, and the bounds of their buckets."""

from __future__ import annotations

from typing import Literal, NamedTuple

# In seconds. OpenTelemetry's semantic conventions for HTTP recommend those of the first line.
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
WEBSOCKET_BUCKETS = (1.0, 10.0, 60.0, 300.0, 1800.0, 3600.0, 21600.0, 86400.0)
DELIVERY_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Instrument(NamedTuple):
    """One measured quantity.

    Fields:
        name: the name in OpenTelemetry; in Prometheus, it has underscores instead of dots, and a suffix.
        kind: a counter only grows, a gauge also falls, a histogram counts values by size.
        unit: the unit in UCUM.
        text: the description.
        labels: the names of the labels, as OpenTelemetry's attributes.
        buckets: the upper bounds of the buckets of a histogram.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def __hash__(self) -> int:
        # The name is unique, and str caches its hash: a scrape looks up each series of each process.
        return hash(self.name)

    @property
    def family(self) -> str:
        """The name in Prometheus, without the suffixes of its samples."""
        name = self.name.replace(".", "_")
        if self.unit in SUFFIXES:
            name = f"{name}_{SUFFIXES[self.unit]}"
        return f"{name}_total" if self.kind == "counter" else name


SUFFIXES = {"s": "seconds", "By": "bytes"}

REQUESTS = Instrument(
    "http.server.request.duration",
    "histogram",
    "s",
    "Duration of requests.",
    ("http.request.method", "http.route", "http.response.status_code"),
    REQUEST_BUCKETS,
)
ACTIVE_REQUESTS = Instrument(
    "http.server.active_requests", "gauge", "{request}", "Requests whose handler is running.", ("http.request.method",)
)
CONNECTIONS = Instrument(
    "emmett.websocket.connections",
    "gauge",
    "{connection}",
    "Websockets, by route and phase: handshake or open.",
    ("http.route", "phase"),
)
HANDSHAKES = Instrument(
    "emmett.websocket.handshakes",
    "counter",
    "{handshake}",
    "Answered handshakes: 101 if accepted, otherwise the status of the refusal; 0 without an answer.",
    ("http.route", "http.response.status_code"),
)
CLOSES = Instrument(
    "emmett.websocket.closes", "counter", "{connection}", "Ended websockets, by close code.", ("http.route", "code")
)
FAILURES = Instrument(
    "emmett.websocket.failures", "counter", "{connection}", "Websockets whose handler failed.", ("http.route",)
)
DURATIONS = Instrument(
    "emmett.websocket.duration",
    "histogram",
    "s",
    "Duration of websockets, from the handshake to the end of the handler.",
    ("http.route",),
    WEBSOCKET_BUCKETS,
)
MESSAGES = Instrument(
    "emmett.websocket.messages",
    "counter",
    "{message}",
    "Messages, received and sent.",
    ("http.route", "direction"),
)
BYTES = Instrument(
    "emmett.websocket.io", "counter", "By", "Bytes of websockets, received and sent.", ("http.route", "direction")
)
STALLS = Instrument(
    "emmett.websocket.send_stalls", "counter", "{stall}", "Times that send() began to wait for a peer.", ("http.route",)
)
REFUSALS = Instrument(
    "emmett.websocket.refusals", "counter", "{handshake}", "Refused handshakes, by cause.", ("http.route", "cause")
)
WAITING = Instrument(
    "emmett.websocket.queue.messages",
    "gauge",
    "{message}",
    "Received messages that wait for their handlers.",
    ("http.route",),
)
DROPS = Instrument(
    "emmett.slow_consumers",
    "counter",
    "{consumer}",
    "Requests, websockets and subscribers that were ended because they did not keep up, by the bound they exceeded.",
    ("kind", "cause"),
)
HELD = Instrument("emmett.held", "gauge", "By", "Bytes that peers make the server hold, bounded by server.max_memory.")
SUBSCRIPTIONS = Instrument(
    "emmett.channel.subscriptions", "gauge", "{subscription}", "Channels that subscribers are in, summed over them."
)
PUBLICATIONS = Instrument(
    "emmett.channel.publications",
    "counter",
    "{publication}",
    "Publications of this application, by outcome: ok or failed.",
    ("outcome",),
)
PUBLISHING = Instrument(
    "emmett.channel.publish.duration",
    "histogram",
    "s",
    "Time that the broker took to accept a publication.",
    (),
    DELIVERY_BUCKETS,
)
DELIVERIES = Instrument(
    "emmett.channel.deliveries", "counter", "{delivery}", "Publications passed to subscribers, counted for each."
)
DELIVERING = Instrument(
    "emmett.channel.delivery.duration",
    "histogram",
    "s",
    "Time from the arrival of publications until all subscribers of the process have them.",
    (),
    DELIVERY_BUCKETS,
)
GAPS = Instrument(
    "emmett.channel.gaps",
    "counter",
    "{gap}",
    "Gaps in channels, by outcome: healed from the history, or reported to subscribers.",
    ("outcome",),
)
QUEUED = Instrument(
    "emmett.channel.queue.messages", "gauge", "{publication}", "Publications that wait for subscribers."
)
DROPPED = Instrument(
    "emmett.channel.drops", "counter", "{publication}", "Publications that slow subscribers missed, counted for each."
)
ROUND_TRIP = Instrument(
    "emmett.broker.round_trip", "histogram", "s", "Round trip to the broker, every ten seconds.", (), DELIVERY_BUCKETS
)
BROKER_LOSSES = Instrument("emmett.broker.losses", "counter", "{loss}", "Times that the broker was lost.")
BROKER_AWAY = Instrument("emmett.broker.away", "gauge", "{process}", "Processes whose broker does not answer.")
LOOP_LAG = Instrument(
    "emmett.loop.lag",
    "histogram",
    "s",
    "How late the event loop runs a timer, because it was busy.",
    (),
    (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0),
)

INSTRUMENTS = tuple(value for value in list(vars().values()) if isinstance(value, Instrument))
