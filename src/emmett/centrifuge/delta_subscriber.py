"""A subscription of a client that gets publications as deltas to the previous ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from ..channels import Publication
from ..channels.hub import Hub
from ..channels.namespaces import Namespace
from ..channels.sink import Sink
from .deltas import DeltaEncoder, FirstEncoder
from .subscriber import ClientSubscriber


class DeltaSubscriber(ClientSubscriber):
    """Uses its own encoder until it is level with the others, and again after a publication excluded it.

    Arguments:
        sink, hub, on_gap: as for `ClientSubscriber`.
        shared: the encoder of the others.
    """

    __slots__ = ("_is_alone", "_is_joining", "_shared")

    def __init__(self, sink: Sink, shared: DeltaEncoder, hub: Hub, on_gap: Callable[[], None] | None) -> None:
        super().__init__(sink, FirstEncoder(shared, self._seen), hub, on_gap)
        self._shared = shared
        # These publications are not all that the others get.
        self._is_alone = False
        self._is_joining = False

    def receive(self, namespace: Namespace, publications: Sequence[Publication], is_extra: bool) -> None:
        """Deliver publications to this subscriber alone."""
        self._is_alone = True
        super().receive(namespace, publications, is_extra)
        self._is_alone = False

    def pass_over(self) -> None:
        """Begin again with a whole publication, because one was left out."""
        for topic in self.topics:
            _ = topic.regroup(self, FirstEncoder(self._shared, self._seen))

    def _seen(self) -> None:
        if not self._is_alone and not self._is_joining:
            self._is_joining = True
            # The others get the same publications in this turn of the loop, or already have them.
            asyncio.get_running_loop().call_soon(self._join)

    def _join(self) -> None:
        self._is_joining = False
        first = self.encode
        for topic in self.topics:
            if topic.regroup(self, self._shared) and isinstance(first, FirstEncoder):
                # The encoder has not been used, or only for subscribers that have left.
                self._shared.last = first.last
