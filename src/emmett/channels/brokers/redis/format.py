"""Names on the server, and the format of publications there."""

from __future__ import annotations

import hashlib
import re

from redis.exceptions import InvalidResponse

from ....errors import InvalidChannel
from ...names import check_channel, is_pattern
from ...publication import Position
from ..port import Entry

# Epochs as in `Position`; offsets within the range of Lua.
_HEAD = re.compile(rb"h([A-Za-z0-9_.-]{1,78}):([1-9][0-9]{0,15}):")
_GLOB = re.compile(r"([*?\[\]\\])")


class RedisNames:
    """The names of channels on the server.

    Keys are `{prefix:channel}:x`. In a cluster the text in the braces decides the slot, so all keys of a channel share
    one. A channel whose name contains braces may share a slot with others; its keys are still separate.

    Arguments:
        prefix: the prefix of every name.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = f"{prefix}:"
        self._begin = self._prefix.encode()

    def wire(self, channel: str) -> bytes:
        """Return the name of a channel on the server."""
        return self._begin + channel.encode()

    def wire_name(self, name: str) -> bytes:
        """Return the name to subscribe to: a channel of the server, or a pattern in which only the end is special."""
        if not is_pattern(name):
            return self.wire(name)
        return _GLOB.sub(r"\\\1", self._prefix + name[:-1]).encode() + b"*"

    def channel(self, wire: bytes) -> str:
        """Return the channel with a name on the server.

        Raises:
            ValueError: the name is not that of a channel.
        """
        if not wire.startswith(self._begin):
            raise ValueError("a channel with another prefix")
        name = wire[len(self._begin) :].decode()
        try:
            check_channel(name)
        except InvalidChannel:
            raise ValueError("a channel with an invalid name") from None
        return name

    def key(self, channel: str, end: bytes) -> bytes:
        """Return a key of a channel."""
        return b"{" + self._begin + channel.encode() + b"}:" + end

    def log_keys(self, channel: str) -> tuple[bytes, bytes]:
        """Return the keys of the history: the hash with epoch and offset, and the stream."""
        return self.key(channel, b"top"), self.key(channel, b"log")

    def once_key(self, channel: str, key: str, has_history: bool) -> bytes:
        """Return the key of a publication that is made once. It contains a hash, as callers choose any key."""
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return self.key(channel, (b"once-" if has_history else b"live-") + digest.encode())

    def bucket_key(self, bucket: str) -> bytes:
        """Return the key of a token bucket."""
        return self.key(bucket, b"bucket")

    def lease_key(self, lease: str) -> bytes:
        """Return the key of a lease."""
        return self.key(lease, b"lease")

    def room_keys(self, channel: str) -> tuple[bytes, bytes, bytes]:
        """Return the keys of presence: connections by time, connections, members."""
        return self.key(channel, b"times"), self.key(channel, b"connections"), self.key(channel, b"members")


def pack_live(payload: bytes) -> bytes:
    """Return the message for a publication without a position. A script makes those with one."""
    return b"l" + payload


def unpack(data: object) -> Entry:
    """Parse a message of a channel.

    Raises:
        ValueError: no broker of emmett made this message.
    """
    if not isinstance(data, bytes):
        raise ValueError("a message that is not bytes")
    if data.startswith(b"l"):
        return Entry(data[1:], None)
    head = _HEAD.match(data)
    if head is None:
        raise ValueError(f"a publication that begins with {data[:40]!r}")
    return Entry(data[head.end() :], Position(head[1].decode(), int(head[2])))


def unpack_logged(epoch: str, item: object) -> Entry:
    """Parse an entry of a stream.

    Raises:
        InvalidResponse: no broker of emmett wrote this entry.
    """
    match item:
        case [bytes() as name, [b"p", bytes() as payload]]:
            offset = name.partition(b"-")[0]
            if offset.isdigit():
                return Entry(payload, Position(epoch, int(offset)))
    raise InvalidResponse("a history with an entry that no broker wrote")
