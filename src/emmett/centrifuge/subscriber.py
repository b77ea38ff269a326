"""One subscription of a client, as the hub of the channels sees it."""

from __future__ import annotations

from collections.abc import Callable

from ..channels import Position
from ..channels.encoding import Encode
from ..channels.hub import Hub
from ..channels.outlet import TRY_AGAIN_LATER, Outlet
from ..channels.sink import Sink
from .codes import INSUFFICIENT_STATE, SERVER_ERROR, SLOW, Ending


class ClientSubscriber(Outlet):
    """Passes pushes to a client. It holds them back until `open`, because the reply to `subscribe` comes first.

    Arguments:
        sink: the connection.
        encode: encodes publications.
        hub: the hub of the channels.
        on_gap: called when publications were missed; None to disconnect the client.

    Attributes:
        start: the position after which it gets everything live; None without history.
    """

    __slots__ = ("_is_gated", "_on_gap", "start")

    def __init__(self, sink: Sink, encode: Encode, hub: Hub, on_gap: Callable[[], None] | None) -> None:
        super().__init__(sink, encode, hub.counters, hub.leave, hub.closer, hub.log)
        self.take = _refuse
        self.start: Position | None = None
        self._on_gap = on_gap
        self._is_gated = True

    def note_position(self, channel: str, position: Position) -> None:
        """Record the position after which publications arrive live."""
        super().note_position(channel, position)
        self.start = position

    def open(self) -> None:
        """Pass on what was held back, and everything from now on."""
        self._is_gated = False
        if not self.is_over:
            self._ready()

    def cut(self) -> None:
        """End the subscription, because publications were missed. The client subscribes again with its position."""
        if self.is_over:
            return
        if self._on_gap is None:
            super()._end(*INSUFFICIENT_STATE)
        else:
            self._leave(self)
            self._on_gap()

    def _end(self, code: int, reason: str) -> None:
        ending: Ending = SLOW if code == TRY_AGAIN_LATER else SERVER_ERROR
        super()._end(*ending)

    def _wait(self) -> None:
        if not self._is_gated:
            super()._wait()


def _refuse(_: object) -> bool:
    return False
