"""The other nodes that a node knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .answers import InspectedNode

# Seconds between two signs of life of a node, and seconds after which a silent node is forgotten.
HELLO_INTERVAL = 10.0
FORGET_AFTER = 30.0
# The most nodes to remember.
MAX_PEERS = 1000


class Peers:
    """The other nodes that were heard from recently.

    Arguments:
        own: the ID of this node.
        clock: returns the time in seconds.
    """

    def __init__(self, own: str, clock: Callable[[], float]) -> None:
        self._own = own
        self._clock = clock
        self._heard: dict[str, tuple[float, InspectedNode]] = {}

    def hear(self, node: InspectedNode) -> None:
        """Note a sign of life."""
        if node.id != self._own and (node.id in self._heard or len(self._heard) < MAX_PEERS):
            self._heard[node.id] = (self._clock(), node)

    def forget(self, node: InspectedNode) -> None:
        """Forget a node that is leaving."""
        self._heard.pop(node.id, None)

    def known(self) -> list[InspectedNode]:
        """Return the nodes that were heard from recently."""
        oldest = self._clock() - FORGET_AFTER
        self._heard = {id: heard for id, heard in self._heard.items() if heard[0] >= oldest}
        return [node for _, node in self._heard.values()]


class Collected:
    """The replies to one question, and the nodes that still have to reply.

    Arguments:
        expected: the known nodes that were asked.
        needs_one: whether to wait for at least one reply, because no node is known.
    """

    def __init__(self, expected: Iterable[InspectedNode], needs_one: bool) -> None:
        self.expected = {node.id: node for node in expected}
        self.answered: set[str] = set()
        self._needs_one = needs_one

    def add(self, node: InspectedNode, peers: Iterable[InspectedNode], is_for_all: bool) -> None:
        """Note a reply, and if all nodes were asked, the nodes that its sender knows."""
        self.answered.add(node.id)
        if is_for_all:
            for peer in peers:
                self.expected.setdefault(peer.id, peer)

    @property
    def missing(self) -> list[InspectedNode]:
        """The nodes that have not answered."""
        return [node for id, node in self.expected.items() if id not in self.answered]

    @property
    def is_complete(self) -> bool:
        """Whether all known nodes have answered."""
        return not self.missing and (bool(self.answered) or not self._needs_one)
