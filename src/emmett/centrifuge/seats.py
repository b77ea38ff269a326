"""How many clients a process has, in all and of each user."""

from __future__ import annotations

from .codes import CONNECTION_LIMIT, Disconnected


class Seats:
    """Counts clients, and refuses those above the limits.

    Arguments:
        most, most_of_user: the limits; None for none. Anonymous clients belong to no user.
    """

    def __init__(self, most: int | None, most_of_user: int | None) -> None:
        self._most = most
        self._most_of_user = most_of_user
        self._taken = 0
        self._of_user: dict[str, int] = {}

    def __len__(self) -> int:
        """Return the number of clients."""
        return self._taken

    def take(self, user: str) -> None:
        """Count a client; `release` must follow when it leaves.

        Raises:
            Disconnected: there are too many. The client stays away.
        """
        own = self._of_user.get(user, 0)
        if self._most is not None and self._taken >= self._most:
            raise Disconnected(CONNECTION_LIMIT)
        if user and self._most_of_user is not None and own >= self._most_of_user:
            raise Disconnected(CONNECTION_LIMIT)
        self._taken += 1
        if user:
            self._of_user[user] = own + 1

    def release(self, user: str) -> None:
        """Count a client no more."""
        self._taken -= 1
        if user:
            left = self._of_user.pop(user) - 1
            if left:
                self._of_user[user] = left
