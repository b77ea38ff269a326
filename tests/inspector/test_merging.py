"""Lists of several nodes as one."""

from __future__ import annotations

from emmett.inspector.answers import ChannelList, ChannelRow, ConnectionList, ConnectionRow
from emmett.inspector.merging import merge_channels, merge_connections


def row(id: str, *, age: float = 0, unsent: int = 0, unread: int = 0) -> ConnectionRow:
    return ConnectionRow(id, "chat", "/", "", [], age, 0, 0, unread, unsent)


def test_connections_are_merged_in_their_order() -> None:
    first = ConnectionList([row("a-1", age=9, unsent=1), row("a-2", age=5)], 2, 10)
    second = ConnectionList([row("b-1", age=7, unread=5)], 1, 1)
    merged = merge_connections([first, second], "age", 2)
    assert [each.id for each in merged.rows] == ["a-1", "b-1"]
    assert (merged.matching, merged.total) == (3, 11)
    assert [each.id for each in merge_connections([first, second], "backlog", 5).rows] == ["b-1", "a-1", "a-2"]
    assert merge_connections([], "age", 2) == ConnectionList([], 0, 0)


def test_channels_are_merged_by_name() -> None:
    first = ChannelList([ChannelRow("a", 3, history=5), ChannelRow("b", 1)], 2, 9)
    second = ChannelList([ChannelRow("b", 4, is_lost=True)], 1, 4)
    merged = merge_channels([first, second], 10)
    assert merged.rows == [ChannelRow("b", 5, 2, is_lost=True), ChannelRow("a", 3, history=5)]
    assert (merged.matching, merged.total) == (2, 9)
    # The rows of the nodes are not changed.
    assert first.rows[1] == ChannelRow("b", 1)
    assert [each.name for each in merge_channels([first, second], 1).rows] == ["b"]
    assert merge_channels([], 1) == ChannelList([], 0, 0)
