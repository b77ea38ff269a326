"""The ids of subscribers, by which a publisher on any node excludes one of them."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from .receiver import Receiver

# Bytes of an id: visitors may send ids back, and must not be able to guess that of another visitor.
ID_SIZE = 16

# Returns the subscriber of this process with an id, in a channel or a pattern; None if there is none.
FindReceiver = Callable[[str, str], Receiver | None]


class Identities:
    """The subscribers of this process that have an id. A subscriber that nobody excludes needs none.

    Attributes:
        finders: find subscribers whose ids are kept elsewhere.
    """

    def __init__(self) -> None:
        self.finders: list[FindReceiver] = []
        self._receivers: dict[str, Receiver] = {}

    def __len__(self) -> int:
        """Return the number of ids kept here."""
        return len(self._receivers)

    def id_of(self, receiver: Receiver) -> str:
        """Return the id of a subscriber, unique among all nodes; the first call makes it."""
        if receiver.id is None:
            receiver.id = secrets.token_urlsafe(ID_SIZE)
            if not receiver.is_over:
                self._receivers[receiver.id] = receiver
        return receiver.id

    def find(self, id: str, name: str) -> Receiver | None:
        """Return the subscriber with an id.

        Arguments:
            name: the channel or the pattern that it is subscribed to.
        """
        found = self._receivers.get(id)
        if found is None:
            for find in self.finders:
                found = found or find(id, name)
        return found

    def forget(self, receiver: Receiver) -> None:
        """Forget a subscriber that has left."""
        if receiver.id is not None:
            self._receivers.pop(receiver.id, None)
