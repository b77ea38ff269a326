"""The history of a channel as the protocol defines it: from a position or either end, in either direction."""

from __future__ import annotations

from collections.abc import Sequence

from ..channels import Position
from ..channels.brokers.port import Broker, Entry, Limits
from ..channels.channels import RunningChannels
from ..channels.since import UNKNOWN
from ..channels.topic import read_entry
from .codec import ClientCodec
from .codes import not_available, unrecoverable_position
from .messages import HistoryRequest, HistoryResult
from .pushes import published


async def read_history(
    running: RunningChannels, request: HistoryRequest, codec: ClientCodec, most: int
) -> HistoryResult:
    """Return the publications that a client or the server asks for.

    Arguments:
        most: the maximum number of publications, even if the request has no limit.

    Raises:
        BrokerUnavailable: the broker does not answer.
        CommandFailed: the channel has no history, or the history does not reach back to the position.
    """
    channel = request.channel
    limits = running.hub.namespaces.of(channel).limits
    if limits is None:
        raise not_available()
    limit = most if request.limit < 0 else min(request.limit, most)
    since = None if request.since is None else Position(request.since.epoch, request.since.offset)
    read = _read_backwards if request.reverse else _read_forwards
    entries, top = await read(running.broker, channel, since, limit, limits)
    publications = [each for each in (read_entry(channel, entry) for entry in entries) if each is not None]
    return HistoryResult(
        publications=[published(each, codec) for each in publications], epoch=top.epoch, offset=top.offset
    )


async def _read_forwards(
    broker: Broker, channel: str, since: Position | None, limit: int, limits: Limits
) -> tuple[Sequence[Entry], Position]:
    """Read publications after a position, or from the oldest one."""
    if limit == 0:
        top = (await broker.history(channel, None, 0, limits)).top
        _check_epoch(since, top)
        return [], top
    if since is not None and not since.epoch:
        since = since._replace(epoch=(await broker.history(channel, None, 0, limits)).top.epoch)
    # An unknown position is answered with the oldest publications.
    found = await broker.history(channel, UNKNOWN if since is None else since, limit, limits)
    _check_epoch(since, found.top)
    return found.entries, found.top


async def _read_backwards(
    broker: Broker, channel: str, since: Position | None, limit: int, limits: Limits
) -> tuple[Sequence[Entry], Position]:
    """Read publications before a position, or all up to now, newest first."""
    if since is None or limit == 0:
        found = await broker.history(channel, None, limit, limits)
        _check_epoch(since, found.top)
        return found.entries[::-1], found.top
    epoch = since.epoch or (await broker.history(channel, None, 0, limits)).top.epoch
    first = Position(epoch, max(0, since.offset - 1 - limit))
    found = await broker.history(channel, first, limit, limits)
    _check_epoch(since, found.top)
    before = [each for each in found.entries if each.position is not None and each.position.offset < since.offset]
    return before[::-1], found.top


def _check_epoch(since: Position | None, top: Position) -> None:
    if since is not None and since.epoch not in ("", top.epoch):
        raise unrecoverable_position()
