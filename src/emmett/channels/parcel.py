"""Publications of one channel on their way to many subscribers: made once for all that encode alike."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .encoding import Encode, data_only
from .latest import Item
from .namespaces import Namespace
from .publication import Kind, Publication
from .sink import Batch, Message

logger = logging.getLogger("emmett.channels")


class Parcel:
    """Publications and what of them is delivered.

    Arguments:
        namespace: that of their channels.
        publications: in their order.
        encode: what sockets get of a publication; None for feeds, which get the publications themselves.
        is_extra: they are from the history, and do not count for the bounds of queues.

    Attributes:
        items: the publications that are delivered, each with its message.
        batch: the messages for sinks.
        size: the length of all messages.
        is_cut: a gap follows that `encode` cannot express: who gets this is to be ended behind it.
    """

    __slots__ = ("batch", "is_cut", "is_extra", "is_for_feeds", "items", "namespace", "size")

    def __init__(
        self, namespace: Namespace, publications: Sequence[Publication], encode: Encode | None, is_extra: bool
    ) -> None:
        self.namespace = namespace
        self.is_extra = is_extra
        self.is_for_feeds = encode is None
        self.is_cut = False
        self.items: list[Item]
        if encode is None:
            self.items = [(publication, publication.data) for publication in publications]
        elif encode is data_only and any(map(_is_gap, publications)):
            number = next(number for number, publication in enumerate(publications) if _is_gap(publication))
            self.items = encode_all(publications[:number], encode)
            self.is_cut = True
        else:
            self.items = encode_all(publications, encode)
        self.batch = Batch([message for _, message in self.items])
        self.size = self.batch.size


def encode_all(publications: Sequence[Publication], encode: Encode) -> list[Item]:
    """Return the publications of which sockets get something, and what. One that fails is logged and left out."""
    found: list[Item] = []
    for publication in publications:
        try:
            message: Message | None = encode(publication)
        except Exception:
            logger.exception("encode failed for a publication of channel %r, which is left out", publication.channel)
            continue
        if message is not None:
            found.append((publication, message))
    return found


def _is_gap(publication: Publication) -> bool:
    return publication.kind is Kind.GAP
