"""Sessions as bytes: JSON, both in cookies and in stores. Nothing is ever unpickled."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from ..errors import UsageError

_ALLOWED = "allowed are the values that JSON preserves: None, bool, int, finite float, str, list, dict with str keys"


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    id: str
    expires: int
    data: msgspec.Raw


class Unpacked(NamedTuple):
    """The parts that `pack` put together, with decoded values."""

    id: str
    expires: int
    data: bytes
    values: dict[str, Any]


def encode(values: dict[str, Any]) -> bytes:
    """Return the values of a session as JSON.

    Raises:
        UsageError: JSON cannot express one of them; the message names its key.
    """
    try:
        return msgspec.json.encode(values)
    except (TypeError, ValueError, RecursionError):
        raise _find_culprit(values) from None


def check(values: dict[str, Any], data: bytes) -> None:
    """Check that the next request will read the same values.

    Arguments:
        values: the values of a session.
        data: the values, encoded by `encode`.

    Raises:
        UsageError: a value would change, as a tuple becomes a list; the message names its key.
    """
    try:
        unchanged = _same(values, data)
    except RecursionError:
        unchanged = False
    if not unchanged:
        raise _find_culprit(values)


def pack(id: str, expires: int, data: bytes) -> bytes:
    """Put a session together: its id, its end in seconds since the epoch, its encoded values."""
    return msgspec.json.encode(_Packed(id, expires, msgspec.Raw(data)))


def unpack(packed: bytes) -> Unpacked | None:
    """Return the parts that `pack` put together; None for anything else."""
    try:
        found = msgspec.json.decode(packed, type=_Packed)
        data = bytes(found.data)
        return Unpacked(found.id, found.expires, data, msgspec.json.decode(data, type=dict[str, Any]))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _same(value: Any, data: bytes) -> bool:
    return bool(msgspec.json.decode(data) == value)


def _find_culprit(values: dict[str, Any]) -> UsageError:
    for key, value in values.items():
        try:
            if _same({key: value}, msgspec.json.encode({key: value})):
                continue
        except (TypeError, ValueError, RecursionError):
            pass
        return UsageError(f"session[{key!r}] cannot be stored: JSON cannot express it or a value in it; {_ALLOWED}")
    return UsageError(f"the session cannot be stored: {_ALLOWED}")
