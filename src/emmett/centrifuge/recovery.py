"""What a client has missed: everything between its position and the one from which it gets the channel live."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..channels import Position, Publication
from ..channels.brokers.port import History, Limits
from ..channels.topic import read_entry

# Consecutive empty reads of the history (a replica may lag) after which the client counts as not recovered.
MAX_EMPTY_READS = 3


class HistoryReader(Protocol):
    """Reads histories page by page."""

    async def page(self, channel: str, since: Position, limits: Limits, is_first: bool) -> History:
        """Return the publications after a position, up to a number of bytes."""


class Recovery(NamedTuple):
    """The result of a recovery.

    Fields:
        recovered: whether these publications complete what the client has.
        publications: the missed publications; empty if some are lost.
    """

    recovered: bool
    publications: list[Publication]


FAILED = Recovery(False, [])


async def read_missed(
    reader: HistoryReader, channel: str, limits: Limits, since: Position, top: Position, most: int
) -> Recovery:
    """Read everything after a client's position, up to the one from which it gets the channel live.

    Arguments:
        reader: reads the history.
        channel, limits: the channel, and how much history it keeps.
        since: the position of the client. An empty epoch matches any.
        top: the position after which the client gets everything live.
        most: the maximum number of publications.

    Raises:
        BrokerUnavailable: the broker does not answer.
    """
    if since.epoch not in ("", top.epoch) or since.offset > top.offset or top.offset - since.offset > most:
        return FAILED
    found: list[Publication] = []
    at, empty = Position(top.epoch, since.offset), 0
    while at.offset < top.offset:
        page = await reader.page(channel, at, limits, is_first=not found)
        if not page.complete or page.top.epoch != top.epoch:
            return FAILED
        if not page.entries:
            empty += 1
            if empty == MAX_EMPTY_READS:
                return FAILED
        for entry in page.entries:
            position = entry.position
            if position is None or position.offset != at.offset + 1:
                return FAILED
            if position.offset > top.offset:
                break
            at = position
            publication = read_entry(channel, entry)
            if publication is not None:
                found.append(publication)
    return Recovery(True, found)


def newest_missed(newest: Publication | None, since: Position, top: Position) -> Recovery:
    """Return what a client missed in a channel of values, such as prices: the newest publication, if it is new to it.

    Arguments:
        newest: the newest publication of the history up to `top`.
        since, top: as for `read_missed`.
    """
    if since.epoch in ("", top.epoch) and since.offset == top.offset:
        return Recovery(True, [])
    return FAILED if newest is None else Recovery(True, [newest])
