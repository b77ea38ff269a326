"""Select the requested part of a history, and find the message at which to begin reading it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ...publication import Position
from ..bounds import up_to
from ..port import Entry, History, Limits
from .format import At, payload_size, unpack
from .jetstream import Stored

# Publications before the first wanted one that are cheaper to read than to skip with another probe.
NEAR = 32

# Contiguous messages of a channel, in order.
Run = list[tuple[At, Stored]]


def select(
    run: Run, top: int, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None, now: float
) -> History:
    """Return the result of `Broker.history`.

    Arguments:
        run: messages of one epoch without a gap: up to the newest, or as many as the answer needs.
        top: the offset of the newest publication of the channel.
        since, limit, limits, max_bytes: as in `Broker.history`.
        now: the server's time, in seconds.
    """
    epoch, end = run[-1][0].epoch, run[-1][0].top
    kept: list[Entry] = []
    for at, stored in run:
        if stored.time + min(limits.ttl, at.ttl / 1000) > now:
            kept += unpack(at, stored.data)
        elif at.size:
            # Older publications are no longer served, whatever their own time to live.
            kept.clear()
    # The first publication that exists, or the offset of the next one.
    first = end + 1 - len(kept)
    trimmed = max(0, min(len(kept), top - limits.size + 1 - first))
    del kept[:trimmed]
    first += trimmed
    complete = since is None or (since.epoch == epoch and first - 1 <= since.offset <= top)
    if limit is not None and since is None:
        kept = kept[max(0, len(kept) - limit) :]
    elif since is not None and complete:
        kept = kept[since.offset + 1 - first :]
    if limit is not None:
        kept = kept[:limit]
    return History(up_to(max_bytes, kept), Position(epoch, top), complete)


def is_enough(run: Run, since: int, limit: int | None, max_bytes: int | None) -> bool:
    """Return whether messages hold everything that an answer may contain after an offset."""
    wanted = [(at, stored) for at, stored in run if at.top > since]
    if not wanted:
        return False
    if limit is not None and sum(at.size for at, _ in wanted) - max(0, since - wanted[0][0].offset + 1) >= limit:
        return True
    # A part of the first one may be left out.
    return max_bytes is not None and sum(payload_size(at, stored.data) for at, stored in wanted[1:]) >= max_bytes


async def seek(probe: Callable[[int], Awaitable[tuple[At, Stored] | None]], target: Position, newest: int) -> int:
    """Return a number in the stream at which to begin: that of the message with a publication, or of one just before.

    This reads few messages, however long the history. Offsets grow with the numbers, so it is a binary search.

    Arguments:
        probe: returns the first message of the channel at or after a number in the stream; None if it cannot be read.
        target: the position of the publication.
        newest: the number of the newest message of the channel.
    """
    best, low, high = 1, 1, newest
    while low < high:
        middle = (low + high) // 2
        found = await probe(middle)
        if found is None:
            return 1
        at, stored = found
        if at.epoch == target.epoch and at.offset + (at.size == 0) > target.offset:
            high = middle
            continue
        best, low = stored.sequence, stored.sequence + 1
        if at.epoch == target.epoch and target.offset - at.top <= NEAR:
            break
    return best
