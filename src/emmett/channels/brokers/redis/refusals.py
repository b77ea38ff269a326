"""Interpret errors of a server: their kind, what to do, and whether retrying may help."""

from __future__ import annotations

import re
import ssl
from typing import NamedTuple

from redis.exceptions import (
    AuthenticationError,
    InvalidResponse,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
)

from ....errors import BrokerRefused, BrokerUnavailable


class ErrorKind(NamedTuple):
    """One kind of error.

    Fields:
        advice: the meaning, and what to do.
        is_final: whether retrying does not help.
    """

    advice: str
    is_final: bool = False


# By the word at the beginning of an error of the server.
KINDS = {
    "NOPERM": ErrorKind("its access list lacks a permission that emmett needs; docs/channels.md has the list", True),
    "WRONGPASS": ErrorKind("check user and password in the URL", True),
    "WRONGTYPE": ErrorKind("another program uses a key of this channel: delete that key, or use another prefix", True),
    "MOVED": ErrorKind("it is a node of a cluster: write redis+cluster:// in the URL", True),
    "NOCLUSTER": ErrorKind("it is not a node of a cluster: write redis:// in the URL", True),
    "UNKNOWN": ErrorKind("it lacks a command that emmett needs: expected Redis 6.2 or newer, or Valkey", True),
    "PROTOCOL": ErrorKind("no Redis server listens there", True),
    "TLS": ErrorKind("check the scheme in the URL, the name of the host, and ca=", True),
    "READONLY": ErrorKind("it is a read-only replica: name its primary in the URL, or find it with redis+sentinel://"),
    "OOM": ErrorKind("its memory is full: raise maxmemory, or store less in it"),
    "MISCONF": ErrorKind("it cannot save its data to the disk: its log has the reason"),
    "NOREPLICAS": ErrorKind("it has fewer replicas than min-replicas-to-write asks for"),
    "BUSY": ErrorKind("it is busy with a script"),
    "NOSCRIPT": ErrorKind("it forgets scripts as soon as it gets them"),
}
OTHER = ErrorKind("")
# Error words of the server that redis-py removes.
SPOKEN = {"NOPERM", "WRONGPASS", "READONLY", "OOM", "MOVED"}

_BY_CLASS = {
    NoPermissionError: "NOPERM",
    AuthenticationError: "WRONGPASS",
    MovedError: "MOVED",
    ReadOnlyError: "READONLY",
    OutOfMemoryError: "OOM",
    InvalidResponse: "PROTOCOL",
}
# redis-py removes some of the words; in Redis 6 an error in a script has its word in the middle.
_BY_TEXT = (
    (re.compile(r"^ACL failure in script|^The user executing the script can't"), "NOPERM"),
    (re.compile(r"called without any password configured"), "WRONGPASS"),
    (re.compile(r"cluster support disabled"), "NOCLUSTER"),
    (re.compile(r"unknown (sub)?command", re.IGNORECASE), "UNKNOWN"),
    (re.compile(r"\b(NOPERM|WRONGTYPE|READONLY|OOM|MISCONF|NOREPLICAS|BUSY|NOSCRIPT)\b"), ""),
)


def kind_of(error: BaseException) -> str:
    """Return the kind of an error: a key of `KINDS`, or an empty text."""
    # redis-py raises another error, caused by that of the server, if it occurred during connecting.
    cause: BaseException | None = error
    while cause is not None:
        for kind, word in _BY_CLASS.items():
            if isinstance(cause, kind):
                return word
        if isinstance(cause, ssl.SSLError):
            return "TLS"
        cause = cause.__cause__ or cause.__context__
    for pattern, word in _BY_TEXT:
        if match := pattern.search(str(error)):
            return word or match[1]
    return ""


def is_final(error: BaseException) -> bool:
    """Return whether retrying does not help."""
    return isinstance(error, BrokerRefused) or KINDS.get(kind_of(error), OTHER).is_final


def describe(error: BaseException) -> str:
    """Return the error and what to do. Messages of servers and systems contain no password."""
    if isinstance(error, BrokerUnavailable):
        return error.message
    text, kind = str(error)[:200], kind_of(error)
    if kind not in text:
        text = f"{kind if kind in SPOKEN else type(error).__name__}: {text}"
    elif not kind:
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    advice = KINDS.get(kind, OTHER).advice
    return f"{text} ({advice})" if advice else text


def refused(error: BaseException, label: str) -> BrokerUnavailable:
    """Return the error to raise for an error answer of a server."""
    kind = BrokerRefused if is_final(error) else BrokerUnavailable
    return kind(f"the Redis broker at {label} refuses: {describe(error)}")
