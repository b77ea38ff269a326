"""The questions of the page, the terminal and other nodes to a node. Pure: only types, which are sent as JSON."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

# The most rows in one answer of a node: a page shows no more, and messages through a broker are bounded.
MAX_ROWS = 500

Order = Literal["backlog", "age", "received", "sent"]
Rows = Annotated[int, Meta(ge=1, le=MAX_ROWS)]
Text = Annotated[str, Meta(max_length=256)]
Seconds = Annotated[float, Meta(ge=0)]
Number = Annotated[int, Meta(ge=1)]
Tail = Annotated[str, Meta(min_length=1, max_length=64)]


class ConnectionFilter(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """Selects the connections that match every field.

    Attributes:
        id: the ID of one connection.
        route: a part of the full name of the route.
        user: a part of the name of a user.
        address: the beginning of the address of the client.
        min_age, max_age: seconds since the connection was accepted; None for no bound.
        min_backlog: the sum of bytes that wait for the peer and messages that wait for the handler.
    """

    id: Text = ""
    route: Text = ""
    user: Text = ""
    address: Text = ""
    min_age: Seconds | None = None
    max_age: Seconds | None = None
    min_backlog: Annotated[int, Meta(ge=0)] = 0


class AskOverview(msgspec.Struct, tag_field="ask", tag="overview", forbid_unknown_fields=True):
    """Ask for the state of the node. Answered with `NodeOverview`."""


class AskConnections(
    msgspec.Struct, tag_field="ask", tag="connections", omit_defaults=True, forbid_unknown_fields=True
):
    """Ask for connections. Answered with `ConnectionList`.

    Attributes:
        filter: selects connections.
        order: whether those with the largest backlog, age or number of messages come first.
        limit: the most rows.
    """

    filter: ConnectionFilter = msgspec.field(default_factory=ConnectionFilter)
    order: Order = "backlog"
    limit: Rows = 200


class AskChannels(msgspec.Struct, tag_field="ask", tag="channels", omit_defaults=True, forbid_unknown_fields=True):
    """Ask for the channels to which the node is subscribed. Answered with `ChannelList`.

    Attributes:
        contains: a part of the name.
        internal: whether to include emmett's internal channels.
        limit: the most rows; channels with the most subscribers come first.
    """

    contains: Text = ""
    internal: bool = False
    limit: Rows = 200


class AskSettings(msgspec.Struct, tag_field="ask", tag="settings", forbid_unknown_fields=True):
    """Ask for the settings. Answered with `SettingList`."""


class AskClose(msgspec.Struct, tag_field="ask", tag="close", forbid_unknown_fields=True):
    """Close a connection. Answered with `Done`.

    Attributes:
        connection: its number in the node.
        code, reason: the close code and reason for the peer (RFC 6455, 7.4).
    """

    connection: Number
    code: int = 1008
    reason: Annotated[str, Meta(max_length=123)] = ""


class AskDrain(msgspec.Struct, tag_field="ask", tag="drain", forbid_unknown_fields=True):
    """Stop the node as at SIGTERM: accept nothing more, send clients to other nodes, end. Answered with `Done`."""


class AskWatch(msgspec.Struct, tag_field="ask", tag="watch", forbid_unknown_fields=True):
    """Report the messages of a connection for the next seconds. Repeated for as long as the tail is needed.

    Answered with `Done`; the messages follow as `TailNews`.

    Attributes:
        connection: its number in the node.
        tail: the name of the tail, chosen by the sender.
        payloads: whether to report payloads; the node must allow it.
        stop: whether to stop reporting.
    """

    connection: Number
    tail: Tail
    payloads: bool = False
    stop: bool = False


NodeQuestion = AskOverview | AskConnections | AskChannels | AskSettings | AskClose | AskDrain | AskWatch
