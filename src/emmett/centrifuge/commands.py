"""The commands of a connected client, except for `connect`, `rpc` and `send`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..channels.names import check_channel
from .access import check_open, decoded, may_subscribe, refusal, resolved
from .client import ClientSubscription
from .codes import (
    CONNECTION_EXPIRED,
    INVALID_TOKEN,
    Disconnected,
    already_subscribed,
    expired,
    limit_exceeded,
    not_available,
    permission_denied,
)
from .connecting import ask_application, set_connection_expiry
from .history import read_history
from .messages import (
    EMPTY,
    EmptyResult,
    HistoryRequest,
    HistoryResult,
    PingRequest,
    PresenceRequest,
    PresenceResult,
    PresenceStatsRequest,
    PresenceStatsResult,
    PublishRequest,
    RefreshRequest,
    RefreshResult,
    SubRefreshRequest,
    SubRefreshResult,
    SubscribeRequest,
    SubscribeResult,
    UnsubscribeRequest,
)
from .ports import ActiveSession
from .presence import read_presence
from .subscribing import enter_channel, expiry_of, is_expired, leave_channel, set_expiry


async def subscribe(session: ActiveSession, request: Any, opened: list[ClientSubscription]) -> SubscribeResult:
    """Subscribe a client to a channel of its choice.

    Arguments:
        opened: the subscription is appended to it, to be opened after the reply.

    Raises:
        CommandFailed: the client may not subscribe, is already subscribed, or has too many channels.
    """
    assert isinstance(request, SubscribeRequest)
    subscriptions = session.client.subscriptions
    if request.channel in subscriptions:
        raise already_subscribed()
    if len(subscriptions) >= session.settings.max_channels:
        raise limit_exceeded()
    subscription = subscriptions[request.channel] = ClientSubscription(request.channel, False)
    try:
        namespace = session.running().hub.namespaces.of(request.channel)
        permission = await may_subscribe(
            session.client, request, namespace, session.endpoint.verifier, session.endpoint.hooks
        )
        if is_expired(permission.expires_at):
            # The client would subscribe again and again.
            raise expired()
        result = await enter_channel(session, subscription, request, permission)
    except BaseException:
        subscriptions.pop(request.channel, None)
        raise
    opened.append(subscription)
    return result


async def unsubscribe(session: ActiveSession, channel: str) -> bool:
    """Unsubscribe a client, and return whether it was subscribed."""
    subscription = session.client.subscriptions.get(channel)
    if subscription is None or subscription.subscriber is None:
        return False
    del session.client.subscriptions[channel]
    await leave_channel(session.running(), subscription)
    return True


async def _unsubscribe(session: ActiveSession, request: UnsubscribeRequest) -> EmptyResult:
    _ = await unsubscribe(session, request.channel)
    return EMPTY


async def _publish(session: ActiveSession, request: PublishRequest) -> EmptyResult:
    check_open(request.channel)
    data = session.codec.unwrap(request.data)
    publish = session.endpoint.hooks.publish
    namespace = session.running().hub.namespaces.of(request.channel)
    if publish is None and namespace.may_publish is None:
        raise refusal(request.channel, namespace)
    if publish is not None and not await resolved(publish(session.client, request.channel, decoded(request.data))):
        raise permission_denied()
    try:
        await session.endpoint.publish(session.client, request.channel, data)
    except ValueError as error:
        # The data exceeds `max_message_size`: InvalidChannel is impossible here.
        raise limit_exceeded() from error
    return EMPTY


async def _presence(session: ActiveSession, request: PresenceRequest) -> PresenceResult:
    _check_member(session, request.channel)
    return PresenceResult(presence=await read_presence(session.running(), request.channel))


async def _presence_stats(session: ActiveSession, request: PresenceStatsRequest) -> PresenceStatsResult:
    _check_member(session, request.channel)
    present = await read_presence(session.running(), request.channel)
    return PresenceStatsResult(num_clients=len(present), num_users=len({each.user for each in present.values()}))


async def _history(session: ActiveSession, request: HistoryRequest) -> HistoryResult:
    _check_member(session, request.channel)
    return await read_history(session.running(), request, session.codec, session.settings.max_history)


async def _ping(session: ActiveSession, request: PingRequest) -> EmptyResult:
    return EMPTY


async def _refresh(session: ActiveSession, request: RefreshRequest) -> RefreshResult:
    client, endpoint = session.client, session.endpoint
    if request.token and endpoint.verifier is not None:
        claims = await endpoint.verifier.connection(request.token)
        if claims.user != client.user:
            raise Disconnected(INVALID_TOKEN)
        expires_at, client.info, client.meta = claims.expires_at, claims.info, claims.meta
        session.context = None
    elif endpoint.hooks.refresh is not None:
        expires_at = await ask_application(session)
    else:
        raise not_available()
    if is_expired(expires_at):
        raise Disconnected(CONNECTION_EXPIRED)
    _ = set_connection_expiry(session, expires_at)
    expires, ttl = expiry_of(expires_at)
    return RefreshResult(client=client.id, version="emmett", expires=expires, ttl=ttl)


async def _sub_refresh(session: ActiveSession, request: SubRefreshRequest) -> SubRefreshResult:
    client, verifier = session.client, session.endpoint.verifier
    subscription = client.subscriptions.get(request.channel)
    if subscription is None or subscription.subscriber is None:
        raise permission_denied()
    if verifier is None or not request.token:
        raise not_available()
    claims = await verifier.subscription(request.token, request.channel, client.user, client.id)
    subscription.info = claims.info
    set_expiry(session, subscription, claims.expires_at, session.settings.expire_grace)
    expires, ttl = expiry_of(claims.expires_at)
    return SubRefreshResult(expires=expires, ttl=ttl)


def _check_member(session: ActiveSession, channel: str) -> None:
    """Refuse a client that is not subscribed to a channel: only subscribers see history and presence."""
    check_channel(channel)
    if not session.client.is_subscribed(channel):
        raise permission_denied()


COMMANDS: dict[str, Callable[[ActiveSession, Any], Awaitable[Any]]] = {
    "unsubscribe": _unsubscribe,
    "publish": _publish,
    "presence": _presence,
    "presence_stats": _presence_stats,
    "history": _history,
    "ping": _ping,
    "refresh": _refresh,
    "sub_refresh": _sub_refresh,
}
