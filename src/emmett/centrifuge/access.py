"""Whether a client may use a channel: decided by tokens, names of user channels, and functions of the application."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw

from ..channels.names import check_channel
from ..channels.namespaces import DEFAULT, Namespace
from .claims import Verifier
from .client import Client
from .codec import json_data
from .codes import CommandFailed, permission_denied, unknown_channel
from .hooks import ClientHooks
from .messages import NOTHING, SubscribeRequest


class Permission(NamedTuple):
    """The terms of a client's subscription, from a token or a function of the application.

    Fields:
        info: information about the client for others in this channel, as JSON.
        data: data for the client, as JSON.
        expires_at: when the subscription expires, in seconds since 1970; None for never.
    """

    info: Raw = NOTHING
    data: Raw = NOTHING
    expires_at: float | None = None


ALLOWED = Permission()


def allow(*, info: Any = None, data: Any = None, expires_at: float | None = None) -> Permission:
    """Return a `Permission`, which `on_subscribe` may return instead of True.

    Arguments:
        info: information about the client for others in this channel; any value that JSON can express.
        data: data for the client; any value that JSON can express.
        expires_at: when the subscription expires, in seconds since 1970; None for never.
    """
    return Permission(json_data(info), json_data(data), expires_at)


async def may_subscribe(
    client: Client, request: SubscribeRequest, namespace: Namespace, verifier: Verifier | None, hooks: ClientHooks
) -> Permission:
    """Return the terms of a client's subscription.

    A subscription token alone decides, and so does a list of users in the name of the channel. Otherwise the function
    of `on_subscribe` and `may_subscribe` of the namespace must both agree, and at least one of them must exist.

    Raises:
        CommandFailed: it may not subscribe, or its token has expired.
        Disconnected: its token is for another channel or user.
        InvalidChannel: the name is invalid.
    """
    channel = request.channel
    check_open(channel)
    if request.token:
        if verifier is None:
            raise permission_denied()
        claims = await verifier.subscription(request.token, channel, client.user, client.id)
        return Permission(claims.info, NOTHING, claims.expires_at)
    users = users_of(channel)
    if users is not None:
        if not client.user or client.user not in users:
            raise permission_denied()
        return Permission()
    permission = Permission()
    if hooks.subscribe is not None:
        answer = await resolved(hooks.subscribe(client, channel, decoded(request.data)))
        if not answer:
            raise permission_denied()
        permission = answer if isinstance(answer, Permission) else permission
    elif namespace.may_subscribe is None:
        raise refusal(channel, namespace)
    if namespace.may_subscribe is not None and not await resolved(namespace.may_subscribe(channel)):
        raise permission_denied()
    return permission


def check_open(channel: str) -> None:
    """Check the name of a channel, which a client has chosen.

    Raises:
        InvalidChannel: it is invalid.
        CommandFailed: the channel is reserved for emmett.
    """
    check_channel(channel)
    if channel.startswith("emmett-") and ":" in channel:
        raise permission_denied()


def refusal(channel: str, namespace: Namespace) -> CommandFailed:
    """Return the error for a channel that nothing opens: another one if its namespace was not declared."""
    return unknown_channel() if ":" in channel and namespace is DEFAULT else permission_denied()


def users_of(channel: str) -> list[str] | None:
    """Return the users of a channel: of `#42` or `talk:weekend#42,43`; None if its name does not list any."""
    _, mark, users = channel.rpartition("#")
    return users.split(",") if mark else None


def decoded(data: Raw) -> Any:
    """Return a client's data for a function of the application: decoded from JSON if possible, otherwise as bytes."""
    if data == NOTHING:
        return None
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return bytes(data)


async def resolved(answer: Any) -> Any:
    """Return the answer of a function of the application; await it if the function is async."""
    return await answer if inspect.isawaitable(answer) else answer
