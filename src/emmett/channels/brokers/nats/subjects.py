"""The names of channels in NATS.

Each part of a name, between its colons, is a token of the subject, so a pattern is a subject with `>` at its end.
Anything except letters, digits, `-` and `_` is written as `=` and two hexadecimal digits per byte in UTF-8, an empty
part as `=` alone. Each name has exactly one subject, and each subject one name.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import Any

from ....errors import InvalidChannel
from ...names import check_channel, is_pattern, namespace_of

# Longer stream names do not work as file names.
MAX_NAME_LENGTH = 100

_ODD = re.compile(rb"[^A-Za-z0-9_-]")
_TOKEN = re.compile(r"(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+")
_ESCAPED = re.compile(rb"=([0-9A-F]{2})")


def encode_part(part: str) -> str:
    """Return the token for one part of a name."""
    return _ODD.sub(lambda match: b"=%02X" % ord(match[0]), part.encode()).decode() or "="


def decode_part(token: str) -> str:
    """Return the part of a name that a token encodes.

    Raises:
        ValueError: `encode_part` does not make this token.
    """
    if token == "=":
        return ""
    if not _TOKEN.fullmatch(token):
        raise ValueError(f"a subject with the token {token[:40]!r}")
    part = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), token.encode()).decode()
    if encode_part(part) != token:
        raise ValueError(f"a subject with the token {token[:40]!r}, which may be written more simply")
    return part


@functools.lru_cache(4096)
def _encode(channel: str) -> str:
    return ".".join(map(encode_part, channel.split(":")))


@functools.lru_cache(4096)
def _decode(tokens: str) -> str:
    channel = ":".join(map(decode_part, tokens.split(".")))
    try:
        check_channel(channel)
    except InvalidChannel:
        raise ValueError("a subject that is not the name of a channel") from None
    return channel


class Subjects:
    """The subjects, streams and buckets of one application.

    Arguments:
        prefix: their prefix.

    Attributes:
        bucket: the name of the key-value bucket for presence, and of its stream.
        rates: the name of the key-value bucket for token buckets, and of its stream.
    """

    def __init__(self, prefix: str) -> None:
        self._base = encode_part(prefix)
        self._live = f"{self._base}.c."
        self.bucket = f"{self._base.replace('=', '_')}-presence"
        self.rates = f"{self._base.replace('=', '_')}-rates"

    def live(self, name: str) -> str:
        """Return the subject on which a channel, or each channel of a pattern, is heard."""
        return f"{self._live}{_encode(name[:-2])}.>" if is_pattern(name) else self._live + _encode(name)

    def channel(self, subject: str) -> str:
        """Return the channel that is heard on a subject.

        Raises:
            ValueError: the subject does not belong to this application.
        """
        if not subject.startswith(self._live):
            raise ValueError("a subject with another prefix")
        return _decode(subject[len(self._live) :])

    def kept(self, channel: str) -> str:
        """Return the subject that stores the history of a channel."""
        return f"{self._base}.h.{_encode(channel)}"

    def stream(self, channel: str) -> str:
        """Return the stream that stores the history of a channel: there is one per namespace."""
        name = encode_part(namespace_of(channel)) if ":" in channel else ""
        if len(name) > MAX_NAME_LENGTH:
            name = f"{name[:40]}={hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"
        return f"{self._base}-history-{name}"

    def republish(self, channel: str) -> tuple[str, str]:
        """Return the subjects of that stream, and the subject on which it publishes what it has stored."""
        if ":" not in channel:
            return f"{self._base}.h.*", f"{self._base}.c.{{{{wildcard(1)}}}}"
        name = encode_part(namespace_of(channel))
        return f"{self._base}.h.{name}.>", f"{self._base}.c.{name}.>"

    def member(self, channel: str, member: str) -> str:
        """Return the subject of a presence key. It contains a hash, as members may have any name of any length."""
        digest = hashlib.blake2b(member.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return f"$KV.{self.bucket}.{_encode(channel)}.@{digest}"

    def rate(self, bucket: str) -> str:
        """Return the subject of a token bucket."""
        return f"$KV.{self.rates}.{_encode(bucket)}"

    def lease(self, lease: str) -> str:
        """Return the subject of a lease, which no token bucket has: their names have no `@`-token after them."""
        return f"$KV.{self.rates}.{_encode(lease)}.@lease"

    def once(self, channel: str, key: str) -> str:
        """Return the name of the lease of a publication that is made once, in a channel without history."""
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        return f"{channel}:@{digest}"

    @property
    def rates_config(self) -> dict[str, Any]:
        """The configuration of the stream with token buckets and leases."""
        return {"subjects": [f"$KV.{self.rates}.>"], "allow_rollup_hdrs": True, "deny_delete": True}

    def members(self, channel: str) -> str:
        """Return the subject that matches all keys of a channel, and none of the channels below it."""
        return f"$KV.{self.bucket}.{_encode(channel)}.*"
