"""The port that every broker fills, and what a broker promises.

Promises:

- *Order*: what one process publishes to a channel, one `publish` awaited after the other, arrives everywhere in that
  order. In a channel with history there is one order for all: that of the offsets.
- *Heard from then on*: once `subscribe` has returned, everything that is published is reported, until `unsubscribe` or
  `Listener.lost`.
- *At most once*, or told: what cannot be delivered while the connection is away is lost to the live stream, and the
  listener is told so with `lost`. In a channel with history it can be read again with `history`.
- *History is atomic*: a publication is in the history, with its offset, exactly if it was sent to subscribers. A
  `publish` that raises may have happened or not: it can have been carried out when only its answer was lost.
- *Nothing is executed*: bytes from the broker are data. What is not of the expected form is reported to the log, once
  a minute at most, and otherwise ignored.

`emmett.testing.brokers` has the tests for these promises; every broker passes them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from ..publication import Position

# Names that are subscribed to in one call, and in one command of a server.
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
    """What an application uses of a broker, besides publishing and subscribing.

    Fields:
        history: a namespace has history.
        presence: a namespace has presence.
    """

    history: bool = False
    presence: bool = False


NO_NEEDS = Needs()


class Entry(NamedTuple):
    """One publication as a broker carries it."""

    payload: bytes
    # Where it stands in the history; None in a channel without.
    position: Position | None


class History(NamedTuple):
    """What the history of a channel holds behind a position.

    Fields:
        entries: in order of their offsets.
        top: the position of the newest publication there is, whether or not it is among `entries`.
        complete: whether all between the position asked for and the last of `entries` (`top`, when there was no bound)
            is there. False when something was trimmed or has expired, or when the position is of another epoch or
            beyond `top`; then `entries` begin with the oldest that is left. Without a position it is True. With a limit
            of 0 it says nothing.
    """

    entries: Sequence[Entry]
    top: Position
    complete: bool


class Listener(Protocol):
    """Who hears what a broker brings: the hub. None of its methods waits or raises."""

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        """Take a publication that has come.

        Arguments:
            subscribed: the name or pattern of the subscription that brought it. A channel that is subscribed to by name
                and by pattern is reported once for each.
            channel: the channel.
            entry: the publication.
        """

    def lost(self, subscribed: Collection[str] | None) -> None:
        """Publications may have been missed, from now until `restored`; the broker is already trying again.

        A loss that is noticed only when all stands again is told as well; `restored` follows at once then. Neither is
        called for `start`, for `stop`, or for what goes wrong in `subscribe`.

        Arguments:
            subscribed: which names and patterns; None for all.
        """

    def restored(self, subscribed: Collection[str] | None) -> None:
        """Subscriptions stand again: all that is published from now on is reported.

        Arguments:
            subscribed: as of `lost`; several calls may bring back, part by part, what one call of `lost` has told.
        """


class Broker(Protocol):
    """Carries publications between processes, keeps history and presence.

    Every method that waits has a deadline, and raises `BrokerUnavailable` when the broker does not answer in time. When
    the broker answers but refuses, and waiting does not help, it raises `BrokerRefused`, a `BrokerUnavailable`.
    After a loss the broker connects again by itself, with growing pauses and jitter, and subscribes in batches to all
    that it was subscribed to.

    A pattern is the name of a group with `:*` behind it: `room:*` stands for every channel whose name begins with
    `room:`. Names are checked before a broker sees them (`names.py`). Each of their characters stands for itself.

    Before `start` and after `stop` all methods that need the broker raise `BrokerUnavailable`; `stop` and `unsubscribe`
    need it not, and may be called at any time. A call that is cancelled may have been carried out or not, as one that
    raised; the broker is well after it.
    """

    async def start(self, listener: Listener) -> None:
        """Connect, on the running event loop.

        Raises:
            BrokerUnavailable: it cannot be reached now. The caller gives up, or calls again.
            BrokerRefused: calling again does not help: wrong password, missing permission, wrong kind of server.
        """

    async def stop(self) -> None:
        """Let go of everything, subscriptions included: no task and no socket is left. Nothing is reported after it.

        Calls that wait end: they raise `BrokerUnavailable`, unless they have their answer. `start` may be called again.
        """

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        """Try what an application needs, on every server and on channels that nothing else uses (see `trial.py`).

        Arguments:
            needs: what to try besides publishing and subscribing.

        Returns:
            Seconds for the slowest round trip to a server.

        Raises:
            BrokerUnavailable, BrokerRefused: something does not work; the message names it.
        """

    async def subscribe(self, names: Collection[str]) -> None:
        """Hear of channels and patterns from now on. Those that are subscribed to already stay so.

        It waits as well for those that another call, still under way, has asked for: whoever it returns to is heard.
        When it raises, none of the new ones is subscribed to.

        Raises:
            BrokerRefused: its `names` are those that the broker refuses. The others can be subscribed to without them.
        """

    async def unsubscribe(self, names: Collection[str]) -> None:
        """Hear of them no more; unknown ones are ignored. While the broker is away this needs no answer from it."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        """Publish to a channel.

        Arguments:
            payload: the publication, as `envelope.pack` made it.
            limits: keep it in the channel's history, which is trimmed to them; None for a channel without history.

        Returns:
            Its position; None without history.
        """

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        """Read the history of a channel.

        A channel that nothing was published to yet has a position too, with offset 0, from which what comes later can
        be recovered. Epoch and offsets of a channel outlive the last of its publications, and the last time that they
        were read, by a day at least.

        Arguments:
            since: what is behind this position; None for all from the oldest on.
            limit: at most so many entries, the first ones behind `since`, or, where that is None, the newest; None for
                all. 0 asks for `top` only.
            limits: those of the channel.
            max_bytes: stop at the entry with which the payloads reach so many bytes, so that at least one entry is
                returned where there is one; None for no bound. It is used together with `since` only: the next call
                begins at the last entry of this one, until that is the one at `top`.
        """

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        """Note that a connection of a member is in a channel. One that is noted already is renewed.

        Arguments:
            connection: names the connection, unique among all nodes.
            member: who it is; the same member may have several connections.
            info: what others may know of the member, JSON; the newest counts, whichever connection brought it.
            ttl: seconds after which the connection is forgotten unless `keep` was called.

        Returns:
            Whether the member was not there before. Where only connections whose time is over were left of it, a broker
            may say either; `keep` does not tell of it then.
        """

    async def leave(self, channel: str, connection: str) -> str | None:
        """Note that a connection has left; returns the member if this was its last one, else None."""

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        """Note that connections are still there, for another `ttl` seconds, and forget those whose time is over.

        A connection that was forgotten, because its node was cut off for longer, is not brought back: see `join`, which
        may be called again for it. One whose time is over but that nobody has forgotten yet may be, or not.

        Returns:
            Members whose last connection was forgotten by this very call: each is reported to one caller only.
        """

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        """Return who is there: by member the info, and how many connections; without those whose time is over."""
