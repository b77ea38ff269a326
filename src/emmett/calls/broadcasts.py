"""Declared messages through channels: to the connections of a user or of a channel, on all nodes."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from ..channels import Channels, Kind, Publication
from ..errors import UsageError
from ..rare_log import RareLog
from .codecs import JSON, Codec
from .jsonrpc import UNREADABLE, Notification

# The namespace of the channels of users, reserved for emmett.
NAMESPACE = "emmett-users"

logger = logging.getLogger("emmett.calls")


class _Published(msgspec.Struct):
    """The part of what `Broadcasts.publish` published that JSON connections need."""

    jsonrpc: Literal["2.0"]
    method: str
    params: Raw


class PublicationEncoder:
    """Returns the message that a connection gets for a publication: `encode` of `Channels.subscribe`.

    Arguments:
        codec: the encoding of the connection.
        emitted: the declared messages, by type.
        log: the log for publications of other types.

    Attributes:
        ends_at_gap: whether a gap closes the connection: yes, because no message can express it.
    """

    ends_at_gap = True

    def __init__(self, codec: Codec, emitted: Mapping[type, str], log: RareLog) -> None:
        self._codec = codec
        self._emitted = emitted
        self._log = log

    def __call__(self, publication: Publication) -> str | bytes | None:
        if publication.kind is not Kind.MESSAGE:
            return None
        data = publication.data
        try:
            published = JSON.decode(data, _Published)
            type_ = next((each for each, name in self._emitted.items() if name == published.method), None)
            if type_ is not None:
                if self._codec is JSON and isinstance(data, str):
                    return data
                return self._codec.encode(Notification(published.method, JSON.decode(published.params, type_)))
        except UNREADABLE:
            pass
        self._log.warn("left out a publication of channel %s that calls.notify did not make", publication.channel)
        return None


class Broadcasts:
    """Publishes declared messages, and encodes them for the subscribed connections.

    Arguments:
        name: the name of the route.
        emitted: the declared messages, by type.
        find_channels: returns the channels of the application; None if it has none.
    """

    def __init__(self, name: str, emitted: Mapping[type, str], find_channels: Callable[[], Channels | None]) -> None:
        self._name = name
        self._emitted = emitted
        self._find_channels = find_channels
        self._log = RareLog(logger)
        # Connections with the same encoder share each encoded publication.
        self._encoders: dict[Codec, PublicationEncoder] = {}

    @property
    def is_available(self) -> bool:
        """Whether the application has channels."""
        return self._find_channels() is not None

    @property
    def channels(self) -> Channels:
        """The channels of the application.

        Raises:
            UsageError: the application has none.
        """
        channels = self._find_channels()
        if channels is None:
            raise UsageError("the application has no channels: create them with Channels(app)")
        return channels

    def channel_of(self, user: str) -> str:
        """Return the channel of a user. It contains a hash, since users may have any name of any length."""
        text = f"{len(self._name)}:{self._name}\n{user}"
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return f"{NAMESPACE}:{digest}"

    def encoder(self, codec: Codec) -> PublicationEncoder:
        """Return the encoder for connections with an encoding."""
        encoder = self._encoders.get(codec)
        if encoder is None:
            encoder = self._encoders[codec] = PublicationEncoder(codec, self._emitted, self._log)
        return encoder

    async def publish(self, channel: str, notification: Notification) -> None:
        """Publish a message to every connection that is subscribed to a channel.

        Raises:
            BrokerUnavailable, ChannelDenied, ValueError, UsageError: as `Channels.publish`.
        """
        await self.channels.publish(channel, JSON.encode(notification), check=False)
