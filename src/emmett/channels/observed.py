"""Publishing and delivering with observers. Without observers it is not used at all."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

from ..observers import Delivered, Published, Publishing, notify
from .envelope import carry
from .identities import Identities
from .namespaces import Namespace
from .publication import CarriedPublication, Position, Publication
from .stats import Counters
from .stream import ChannelStream

Publish = Callable[[bytes], Awaitable[Position | None]]


async def publish_observed(publish: Publish, channel: str, payload: bytes, counters: Counters) -> Position | None:
    """Publish, and notify observers before and after.

    Arguments:
        publish: publishes a payload.
        channel: the channel.
        payload: the publication, as `envelope.pack` made it.
        counters: has the observers.
    """
    observers, key, carrier = counters.observers, object(), dict[str, str]()
    # The envelope takes one byte.
    size = len(payload) - 1
    if observers.publishing:
        notify(observers.publishing, Publishing(key, channel, size, carrier))
    began, failure = time.perf_counter(), None
    try:
        return await publish(carry(payload, carrier))
    except BaseException as error:
        failure = error
        raise
    finally:
        if observers.published:
            notify(observers.published, Published(key, channel, size, time.perf_counter() - began, failure))
        # The traceback of the exception refers to this frame.
        del failure


class ObservedStream(ChannelStream):
    """A stream that notifies observers when publications were passed to all subscribers."""

    __slots__ = ("_heard_at",)

    def __init__(
        self, name: str, namespace: Namespace, counters: Counters, identities: Identities | None = None
    ) -> None:
        super().__init__(name, namespace, counters, identities)
        # When the first of the gathered publications was added, in seconds.
        self._heard_at: float | None = None

    def add(self, publication: Publication, is_extra: bool = False) -> None:
        if self._heard_at is None:
            self._heard_at = time.perf_counter()
        super().add(publication, is_extra)

    def _hand_out(self, publications: Sequence[Publication], is_extra: bool) -> Iterator[None]:
        began, self._heard_at = self._heard_at or time.perf_counter(), None
        subscribers = len(self)
        yield from super()._hand_out(publications, is_extra)
        carriers = [each.carrier for each in publications if isinstance(each, CarriedPublication)]
        seconds = time.perf_counter() - began
        event = Delivered(self._name, len(publications), subscribers, seconds, carriers)
        notify(self._counters.observers.delivered, event)


def make_stream(
    name: str, namespace: Namespace, counters: Counters, identities: Identities | None = None
) -> ChannelStream:
    """Return the stream of a channel."""
    kind = ObservedStream if counters.observers.delivered else ChannelStream
    return kind(name, namespace, counters, identities)
