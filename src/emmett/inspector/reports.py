"""The reports of the inspector on all nodes together. Pure: only types, for the page and `--json`."""

from __future__ import annotations

import msgspec

from .answers import ChannelList, ConnectionList, InspectedNode, NodeOverview, SettingRow, TailedMessage


class NodeStatus(msgspec.Struct, omit_defaults=True):
    """A node and its answer.

    Attributes:
        node: the node.
        error: why there is no answer; empty if there is one.
        overview: its state, if it was requested.
        settings: its settings, if they were requested.
    """

    node: InspectedNode
    error: str = ""
    overview: NodeOverview | None = None
    settings: list[SettingRow] | None = None


class NodesReport(msgspec.Struct):
    """All nodes. `here` is the ID of the node that asked; empty for a program that is not a node."""

    nodes: list[NodeStatus]
    here: str = ""


class ConnectionsReport(msgspec.Struct):
    """All nodes, and the connections of those that answered."""

    connections: ConnectionList
    nodes: list[NodeStatus]


class ChannelsReport(msgspec.Struct):
    """All nodes, and the channels of those that answered."""

    channels: ChannelList
    nodes: list[NodeStatus]


class KeptPublication(msgspec.Struct):
    """A publication in the history of a channel: its position, and the message."""

    position: str
    message: TailedMessage


class MemberRow(msgspec.Struct):
    """A member of a channel.

    Attributes:
        member: its name.
        connections: the number of its connections on all nodes.
        info: its info for other members, as JSON; None if payloads are not shown.
    """

    member: str
    connections: int
    info: str | None


class ChannelReport(msgspec.Struct):
    """A channel in detail.

    Attributes:
        name: its name.
        top: the position of the newest publication; empty without history.
        history: the newest publications, newest last; None without history.
        members: its members; None without presence.
        more_members: the number of further members.
        problems: the requests that the broker did not answer.
    """

    name: str
    top: str = ""
    history: list[KeptPublication] | None = None
    members: list[MemberRow] | None = None
    more_members: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
