"""The messages of the Centrifuge client protocol: commands of clients, replies, and pushes.

A member with its zero value is omitted, as the protocol requires; the few that must always be present have no default.
`protobuf.py` numbers the members for Protobuf. Data is `Raw`: JSON as received, or bytes with Protobuf.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

Id = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Offset = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Limit = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]

# No data. It is not JSON, so it never equals data that a client sent.
NOTHING = Raw(b"")

# `subscribe.flag`: the client accepts numbers for channels; it wants error 112 rather than `recovered: false`.
COMPACTION = 1
REJECT_UNRECOVERED = 2


class CentrifugeMessage(msgspec.Struct, omit_defaults=True, kw_only=True):
    """A message, or a part of one."""


class FilterNode(CentrifugeMessage):
    """A tag filter: a comparison, or with `op` a combination of other nodes."""

    op: str = ""
    key: str = ""
    cmp: str = ""
    val: str = ""
    vals: list[str] = msgspec.field(default_factory=list)
    nodes: list[FilterNode] = msgspec.field(default_factory=list)


class SubscribeRequest(CentrifugeMessage):
    """Subscribe to a channel; within `connect`, a server-side subscription to recover."""

    channel: str = ""
    token: str = ""
    recover: bool = False
    epoch: str = ""
    offset: Offset = 0
    data: Raw = NOTHING
    positioned: bool = False
    recoverable: bool = False
    join_leave: bool = False
    delta: str = ""
    tf: FilterNode | None = None
    flag: int = 0


class ConnectRequest(CentrifugeMessage):
    """Connect: who the client is, and which server-side subscriptions it had."""

    token: str = ""
    data: Raw = NOTHING
    subs: dict[str, SubscribeRequest] = msgspec.field(default_factory=dict)
    name: str = ""
    version: str = ""
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    flag: int = 0


class RefreshRequest(CentrifugeMessage):
    """Replace the token of the connection."""

    token: str = ""


class SubRefreshRequest(CentrifugeMessage):
    """Replace the token of a subscription."""

    channel: str = ""
    token: str = ""


class UnsubscribeRequest(CentrifugeMessage):
    """Unsubscribe from a channel."""

    channel: str = ""


class PublishRequest(CentrifugeMessage):
    """Publish to a channel."""

    channel: str = ""
    data: Raw = NOTHING


class PresenceRequest(CentrifugeMessage):
    """Ask for the clients in a channel."""

    channel: str = ""


class PresenceStatsRequest(CentrifugeMessage):
    """Ask for the number of clients and users in a channel."""

    channel: str = ""


class StreamPosition(CentrifugeMessage):
    """A position in the history of a channel."""

    offset: Offset = 0
    epoch: str = ""


class HistoryRequest(CentrifugeMessage):
    """Ask for publications: none with a limit of 0, all with a negative one."""

    channel: str = ""
    limit: Limit = 0
    since: StreamPosition | None = None
    reverse: bool = False


class PingRequest(CentrifugeMessage):
    """Ask for an empty reply."""


class SendRequest(CentrifugeMessage):
    """Send data that has no reply."""

    data: Raw = NOTHING


class RPCRequest(CentrifugeMessage):
    """Call a method."""

    data: Raw = NOTHING
    method: str = ""


class Command(CentrifugeMessage):
    """One command of a client. Without a request it answers a ping of the server."""

    id: Id = 0
    connect: ConnectRequest | None = None
    subscribe: SubscribeRequest | None = None
    unsubscribe: UnsubscribeRequest | None = None
    publish: PublishRequest | None = None
    presence: PresenceRequest | None = None
    presence_stats: PresenceStatsRequest | None = None
    history: HistoryRequest | None = None
    ping: PingRequest | None = None
    send: SendRequest | None = None
    rpc: RPCRequest | None = None
    refresh: RefreshRequest | None = None
    sub_refresh: SubRefreshRequest | None = None


class ClientInfo(CentrifugeMessage):
    """The description of a client for others."""

    user: str
    client: str
    conn_info: Raw = NOTHING
    chan_info: Raw = NOTHING


class PushedPublication(CentrifugeMessage):
    """A publication, in a push or a reply."""

    data: Raw = NOTHING
    info: ClientInfo | None = None
    offset: int = 0
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    delta: bool = False
    time: int = 0
    channel: str = ""


class SubscribeResult(CentrifugeMessage):
    """The initial state of a subscription."""

    expires: bool = False
    ttl: int = 0
    recoverable: bool = False
    epoch: str = ""
    publications: list[PushedPublication] = msgspec.field(default_factory=list)
    recovered: bool = False
    offset: int = 0
    positioned: bool = False
    data: Raw = NOTHING
    was_recovering: bool = False
    delta: bool = False
    id: int = 0


class ConnectResult(CentrifugeMessage):
    """The initial state of a connection."""

    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0
    data: Raw = NOTHING
    subs: dict[str, SubscribeResult] = msgspec.field(default_factory=dict)
    ping: int = 0
    pong: bool = False
    session: str = ""
    node: str = ""
    time: int = 0


class RefreshResult(CentrifugeMessage):
    """When the connection must be refreshed next."""

    client: str = ""
    version: str = ""
    expires: bool = False
    ttl: int = 0


class SubRefreshResult(CentrifugeMessage):
    """When the subscription must be refreshed next."""

    expires: bool = False
    ttl: int = 0


class EmptyResult(CentrifugeMessage):
    """The result of unsubscribe, publish and ping."""


class PresenceResult(CentrifugeMessage):
    """The clients in a channel, by their ids."""

    presence: dict[str, ClientInfo]


class PresenceStatsResult(CentrifugeMessage):
    """The number of clients and users in a channel."""

    num_clients: int
    num_users: int


class HistoryResult(CentrifugeMessage):
    """Publications, and the position of the newest one."""

    publications: list[PushedPublication]
    epoch: str
    offset: int


class RPCResult(CentrifugeMessage):
    """The result of a method."""

    data: Raw = NOTHING


class EmulationRequest(CentrifugeMessage):
    """Commands of a client that receives messages in another response."""

    node: str = ""
    session: str = ""
    data: Raw = NOTHING


class ErrorInfo(CentrifugeMessage):
    """Why a command failed."""

    code: int
    message: str = ""
    temporary: bool = False


class JoinPush(CentrifugeMessage):
    """A client has joined a channel, or left it."""

    info: ClientInfo


class UnsubscribePush(CentrifugeMessage):
    """The server has ended a subscription."""

    code: int = 0
    reason: str = ""


class MessagePush(CentrifugeMessage):
    """Data for one client, outside of any channel."""

    data: Raw = NOTHING


class SubscribePush(CentrifugeMessage):
    """The server has subscribed the client to a channel."""

    recoverable: bool = False
    epoch: str = ""
    offset: int = 0
    positioned: bool = False
    data: Raw = NOTHING


class DisconnectPush(CentrifugeMessage):
    """The server is about to close the connection; for transports without close codes."""

    code: int = 0
    reason: str = ""
    reconnect: bool = False


class RefreshPush(CentrifugeMessage):
    """The server has changed when the connection expires."""

    expires: bool = False
    ttl: int = 0


class Push(CentrifugeMessage):
    """A message that is not a reply."""

    id: int = 0
    channel: str = ""
    pub: PushedPublication | None = None
    join: JoinPush | None = None
    leave: JoinPush | None = None
    unsubscribe: UnsubscribePush | None = None
    message: MessagePush | None = None
    subscribe: SubscribePush | None = None
    connect: ConnectResult | None = None
    disconnect: DisconnectPush | None = None
    refresh: RefreshPush | None = None


class ClientReply(CentrifugeMessage):
    """The reply to a command, or a push. Without any member it is a ping."""

    id: int = 0
    error: ErrorInfo | None = None
    push: Push | None = None
    connect: ConnectResult | None = None
    subscribe: SubscribeResult | None = None
    unsubscribe: EmptyResult | None = None
    publish: EmptyResult | None = None
    presence: PresenceResult | None = None
    presence_stats: PresenceStatsResult | None = None
    history: HistoryResult | None = None
    ping: EmptyResult | None = None
    rpc: RPCResult | None = None
    refresh: RefreshResult | None = None
    sub_refresh: SubRefreshResult | None = None


EMPTY = EmptyResult()
REQUESTS = tuple(field for field in Command.__struct_fields__ if field != "id")


def request_of(command: Command) -> tuple[str, Any] | None:
    """Return the name and the request of a command, the first one if there are several; None if there is none."""
    for name in REQUESTS:
        request = getattr(command, name)
        if request is not None:
            return name, request
    return None
