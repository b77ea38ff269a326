"""One channel or pattern that this process is subscribed to: its position, its stream, and its recovery."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from .brokers.port import Entry, History
from .encoding import Encode, check_member_data
from .envelope import split_carrier, unpack
from .identities import Identities
from .names import is_pattern
from .namespaces import Namespace
from .observed import make_stream
from .publication import CarriedPublication, Kind, Position, Publication
from .reading import is_last_page
from .receiver import Receiver
from .stats import Counters

# Publications to hold while the history is read. Any more are read from the history again.
MAX_HELD = 4096
# Channels of a pattern whose positions are remembered: the most recent ones.
MAX_PLACES = 1024
# Attempts to recover a gap from the history, without progress, before it is reported.
MAX_ATTEMPTS = 4


class Topic:
    """A channel or pattern, its position, and its stream.

    In a namespace with history, a channel passes on publications that follow its position and ignores duplicates. If
    publications are missing, it requests a recovery and holds new publications until the history is read.

    Arguments:
        name: the channel or the pattern.
        namespace: its namespace.
        counters: the counters to update.
        heal: called when the history must be read; answer with `heal_with` or `give_up`.
        idle: called when the last subscriber has left.
        identities: finds the subscribers that publications exclude; None if none does.

    Attributes:
        opened: done when the broker has subscribed, with None, or with the error if that failed.
        users: the number of subscribers that need it.
        is_lost: whether the broker has lost the subscription for now.
        is_quiet: whether nothing was heard since this was set.
        position: the position up to which everything was passed on; None without history.
    """

    __slots__ = (
        "_counters",
        "_has_dropped",
        "_heal",
        "_held",
        "_idle",
        "_places",
        "attempts",
        "is_healing",
        "is_listening",
        "is_lost",
        "is_pattern",
        "is_quiet",
        "name",
        "namespace",
        "opened",
        "position",
        "stream",
        "timer",
        "users",
    )

    def __init__(
        self,
        name: str,
        namespace: Namespace,
        counters: Counters,
        heal: Callable[[Topic], None],
        idle: Callable[[Topic], None],
        identities: Identities | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.is_pattern = is_pattern(name)
        self.stream = make_stream(name, namespace, counters, identities)
        self.opened: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.users = 0
        # Ends the topic if no new subscriber arrives.
        self.timer: asyncio.TimerHandle | None = None
        # The broker has subscribed, so publications count.
        self.is_listening = False
        self.is_lost = False
        self.is_quiet = False
        # The history is being read, or is about to be.
        self.is_healing = False
        self.attempts = 0
        self.position: Position | None = None
        self._counters = counters
        self._heal = heal
        self._idle = idle
        # Publications held until the history is read; None while everything is passed on.
        self._held: deque[tuple[Position | None, Publication | None]] | None = None
        # Too many were held, and some were discarded.
        self._has_dropped = False
        # Of a pattern: the last position by channel, for the most recent channels.
        self._places: OrderedDict[str, Position] = OrderedDict()

    @property
    def has_history(self) -> bool:
        """Whether its position is known and gaps can be recovered."""
        return bool(self.namespace.history) and not self.is_pattern

    def position_of(self, receiver: Receiver) -> Position | None:
        """Return the position up to which a receiver has everything; None without history, and for a pattern."""
        if self.is_pattern:
            return None
        catch_up = self.stream.catching_up.get(receiver)
        return self.stream.done if catch_up is None else catch_up.last

    def leave(self, receiver: Receiver) -> None:
        """Remove a subscriber."""
        self.stream.leave(receiver)
        self.users -= 1
        if not self.users:
            self._idle(self)

    def regroup(self, receiver: Receiver, encode: Encode) -> bool:
        """Give a subscriber another `encode` from the next publications on; return whether no live one has it yet."""
        return self.stream.regroup(receiver, encode)

    def listen(self) -> None:
        """Record that the broker has subscribed. With history, publications are held until `begin`."""
        self.is_listening = True
        if self.has_history:
            self._held = deque()

    def begin(self, top: Position) -> None:
        """Pass on the publications after a position."""
        self.position = self.stream.done = top
        self._release()

    def is_level_with(self, top: Position) -> bool:
        """Return whether a history that ends at `top` has nothing new."""
        last = self.position
        return last is None or (last.epoch == top.epoch and last.offset >= top.offset)

    def hear(self, channel: str, entry: Entry) -> bool:
        """Accept an entry from the broker; return whether it could be read."""
        if not self.is_listening:
            return True
        self.is_quiet = False
        publication = read_entry(channel, entry)
        if self._held is not None:
            self._hold(entry.position, publication)
        else:
            self._pass_on(entry.position, publication)
        return publication is not None

    def hold(self) -> None:
        """Hold new publications, because the history is about to be read."""
        if self._held is None:
            self._held = deque()

    def heal_with(self, page: History) -> bool:
        """Pass on missed publications, and after the last page those held; return whether this was the last page."""
        entries, top, is_complete = page
        before = self.position
        if not is_complete:
            first = entries[0].position if entries else None
            self._report_gap(top if first is None else first.previous())
        for entry in entries:
            self._heal_entry(entry)
        self.attempts = 0 if self.position != before else self.attempts + 1
        if self.position != before and not is_last_page(page):
            return False
        if entries:
            self._counters.heal(self.name)
        self.is_healing = False
        if self.attempts >= MAX_ATTEMPTS:
            self.give_up()
        else:
            self._release()
        return True

    def fail(self) -> bool:
        """Record a failed read of the history; return whether to try again."""
        self.attempts += 1
        if not self._held and not self._has_dropped:
            # Nothing is known to be missing, so no publication has to wait.
            self._held = None
        if self.attempts < MAX_ATTEMPTS:
            return True
        self.give_up()
        return False

    def give_up(self) -> None:
        """Report the gap that could not be recovered, and pass on the publications held."""
        self.is_healing = False
        self.attempts = 0
        if self._held is None:
            return
        placed = [position for position, _ in self._held if position is not None]
        if placed:
            self._report_gap(placed[0].previous())
        elif self._has_dropped:
            self._report_gap(self.position)
        self._release()

    def miss(self) -> None:
        """Report a possible gap in a namespace without history."""
        self._counters.miss(self.name)
        self._places.clear()
        self.stream.add(Publication(self.name, "", Kind.GAP, None))

    def _release(self) -> None:
        held, self._held = self._held or deque(), None
        dropped, self._has_dropped = self._has_dropped, False
        for position, publication in held:
            # A gap among them starts holding again.
            take = self._hold if self._is_holding() else self._pass_on
            take(position, publication)
        if dropped:
            self._ask()

    def _is_holding(self) -> bool:
        return self._held is not None

    def _hold(self, position: Position | None, publication: Publication | None) -> None:
        assert self._held is not None
        if len(self._held) >= MAX_HELD:
            self._held.clear()
            self._has_dropped = True
        self._held.append((position, publication))

    def _pass_on(self, position: Position | None, publication: Publication | None) -> None:
        last = self.position
        if position is not None and last is not None:
            if position.epoch != last.epoch or position.offset > last.offset + 1:
                self._held = deque([(position, publication)])
                self._ask()
                return
            if position.offset <= last.offset:
                return
            self.position = position
        elif position is not None and self.is_pattern and not self._follow(position, publication):
            return
        if publication is not None:
            self.stream.add(publication)

    def _follow(self, position: Position, publication: Publication | None) -> bool:
        """Compare with the last publication of the same channel, in a pattern; return whether this one is new."""
        if publication is None:
            return True
        channel = publication.channel
        last = self._places.pop(channel, None)
        is_new = last is None or last.epoch != position.epoch or position.offset > last.offset
        self._places[channel] = position if is_new or last is None else last
        if len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)
        if last is not None and (last.epoch != position.epoch or position.offset > last.offset + 1):
            self._counters.miss(channel)
            self.stream.add(Publication(channel, "", Kind.GAP, position.previous()))
        return is_new

    def _heal_entry(self, entry: Entry) -> None:
        position, last = entry.position, self.position
        if position is None or last is None:
            return
        if position.epoch == last.epoch and position.offset <= last.offset:
            return
        if position.epoch != last.epoch or position.offset > last.offset + 1:
            self._report_gap(position.previous())
        self.position = position
        publication = read_entry(self.name, entry)
        if publication is None:
            self._counters.rejected += 1
        else:
            self.stream.add(publication, is_extra=True)

    def _report_gap(self, position: Position | None) -> None:
        self._counters.miss(self.name)
        self.position = position or self.position
        self.stream.add(Publication(self.name, "", Kind.GAP, position), is_extra=True)

    def _ask(self) -> None:
        if not self.is_healing:
            self.is_healing = True
            self._heal(self)


def read_entry(channel: str, entry: Entry) -> Publication | None:
    """Return the publication that a broker delivered; None if it does not have the expected format."""
    try:
        data, kind, details = unpack(entry.payload)
        if kind is not Kind.MESSAGE:
            assert isinstance(data, str)
            check_member_data(data)
    except ValueError:
        return _read_carried(channel, entry)
    return Publication(channel, data, kind, entry.position, details)


def _read_carried(channel: str, entry: Entry) -> Publication | None:
    """Read what is no plain payload, here so that plain payloads need no check for a carrier."""
    try:
        carrier, payload = split_carrier(entry.payload)
    except ValueError:
        return None
    if payload[:1] == b"c":
        # Carriers in carriers would make the depth of this recursion the sender's choice.
        return None
    publication = read_entry(channel, Entry(payload, entry.position))
    return None if publication is None else CarriedPublication.of(publication, carrier)
