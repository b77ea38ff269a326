"""Encode publications for sockets: the functions for `encode`, and the data of joins and leaves."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgspec

from .publication import Kind, Publication
from .sink import Message

# Returns the message that a socket gets for a publication, or None for nothing.
Encode = Callable[[Publication], Message | None]

_to_json = msgspec.json.Encoder().encode


def data_only(publication: Publication) -> Message | None:
    """Return the data of messages, and None for the rest. A gap cannot be expressed: the socket is closed instead."""
    return publication.data if publication.kind is Kind.MESSAGE else None


def ends_at_gap(encode: Encode) -> bool:
    """Return whether a socket with this `encode` is closed at a gap, instead of getting a message for it.

    That is so for `data_only`, and for objects with a true attribute `ends_at_gap`.
    """
    return encode is data_only or bool(getattr(encode, "ends_at_gap", False))


def as_json(publication: Publication) -> str:
    """Return a JSON object with `type`, `channel`, `data` and `position`.

    `type` is "message", "join", "leave" or "gap". The data of a join or leave is an object with `member` and `info`;
    that of a gap is null. Binary data is in base64, marked by `encoding`. The position is text that a client can pass
    to `since` later; it is null in a namespace without history.
    """
    kind, data = publication.kind, publication.data
    content: dict[str, Any] = {"type": kind.value, "channel": publication.channel, "data": data}
    if kind is Kind.GAP:
        content["data"] = None
    elif isinstance(data, bytes):
        content["data"] = base64.b64encode(data).decode()
        content["encoding"] = "base64"
    elif kind is not Kind.MESSAGE:
        content["data"] = msgspec.Raw(data.encode())
    content["position"] = None if publication.position is None else str(publication.position)
    return _to_json(content).decode()


class _MemberEvent(msgspec.Struct):
    member: str
    info: Any = None


_member_event = msgspec.json.Decoder(_MemberEvent)


def member_data(member: str, info: bytes | None) -> str:
    """Return the data of a join or leave.

    Arguments:
        info: JSON, as `Broker.join` takes it; None if unknown.
    """
    return _to_json({"member": member, "info": msgspec.Raw(info or b"null")}).decode()


def check_member_data(data: str) -> None:
    """Check the data of a join or leave that another node sent.

    Raises:
        ValueError: the data does not have the form that `member_data` produces.
    """
    try:
        _member_event.decode(data)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"not the data of a member: {error}") from None


def encode_data(data: Any) -> str:
    """Return the data of a publication as JSON text.

    Raises:
        TypeError: JSON cannot express the data.
    """
    try:
        return _to_json(data).decode()
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(
            f"a publication is str, bytes or a value that JSON can express, not {type(data).__name__}: {error}"
        ) from None


def encode_info(info: Any) -> bytes:
    """Return the info of a member as JSON.

    Raises:
        TypeError: JSON cannot express the info.
    """
    return _to_json(info)


def decode_info(info: bytes) -> Any:
    """Decode the info of a member, which another node or program wrote; return None if it is not JSON."""
    try:
        return msgspec.json.decode(info)
    except (msgspec.MsgspecError, RecursionError):
        return None
