"""One channel or pattern that this process is subscribed to: where it stands, and what must be healed."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable

from .brokers.port import Entry, History
from .encoding import check_member_data
from .envelope import unpack
from .names import is_pattern
from .namespaces import Namespace
from .publication import Kind, Position, Publication
from .reading import is_last_page
from .receiver import Receiver
from .stats import Counters
from .stream import ChannelStream

# Publications that may wait while the history is read. What is more is read there once again.
MAX_HELD = 4096
# Channels of a pattern whose position is known: the latest ones.
MAX_PLACES = 1024
# Times that a gap is looked for in the history, without coming any further, until it is told.
MAX_ATTEMPTS = 4


class Topic:
    """A channel or pattern, its position, and its stream.

    In a namespace with history a channel passes on what follows its position, ignores what it had, and asks for a
    healing where something is missing: then what comes is held until the history was read.

    Arguments:
        name: the channel or the pattern.
        namespace: its namespace.
        counters: where to count.
        heal: called when the history must be read; the answer comes by `heal_with` or `give_up`.
        idle: called when the last subscriber has left.

    Attributes:
        opened: done when the subscription stands, with None, or the error that it failed with.
        users: how many subscribers it is kept for.
        is_lost: the broker has lost the subscription for now.
        is_quiet: nothing was heard since somebody set it.
        position: up to where everything was passed on; None without history.
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
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.is_pattern = is_pattern(name)
        self.stream = ChannelStream(name, namespace, counters)
        self.opened: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        self.users = 0
        # Ends it when nobody has come for a while.
        self.timer: asyncio.TimerHandle | None = None
        # What is heard counts: the broker has subscribed.
        self.is_listening = False
        self.is_lost = False
        self.is_quiet = False
        # Waits for its history, or is in line for it.
        self.is_healing = False
        self.attempts = 0
        self.position: Position | None = None
        self._counters = counters
        self._heal = heal
        self._idle = idle
        # What came while its place is not known; None while all is passed on.
        self._held: deque[tuple[Position | None, Publication | None]] | None = None
        # Some of it was too much, and forgotten.
        self._has_dropped = False
        # Of a pattern: by channel the last offset, of those that were heard last.
        self._places: OrderedDict[str, Position] = OrderedDict()

    @property
    def has_history(self) -> bool:
        """Whether its position is known, and gaps can be healed."""
        return bool(self.namespace.history) and not self.is_pattern

    def position_of(self, receiver: Receiver) -> Position | None:
        """Return up to where everything was given to a receiver; None without history, and for a pattern."""
        if self.is_pattern:
            return None
        catch_up = self.stream.careful.get(receiver)
        return self.stream.done if catch_up is None else catch_up.last

    def leave(self, receiver: Receiver) -> None:
        """Remove a subscriber."""
        self.stream.leave(receiver)
        self.users -= 1
        if not self.users:
            self._idle(self)

    def listen(self) -> None:
        """Take note that the broker has subscribed. In a channel with history what is heard waits for `begin`."""
        self.is_listening = True
        if self.has_history:
            self._held = deque()

    def begin(self, top: Position) -> None:
        """Pass on what comes behind a position."""
        self.position = self.stream.done = top
        self._release()

    def is_level_with(self, top: Position) -> bool:
        """Tell whether nothing is missing of a history whose newest publication is there."""
        last = self.position
        return last is None or (last.epoch == top.epoch and last.offset >= top.offset)

    def hear(self, channel: str, entry: Entry) -> bool:
        """Take what the broker brings; returns whether it could be read."""
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
        """Let wait what comes: the history is about to be read."""
        if self._held is None:
            self._held = deque()

    def heal_with(self, page: History) -> bool:
        """Pass on what was missed, and after the last page what was held; returns whether this was the last one."""
        entries, top, is_complete = page
        before = self.position
        if not is_complete:
            first = entries[0].position if entries else None
            self._tell_gap(top if first is None else first.previous())
        for entry in entries:
            self._heal_entry(entry)
        self.attempts = 0 if self.position != before else self.attempts + 1
        if self.position != before and not is_last_page(page):
            return False
        if entries:
            self._counters.healed += 1
        self.is_healing = False
        if self.attempts >= MAX_ATTEMPTS:
            self.give_up()
        else:
            self._release()
        return True

    def fail(self) -> bool:
        """Return whether to try again to read the history, which failed."""
        self.attempts += 1
        if not self._held and not self._has_dropped:
            # Nothing is known to be missing, so nobody has to wait.
            self._held = None
        if self.attempts < MAX_ATTEMPTS:
            return True
        self.give_up()
        return False

    def give_up(self) -> None:
        """Tell the gap that could not be healed, and pass on what was held."""
        self.is_healing = False
        self.attempts = 0
        if self._held is None:
            return
        placed = [position for position, _ in self._held if position is not None]
        if placed:
            self._tell_gap(placed[0].previous())
        elif self._has_dropped:
            self._tell_gap(self.position)
        self._release()

    def miss(self) -> None:
        """Publications may have been missed, and there is no history to look into."""
        self._counters.gaps += 1
        self._places.clear()
        self.stream.add(Publication(self.name, "", Kind.GAP, None))

    def _release(self) -> None:
        held, self._held = self._held or deque(), None
        dropped, self._has_dropped = self._has_dropped, False
        for position, publication in held:
            # With a gap among them the holding begins anew.
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
        """Compare with what came from the same channel before, in a pattern; returns whether it is new."""
        if publication is None:
            return True
        channel = publication.channel
        last = self._places.pop(channel, None)
        is_new = last is None or last.epoch != position.epoch or position.offset > last.offset
        self._places[channel] = position if is_new or last is None else last
        if len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)
        if last is not None and (last.epoch != position.epoch or position.offset > last.offset + 1):
            self._counters.gaps += 1
            self.stream.add(Publication(channel, "", Kind.GAP, position.previous()))
        return is_new

    def _heal_entry(self, entry: Entry) -> None:
        position, last = entry.position, self.position
        if position is None or last is None:
            return
        if position.epoch == last.epoch and position.offset <= last.offset:
            return
        if position.epoch != last.epoch or position.offset > last.offset + 1:
            self._tell_gap(position.previous())
        self.position = position
        publication = read_entry(self.name, entry)
        if publication is None:
            self._counters.rejected += 1
        else:
            self.stream.add(publication, is_extra=True)

    def _tell_gap(self, position: Position | None) -> None:
        self._counters.gaps += 1
        self.position = position or self.position
        self.stream.add(Publication(self.name, "", Kind.GAP, position), is_extra=True)

    def _ask(self) -> None:
        if not self.is_healing:
            self.is_healing = True
            self._heal(self)


def read_entry(channel: str, entry: Entry) -> Publication | None:
    """Return the publication that a broker has brought; None when it is not of the expected form."""
    try:
        data, kind = unpack(entry.payload)
        if kind is not Kind.MESSAGE:
            assert isinstance(data, str)
            check_member_data(data)
    except ValueError:
        return None
    return Publication(channel, data, kind, entry.position)
