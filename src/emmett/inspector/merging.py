"""Merge the lists of several nodes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .answers import ChannelList, ChannelRow, ConnectionList, ConnectionRow
from .questions import Order

_RANKS: dict[str, Callable[[ConnectionRow], float]] = {
    "age": lambda row: row.age,
    "backlog": lambda row: row.unsent + row.unread,
    "received": lambda row: row.received,
    "sent": lambda row: row.sent,
}


def merge_connections(lists: Sequence[ConnectionList], order: Order, limit: int) -> ConnectionList:
    """Return the first connections of all nodes in an order.

    Arguments:
        lists: the list of each node, in this order.
        order: the order.
        limit: the most rows.
    """
    rows = sorted((row for each in lists for row in each.rows), key=_RANKS[order], reverse=True)
    return ConnectionList(rows[:limit], sum(each.matching for each in lists), sum(each.total for each in lists))


def merge_channels(lists: Sequence[ChannelList], limit: int) -> ChannelList:
    """Return the channels of all nodes, those with the most subscribers first.

    Arguments:
        lists: the list of each node.
        limit: the most rows.
    """
    found: dict[str, ChannelRow] = {}
    for row in (row for each in lists for row in each.rows):
        before = found.get(row.name)
        if before is None:
            found[row.name] = ChannelRow(row.name, row.subscribers, row.nodes, row.history, row.presence, row.is_lost)
        else:
            before.subscribers += row.subscribers
            before.nodes += row.nodes
            before.is_lost = before.is_lost or row.is_lost
    rows = sorted(found.values(), key=lambda row: (-row.subscribers, row.name))
    matching = max((len(rows), *(each.matching for each in lists)))
    return ChannelList(rows[:limit], matching, max((each.total for each in lists), default=0))
