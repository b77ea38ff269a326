"""The answers of a node to the page, the terminal and other nodes. Pure: only types, which are sent as JSON."""

from __future__ import annotations

import msgspec


class InspectedNode(msgspec.Struct, frozen=True):
    """A process of the service.

    Attributes:
        id: unique among all nodes.
        host, pid: the name of its machine, and its process ID there.
    """

    id: str
    host: str
    pid: int


class ConnectionRow(msgspec.Struct, omit_defaults=True):
    """One websocket.

    Attributes:
        id: the ID of its node and its number there: `1f3a5c7e-17`.
        route: the full name of its route.
        path: the path, without the query, which may contain secrets.
        address: the address of the client.
        users: the users that it belongs to according to `emmett.users`.
        age: seconds since it was accepted.
        received, sent: numbers of messages.
        unread: the number of received messages that its handler has not read.
        unsent: bytes that wait for the peer.
        subprotocol: the negotiated subprotocol.
    """

    id: str
    route: str
    path: str
    address: str
    users: list[str]
    age: float
    received: int
    sent: int
    unread: int
    unsent: int
    subprotocol: str = ""


class ConnectionList(msgspec.Struct):
    """The first connections in the requested order.

    Attributes:
        rows: the connections.
        matching: how many connections match the filter.
        total: how many connections there are.
    """

    rows: list[ConnectionRow]
    matching: int
    total: int


class ChannelRow(msgspec.Struct, omit_defaults=True):
    """A channel or pattern to which one node is subscribed, or to which any of all nodes is.

    Attributes:
        name: its name.
        subscribers: how many subscribers it has.
        nodes: how many nodes are subscribed.
        history: how many publications are kept; 0 without history.
        presence: whether it has presence.
        is_lost: whether a node receives nothing from it until the broker is back.
    """

    name: str
    subscribers: int
    nodes: int = 1
    history: int = 0
    presence: bool = False
    is_lost: bool = False


class ChannelList(msgspec.Struct):
    """Channels, those with the most subscribers first.

    Attributes:
        rows: the channels.
        matching: how many channels match.
        total: how many channels there are. For several nodes: on the node with the most, as they share many.
    """

    rows: list[ChannelRow]
    matching: int
    total: int


class SettingRow(msgspec.Struct):
    """A setting: its section, its name, its value as text, and whether this is not the default."""

    section: str
    name: str
    value: str
    is_changed: bool


class SettingList(msgspec.Struct):
    """All settings of a node."""

    rows: list[SettingRow]


class BrokerOverview(msgspec.Struct):
    """The channels of a node, and their broker.

    Attributes:
        prefix: the prefix of these channels in the broker.
        broker: its kind.
        ok: whether everything works; None if it is not yet known.
        round_trip: seconds to the broker and back, if it works.
        problems: descriptions of what is wrong.
        statistics: the counters of the process, by name.
    """

    prefix: str
    broker: str
    ok: bool | None
    round_trip: float | None
    problems: list[str]
    statistics: dict[str, int]


class SlowRow(msgspec.Struct):
    """A peer or subscriber that did not keep up.

    Attributes:
        ago: seconds since then.
        kind: "request", "websocket" or "subscriber"; "stalled" if `send()` began to wait.
        address, route, channel, reason: as far as they are known.
        connection: the ID of the connection, if it is a websocket.
    """

    ago: float
    kind: str
    address: str
    route: str
    channel: str
    reason: str
    connection: str


class NodeOverview(msgspec.Struct):
    """The state of a node.

    Attributes:
        version: of emmett.
        engine: the engine in use.
        python: the version of Python.
        uptime: seconds since the application started.
        connections: the number of open websockets.
        is_draining: whether it is stopping.
        can_drain: whether it can be made to stop.
        has_payloads: whether it shows payloads.
        lag: milliseconds by which the event loop was late, newest last, each the maximum of half a second.
        held_memory: bytes that peers make it hold; None if the server does not count them.
        resident: bytes of memory that the process takes; None if the system does not report it.
        brokers: its channels and their brokers.
        slow: peers and subscribers that did not keep up, newest first.
    """

    version: str
    engine: str
    python: str
    uptime: float
    connections: int
    is_draining: bool
    can_drain: bool
    has_payloads: bool
    lag: list[float]
    held_memory: int | None
    resident: int | None
    brokers: list[BrokerOverview]
    slow: list[SlowRow]


class Done(msgspec.Struct):
    """The request was carried out, or has been started."""

    text: str


class TailedMessage(msgspec.Struct, omit_defaults=True):
    """A message that was sent, received or published.

    Attributes:
        at: seconds since 1970.
        direction: whether it was received, sent, or published.
        kind: text or binary.
        size: its length in bytes; for text, in characters.
        payload: its beginning; for a binary message, in hexadecimal digits. None if payloads are not shown.
        is_cut: whether the payload was cut.
    """

    at: float
    direction: str
    kind: str
    size: int
    payload: str | None = None
    is_cut: bool = False


class TailNews(msgspec.Struct, omit_defaults=True):
    """The messages since the last report of a tail.

    Attributes:
        tail: the name of the tail.
        messages: the messages, in order.
        skipped: how many more messages there were.
        ended: why the tail has ended; empty while it has not.
    """

    tail: str
    messages: list[TailedMessage]
    skipped: int = 0
    ended: str = ""


NodeAnswer = NodeOverview | ConnectionList | ChannelList | SettingList | Done
