"""The port that every broker implements, and the promises that a broker makes.

Promises:

- *Order*: publications of one process to a channel, each `publish` awaited before the next, arrive everywhere in that
  order. In a channel with history there is one order for all: that of the offsets.
- *Heard from then on*: once `subscribe` has returned, every publication is reported, until `unsubscribe` or
  `Listener.lost`.
- *At most once*, or reported: publications that cannot be delivered while the connection is away are lost to the live
  stream, and `lost` reports this to the listener. In a channel with history they can be read again with `history`.
- *History is atomic*: a publication is in the history, with its offset, exactly if it was sent to subscribers. A
  `publish` that raises may have happened or not: it may have succeeded and only its answer been lost.
- *Nothing is executed*: bytes from the broker are data. Data of an unexpected form is logged, at most once a minute,
  and otherwise ignored.

`emmett.testing.brokers` has the tests for these promises; every broker passes them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from ..publication import Position

# Seconds for which publications with the key of an earlier one in their channel are left out.
KEY_KEPT = 300.0
# Names to subscribe to in one call, and in one command to a server.
BATCH = 500


class Limits(NamedTuple):
    """How much history a channel keeps.

    Fields:
        size: publications, at least 1.
        ttl: seconds after which a publication is forgotten.
    """

    size: int
    ttl: float


class Needs(NamedTuple):
    """The features that an application uses of a broker, besides publishing and subscribing.

    Fields:
        history: whether a namespace has history.
        presence: whether a namespace has presence.
    """

    history: bool = False
    presence: bool = False


NO_NEEDS = Needs()


class Entry(NamedTuple):
    """One publication as a broker carries it."""

    payload: bytes
    # Its position in the history; None in a channel without history.
    position: Position | None


class History(NamedTuple):
    """The history of a channel after a position.

    Fields:
        entries: the entries, in order of their offsets.
        top: the position of the newest publication, whether or not it is among `entries`.
        complete: whether everything between the requested position and the last of `entries` (`top`, if there was no
            bound) is there. False if something was trimmed or has expired, or if the position is of another epoch or
            beyond `top`; `entries` then begin with the oldest remaining one. Without a position it is True. With a
            limit of 0 it has no meaning.
    """

    entries: Sequence[Entry]
    top: Position
    complete: bool


class Listener(Protocol):
    """Receives events from a broker: the hub. None of its methods waits or raises."""

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        """Handle a publication.

        Arguments:
            subscribed: the name or pattern of the matching subscription. A channel that is subscribed to both by name
                and by pattern is reported once for each.
            channel: the channel.
            entry: the publication.
        """

    def lost(self, subscribed: Collection[str] | None) -> None:
        """Handle a loss: publications may be missed from now until `restored`; the broker is already reconnecting.

        A loss that is noticed only when everything is restored is reported as well, with `restored` right after it.
        Neither is called for `start`, for `stop`, or for errors in `subscribe`.

        Arguments:
            subscribed: the names and patterns concerned; None for all.
        """

    def restored(self, subscribed: Collection[str] | None) -> None:
        """Handle the end of a loss: subscriptions are restored, and all publications from now on are reported.

        Arguments:
            subscribed: as in `lost`; several calls may restore, part by part, what one call of `lost` reported.
        """


class Broker(Protocol):
    """Carries publications between processes, and keeps history and presence.

    Every method that waits has a deadline, and raises `BrokerUnavailable` if the broker does not answer in time. If the
    broker answers with a refusal and retrying does not help, it raises `BrokerRefused`, a `BrokerUnavailable`. After a
    loss the broker reconnects by itself, with growing pauses and jitter, and restores its subscriptions in batches.

    A pattern is the name of a group followed by `:*`: `room:*` matches every channel whose name begins with `room:`.
    Names are checked before a broker sees them (`names.py`). Each of their characters is literal.

    Before `start` and after `stop`, all methods that need the broker raise `BrokerUnavailable`; `stop` and
    `unsubscribe` do not need it, and may be called at any time. A cancelled call, like one that raised, may have
    succeeded or not; the broker remains usable.
    """

    async def start(self, listener: Listener) -> None:
        """Connect, on the running event loop.

        Raises:
            BrokerUnavailable: the broker cannot be reached now. The caller gives up, or calls again.
            BrokerRefused: calling again does not help: wrong password, missing permission, wrong kind of server.
        """

    async def stop(self) -> None:
        """Release everything, including subscriptions: no task and no socket is left. Nothing is reported afterwards.

        Calls that wait end: they raise `BrokerUnavailable`, unless they have their answer. `start` may be called again.
        """

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        """Test what an application needs, on every server and on channels that nothing else uses (see `trial.py`).

        Arguments:
            needs: the features to test besides publishing and subscribing.

        Returns:
            Seconds for the slowest round trip to a server.

        Raises:
            BrokerUnavailable, BrokerRefused: something does not work; the message names it.
        """

    async def subscribe(self, names: Collection[str]) -> None:
        """Subscribe to channels and patterns. Existing subscriptions remain.

        It also waits for names that another call, still under way, has subscribed to: every caller hears them once it
        returns. If it raises, it has subscribed to none of the new names.

        Raises:
            BrokerRefused: the broker refuses the names in its `names`. The call can be repeated without them.
        """

    async def unsubscribe(self, names: Collection[str]) -> None:
        """Unsubscribe; unknown names are ignored. While the broker is away this needs no answer from it."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        """Publish to a channel.

        Arguments:
            payload: the publication, as `envelope.pack` made it.
            limits: keep the publication in the channel's history, trimmed to these limits; None for no history.

        Returns:
            Its position; None without history.
        """

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        """Publish to a channel unless a publication to it had the same key less than `KEY_KEPT` seconds ago.

        A call that raises may be repeated with its key: in a channel with history that publishes once. Without history
        a publication whose answer was lost may be made twice, or, if its node has crashed, not at all.

        Arguments:
            payload, limits: as for `publish`.
            key: any text that is not empty. Publications without history have keys of their own.

        Returns:
            The position of the publication, or of the earlier one; None without history, or if the earlier one is no
            longer in the history.
        """

    async def remove_history(self, channel: str, limits: Limits) -> None:
        """Remove the publications in the history of a channel; its epoch and the offset of the newest one remain.

        A publication that is made at the same time may remain or not.

        Arguments:
            limits: the limits of the channel.
        """

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        """Read the history of a channel.

        A channel without any publication so far also has a position, with offset 0, from which later publications can
        be recovered. Epoch and offsets of a channel outlive its last publication, and the last time they were read, by
        at least a day.

        Arguments:
            since: return what follows this position; None for everything from the oldest on.
            limit: the maximum number of entries: the first ones after `since` or, if that is None, the newest; None for
                all. 0 asks for `top` only.
            limits: the limits of the channel.
            max_bytes: stop at the entry with which the payloads reach this many bytes, so that at least one entry is
                returned if there is one; None for no bound. It is only used together with `since`: the next call
                begins at the last entry of this one, until that is the one at `top`.
        """

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        """Add a connection of a member to a channel, or renew it if it is there.

        Arguments:
            connection: the name of the connection, unique among all nodes.
            member: the member; it may have several connections.
            info: information about the member for others, JSON; the newest counts, whichever connection brought it.
            ttl: seconds after which the connection is removed unless `keep` was called.

        Returns:
            Whether the member is new. If it had only expired connections, a broker may return either; `keep` then does
            not report it.
        """

    async def leave(self, channel: str, connection: str) -> str | None:
        """Remove a connection; return the member if this was its last one, else None."""

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        """Renew connections for another `ttl` seconds, and remove expired ones.

        A connection that was removed because its node was cut off for longer does not come back; call `join` again for
        it. One that has expired but was not removed yet may come back or not.

        Returns:
            Members whose last connection was removed by this very call: each is reported to one caller only.
        """

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        """Return the members present, with info and number of connections; expired connections do not count."""

    async def take(self, bucket: str, calls: int, period: float) -> float:
        """Take one call out of a token bucket that all nodes share.

        A bucket is full at first: it allows `calls` calls at once, and as many again in each period. The clock is that
        of the broker. A bucket that is full again is forgotten. Calls with other numbers need another bucket.

        Arguments:
            bucket: the name of the bucket, as valid as that of a channel.
            calls: the number of calls, at least 1.
            period: seconds, above 0.

        Returns:
            0.0 if there was one; otherwise the seconds until there is.
        """

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        """Take a lease that only one of all nodes has at a time, or renew it. The clock is that of the broker.

        A call that raises may have taken or renewed the lease, or not.

        Arguments:
            lease: the name of the lease, as valid as that of a channel.
            holder: the caller, unique among all nodes.
            ttl: seconds after which the lease ends unless it was renewed, above 0.

        Returns:
            Whether the holder has it.
        """

    async def release(self, lease: str, holder: str) -> None:
        """End a lease, if this holder has it."""
