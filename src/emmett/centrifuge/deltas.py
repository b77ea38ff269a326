"""Publications as deltas to the previous ones: each is made once for all subscribers of a channel.

A subscriber gets its first publication whole. After that it is level with the others, and shares their encoder.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from ..channels import Kind, Publication
from .codec import ClientCodec
from .fossil import make_delta
from .messages import ClientReply, Push
from .pushes import push_of

# Limits on the publications of a channel that are kept with their deltas: number and bytes. One alone may be larger.
MAX_STEPS = 32
MAX_STEPS_SIZE = 1_048_576


class DeltaStep(NamedTuple):
    """One publication of a channel.

    Fields:
        publication: the publication, compared by identity.
        content: its whole data as clients get it.
        base: the publication before it; None if that is unknown.
        delta: the delta to `base`; None if it is not shorter.
    """

    publication: Publication
    content: bytes
    base: Publication | None
    delta: bytes | None


class DeltaChain:
    """The latest publications of one channel in one encoding.

    Arguments:
        codec: the encoding.
    """

    def __init__(self, codec: ClientCodec) -> None:
        self.codec = codec
        # By id(), which is valid as long as the publication is kept.
        self._steps: OrderedDict[int, DeltaStep] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        """Return the number of publications that are kept."""
        return len(self._steps)

    def step(self, publication: Publication) -> DeltaStep:
        """Return the step of a publication. A new one follows the previous new one."""
        found = self._steps.get(id(publication))
        if found is not None:
            return found
        last = next(reversed(self._steps.values()), None)
        content = bytes(self.codec.wrap(publication.data))
        delta = None if last is None else make_delta(last.content, content)
        found = DeltaStep(publication, content, None if last is None else last.publication, delta)
        self._steps[id(publication)] = found
        self._size += len(content)
        while len(self._steps) > MAX_STEPS or (self._size > MAX_STEPS_SIZE and len(self._steps) > 1):
            _, oldest = self._steps.popitem(last=False)
            self._size -= len(oldest.content)
        return found


class DeltaEncoder:
    """Encodes the publications of a channel for subscribers that have all received the same ones.

    Arguments:
        chain: the publications of the channel.
        finish: completes a push, for example with the number of the channel.

    Attributes:
        last: the last publication that all these subscribers received.
    """

    ends_at_gap = True

    def __init__(self, chain: DeltaChain, finish: Callable[[Push], None]) -> None:
        self._chain = chain
        self._finish = finish
        self.last: Publication | None = None

    def __call__(self, publication: Publication) -> str | bytes | None:
        message = self.encode(publication, self.last)
        # Not earlier, because subscribers do not get a publication whose encoding fails.
        if publication.kind is Kind.MESSAGE:
            self.last = publication
        return message

    def encode(self, publication: Publication, last: Publication | None) -> str | bytes | None:
        """Return the message for subscribers whose last publication is `last`; None for a gap."""
        codec = self._chain.codec
        push = push_of(publication, codec)
        if push is None:
            return None
        if push.pub is not None:
            step = self._chain.step(publication)
            is_delta = step.delta is not None and step.base is not None and step.base is last
            push.pub.data = codec.escape(step.delta if is_delta and step.delta is not None else step.content)
            push.pub.delta = is_delta
        self._finish(push)
        return codec.encode([ClientReply(push=push)])


class FirstEncoder:
    """Encodes for a single subscriber, which may not be level with the others.

    Arguments:
        shared: the encoder of the others.
        seen: called when the subscriber gets a publication.

    Attributes:
        last: the last publication that the subscriber received.
    """

    ends_at_gap = True

    def __init__(self, shared: DeltaEncoder, seen: Callable[[], None]) -> None:
        self._shared = shared
        self._seen = seen
        self.last: Publication | None = None

    def __call__(self, publication: Publication) -> str | bytes | None:
        message = self._shared.encode(publication, self.last)
        if publication.kind is Kind.MESSAGE:
            self.last = publication
            self._seen()
        return message
