"""The command `connect`: who the client is, and what the server subscribes it to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Raw

from ..channels.names import check_channel
from .access import ALLOWED, Permission, decoded, resolved
from .claims import ServerSubscription
from .client import Client, ClientSubscription
from .codec import json_data
from .codes import CHANNEL_LIMIT, CONNECTION_EXPIRED, INVALID_TOKEN, PERMISSION_DENIED, Disconnected, token_expired
from .hooks import Identity
from .messages import NOTHING, ConnectRequest, ConnectResult, SubscribeRequest, SubscribeResult
from .ports import ActiveSession
from .subscribing import call_after_expiry, enter_channel, expiry_of, is_expired, leave_channel

# The version that clients see; some show it, none depends on it.
VERSION = "emmett"


class _Accepted(NamedTuple):
    """What a client begins with."""

    subscriptions: Sequence[ServerSubscription]
    expires_at: float | None
    data: Raw


async def begin(session: ActiveSession, request: ConnectRequest, opened: list[ClientSubscription]) -> ConnectResult:
    """Accept a client, and subscribe it to what the server decides.

    Arguments:
        opened: gets the subscriptions, to be opened after the reply.

    Raises:
        CommandFailed: the token has expired.
        Disconnected: the client is refused.
        BrokerUnavailable: the broker does not answer.
    """
    client, endpoint = session.client, session.endpoint
    client.name, client.version, client.headers = request.name, request.version, request.headers
    accepted = await _identify(session, request)
    if is_expired(accepted.expires_at):
        raise token_expired()
    session.set_timer(None)
    wanted = {each.channel: each for each in accepted.subscriptions}
    for channel in endpoint.channels_of(client.user) if client.user else ():
        wanted.setdefault(channel, ServerSubscription(channel))
    if len(wanted) > session.settings.max_channels:
        raise Disconnected(CHANNEL_LIMIT)
    try:
        results = await _subscribe(session, list(wanted.values()), request, opened)
    except BaseException:
        for subscription in opened:
            client.subscriptions.pop(subscription.channel, None)
            await leave_channel(session.running(), subscription)
        raise
    session.is_connected = True
    endpoint.connected(session)
    set_connection_expiry(session, accepted.expires_at)
    expires, ttl = expiry_of(accepted.expires_at)
    return ConnectResult(
        client=client.id,
        version=VERSION,
        expires=expires,
        ttl=ttl,
        data=accepted.data,
        subs=results,
        ping=max(1, round(session.settings.client_ping_interval)),
        pong=True,
        session=session.key or client.id,
        node=endpoint.node,
    )


def set_connection_expiry(session: ActiveSession, expires_at: float | None) -> None:
    """End the connection when it has expired, unless it is refreshed."""
    session.set_timer(
        call_after_expiry(
            expires_at,
            session.settings.expire_grace,
            lambda: session.spawn(session.disconnect(CONNECTION_EXPIRED)),
        )
    )


async def subscribe_server_side(
    session: ActiveSession,
    subscription: ClientSubscription,
    request: SubscribeRequest,
    permission: Permission = ALLOWED,
) -> SubscribeResult:
    """Subscribe a client to a channel that the server has chosen.

    Raises:
        BrokerUnavailable: the broker does not answer.
        InvalidChannel: the name is invalid.
    """
    check_channel(subscription.channel)
    session.client.subscriptions[subscription.channel] = subscription
    try:
        return await enter_channel(session, subscription, request, permission)
    except BaseException:
        session.client.subscriptions.pop(subscription.channel, None)
        raise


async def _subscribe(
    session: ActiveSession,
    wanted: Sequence[ServerSubscription],
    request: ConnectRequest,
    opened: list[ClientSubscription],
) -> dict[str, SubscribeResult]:
    results: dict[str, SubscribeResult] = {}
    for each in wanted:
        recovering = request.subs.get(each.channel) or SubscribeRequest()
        recovering.channel = each.channel
        subscription = ClientSubscription(each.channel, True)
        permission = Permission(each.info, each.data)
        results[each.channel] = await subscribe_server_side(session, subscription, recovering, permission)
        opened.append(subscription)
    return results


async def _identify(session: ActiveSession, request: ConnectRequest) -> _Accepted:
    """Find out who a client is: by its token, else by the application, else by the session of the application."""
    client, endpoint = session.client, session.endpoint
    connect = endpoint.hooks.connect
    if request.token and endpoint.verifier is not None:
        claims = await endpoint.verifier.connection(request.token)
        client.user, client.info, client.meta = claims.user, claims.info, claims.meta
        return _Accepted(claims.subscriptions, claims.expires_at, NOTHING)
    if connect is not None:
        identity = await resolved(connect(client, decoded(request.data)))
        if identity is None or identity is False:
            raise Disconnected(PERMISSION_DENIED)
        return _of_identity(client, identity if isinstance(identity, Identity) else Identity(str(identity)))
    if endpoint.verifier is not None:
        raise Disconnected(INVALID_TOKEN)
    client.user = endpoint.session_user()
    return _Accepted((), None, NOTHING)


def _of_identity(client: Client, identity: Identity) -> _Accepted:
    client.user, client.info = identity.user, json_data(identity.info)
    return _Accepted(
        [ServerSubscription(channel) for channel in identity.channels], identity.expires_at, json_data(identity.data)
    )
