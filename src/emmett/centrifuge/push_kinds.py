"""The encoders of an endpoint: subscribers that get the same bytes share one, so the bytes are made once."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Collection
from weakref import WeakValueDictionary

import msgspec

from ..channels import Kind, Publication
from ..channels.encoding import Encode
from .codec import ClientCodec
from .deltas import DeltaChain, DeltaEncoder
from .filters import Matches, make_filter
from .messages import COMPACTION, ClientReply, FilterNode, Push, SubscribeRequest
from .pushes import push_of

# Publications that are remembered with their messages for other filters, and the length of these; one may be larger.
MAX_SHARED = 64
MAX_SHARED_SIZE = 1_048_576


class ChannelNumbers:
    """The numbers that replace names of channels in pushes to clients that ask for them; the same for all clients."""

    def __init__(self) -> None:
        self._next = itertools.count(1)
        # The number of each channel, and how many subscriptions use it.
        self._taken: dict[str, tuple[int, int]] = {}

    def __len__(self) -> int:
        """Return how many channels have a number."""
        return len(self._taken)

    def take(self, channel: str) -> int:
        """Return the number of a channel for one more subscription."""
        number, users = self._taken.get(channel) or (next(self._next), 0)
        self._taken[channel] = (number, users + 1)
        return number

    def release(self, channel: str) -> None:
        """Forget the number when the last subscription that uses it ends. It is never reused."""
        number, users = self._taken.pop(channel)
        if users > 1:
            self._taken[channel] = (number, users - 1)

    def find(self, channel: str) -> int:
        """Return the number of a channel; 0 if it has none."""
        return self._taken.get(channel, (0, 0))[0]

    def put(self, push: Push) -> None:
        """Replace the name of the channel by its number."""
        push.id = self.find(push.channel)
        if push.id:
            push.channel = ""


class CompactEncoder:
    """Encodes publications as pushes with the number of the channel instead of its name."""

    ends_at_gap = True

    def __init__(self, codec: ClientCodec, numbers: ChannelNumbers) -> None:
        self._codec = codec
        self._numbers = numbers

    def __call__(self, publication: Publication) -> str | bytes | None:
        push = push_of(publication, self._codec)
        if push is None:
            return None
        self._numbers.put(push)
        return self._codec.encode([ClientReply(push=push)])


class SharedEncoder:
    """Encodes each publication once for many filters.

    Arguments:
        encode: encodes publications.
    """

    ends_at_gap = True

    def __init__(self, encode: Encode) -> None:
        self._encode = encode
        # The latest publications with their messages, by identity, which is valid as long as they are kept.
        self._known: OrderedDict[int, tuple[Publication, str | bytes]] = OrderedDict()
        self._size = 0

    def __call__(self, publication: Publication) -> str | bytes | None:
        found = self._known.get(id(publication))
        if found is not None:
            return found[1]
        message = self._encode(publication)
        if message is not None:
            self._known[id(publication)] = (publication, message)
            self._size += len(message)
            while len(self._known) > MAX_SHARED or (self._size > MAX_SHARED_SIZE and len(self._known) > 1):
                _, (_, oldest) = self._known.popitem(last=False)
                self._size -= len(oldest)
        return message


class FilteredEncoder:
    """Omits publications with tags that a client does not want.

    Arguments:
        encode: encodes the others.
        matches: returns for tags whether a publication is wanted.
    """

    ends_at_gap = True

    def __init__(self, encode: Encode, matches: Matches) -> None:
        self._encode = encode
        self._matches = matches

    def wants(self, publication: Publication) -> bool:
        """Return whether the client wants a publication."""
        details = publication.details
        return publication.kind is not Kind.MESSAGE or self._matches({} if details is None else details.tags)

    def __call__(self, publication: Publication) -> str | bytes | None:
        return self._encode(publication) if self.wants(publication) else None


class DeltaChannel:
    """The encoders of delta subscriptions in one channel and encoding."""

    def __init__(self, codec: ClientCodec, numbers: ChannelNumbers) -> None:
        chain = DeltaChain(codec)
        self.plain = DeltaEncoder(chain, lambda push: None)
        self.compact = DeltaEncoder(chain, numbers.put)
        self.users = 0


class PushKinds:
    """Finds the encoder for a subscription.

    Arguments:
        numbered: the codecs whose clients get numbers for channels if they ask for them.

    Attributes:
        numbers: the numbers of channels.
    """

    def __init__(self, numbered: Collection[ClientCodec]) -> None:
        self._numbered = numbered
        self.numbers = ChannelNumbers()
        self._compact: dict[str, CompactEncoder] = {}
        self._deltas: dict[tuple[str, str], DeltaChannel] = {}
        # For subscriptions with filters, by codec and whether they know channels by numbers.
        self._shared: dict[tuple[str, bool], SharedEncoder] = {}
        self._filtered: WeakValueDictionary[tuple[str, bool, bytes], FilteredEncoder] = WeakValueDictionary()

    def is_compact(self, codec: ClientCodec, request: SubscribeRequest) -> bool:
        """Return whether a client gets a number instead of the name of a channel."""
        return bool(request.flag & COMPACTION) and codec in self._numbered

    def find(self, codec: ClientCodec, plain: Encode, is_compact: bool, tags: FilterNode | None) -> Encode:
        """Return the encoder for a subscription.

        Arguments:
            codec: the codec of the client.
            plain: the encoder for subscriptions without options.
            is_compact: whether the client gets a number for the channel.
            tags: its tag filter.

        Raises:
            CommandFailed: the filter is invalid.
        """
        encode = plain
        if is_compact:
            encode = self._compact.setdefault(codec.name, CompactEncoder(codec, self.numbers))
        if tags is None:
            return encode
        # Before anything else is done with the filter, which may have any size and depth.
        matches = make_filter(tags)
        key = (codec.name, is_compact, msgspec.json.encode(tags))
        found = self._filtered.get(key)
        if found is None:
            shared = self._shared.setdefault((codec.name, is_compact), SharedEncoder(encode))
            found = self._filtered[key] = FilteredEncoder(shared, matches)
        return found

    def take_delta(self, codec: ClientCodec, channel: str, is_compact: bool) -> DeltaEncoder:
        """Return the encoder for one more delta subscription; `release_delta` ends it."""
        found = self._deltas.get((codec.name, channel))
        if found is None:
            found = self._deltas[codec.name, channel] = DeltaChannel(codec, self.numbers)
        found.users += 1
        return found.compact if is_compact else found.plain

    def release_delta(self, codec: ClientCodec, channel: str) -> None:
        """Forget the publications of a channel when its last delta subscription ends."""
        found = self._deltas[codec.name, channel]
        found.users -= 1
        if not found.users:
            del self._deltas[codec.name, channel]
