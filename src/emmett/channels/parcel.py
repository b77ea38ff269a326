"""Publications of one channel on their way to many subscribers, encoded once per encoder."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from .encoding import Encode, ends_at_gap
from .latest import Item
from .namespaces import Namespace
from .publication import Kind, Publication
from .sink import Batch, Message

logger = logging.getLogger("emmett.channels")


class Parcel:
    """Publications, and what subscribers get for them.

    Arguments:
        namespace: the namespace of their channels.
        publications: the publications, in order.
        encode: returns the message for a socket; None for feeds, which get the publications themselves.
        is_extra: whether they come from the history and do not count towards the bounds of queues.

    Attributes:
        items: the delivered publications, each with its message.
        batch: the messages for sinks.
        size: the total length of all messages.
        is_cut: whether a gap follows that `encode` cannot express: end the subscriber after this parcel.
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
        elif ends_at_gap(encode) and any(map(_is_gap, publications)):
            number = next(number for number, publication in enumerate(publications) if _is_gap(publication))
            self.items = encode_all(publications[:number], encode)
            self.is_cut = True
        else:
            self.items = encode_all(publications, encode)
        self.batch = Batch([message for _, message in self.items])
        self.size = self.batch.size


def encode_all(publications: Sequence[Publication], encode: Encode) -> list[Item]:
    """Encode publications; leave out those without a message, and log and leave out those whose encoding fails."""
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
