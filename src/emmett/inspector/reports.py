"""What the inspector reports of all nodes together. Pure: types alone, as the page and `--json` get them."""

from __future__ import annotations

import msgspec

from .answers import ChannelList, ConnectionList, InspectedNode, NodeOverview, SettingRow, TailedMessage


class NodeStatus(msgspec.Struct, omit_defaults=True):
    """A node, and whether it has answered.

    Attributes:
        node: the node.
        error: why it has not answered, or cannot; empty if it has.
        overview: how it is, where that was asked.
        settings: its settings, where these were asked.
    """

    node: InspectedNode
    error: str = ""
    overview: NodeOverview | None = None
    settings: list[SettingRow] | None = None


class NodesReport(msgspec.Struct):
    """All nodes. `here` is the ID of the one that has asked; empty for a program that is none."""

    nodes: list[NodeStatus]
    here: str = ""


class ConnectionsReport(msgspec.Struct):
    """The connections of all nodes that have answered, and all nodes."""

    connections: ConnectionList
    nodes: list[NodeStatus]


class ChannelsReport(msgspec.Struct):
    """The channels of all nodes that have answered, and all nodes."""

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
        connections: how many it has, on all nodes.
        info: what others may see of it, as JSON; None if payloads are not shown.
    """

    member: str
    connections: int
    info: str | None


class ChannelReport(msgspec.Struct):
    """A channel in detail.

    Attributes:
        name: its name.
        top: the position of the newest publication; empty without history.
        history: the newest publications, the last one last; None without history.
        members: its members; None without presence.
        more_members: how many more there are.
        problems: what the broker does not answer.
    """

    name: str
    top: str = ""
    history: list[KeptPublication] | None = None
    members: list[MemberRow] | None = None
    more_members: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
