"""The command `connect`: identifies the client, and makes its server-side subscriptions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextvars import copy_context
from typing import NamedTuple

from msgspec import Raw

from ..channels.names import check_channel
from ..errors import HTTPException, WebsocketClosed
from .access import ALLOWED, Permission, decoded, resolved
from .claims import ServerSubscription
from .client import Client, ClientSubscription
from .codec import json_data
from .codes import (
    CHANNEL_LIMIT,
    CONNECTION_EXPIRED,
    INVALID_TOKEN,
    PERMISSION_DENIED,
    CommandFailed,
    Disconnected,
    expired,
    token_expired,
)
from .hooks import Identity
from .messages import NOTHING, ConnectRequest, ConnectResult, SubscribeRequest, SubscribeResult
from .ports import ActiveSession
from .subscribing import Expiry, call_after_expiry, enter_channel, expiry_of, is_expired, leave_channel

# The version that is reported to clients; some show it, none depends on it.
VERSION = "emmett"

logger = logging.getLogger("emmett.centrifuge")


class _Accepted(NamedTuple):
    """The initial state of an accepted client."""

    subscriptions: Sequence[ServerSubscription]
    expires_at: float | None
    data: Raw


async def begin(session: ActiveSession, request: ConnectRequest, opened: list[ClientSubscription]) -> ConnectResult:
    """Accept a client, and make its server-side subscriptions.

    Arguments:
        opened: the subscriptions are appended to it, to be opened after the reply.

    Raises:
        CommandFailed: the token has expired.
        Disconnected: the client is refused.
        BrokerUnavailable: the broker does not answer.
    """
    client, endpoint = session.client, session.endpoint
    client.name, client.version, client.headers = request.name, request.version, request.headers
    accepted = await _identify(session, request)
    if is_expired(accepted.expires_at):
        raise token_expired() if session.context is None else expired()
    session.set_timer(None)
    wanted = {each.channel: each for each in accepted.subscriptions}
    for channel in endpoint.channels_of(client.user) if client.user else ():
        wanted.setdefault(channel, ServerSubscription(channel))
    if len(wanted) > session.settings.max_channels:
        raise Disconnected(CHANNEL_LIMIT)
    endpoint.seats.take(client.user)
    try:
        results = await _subscribe(session, list(wanted.values()), request, opened)
    except BaseException:
        endpoint.seats.release(client.user)
        for subscription in opened:
            client.subscriptions.pop(subscription.channel, None)
            await leave_channel(session.running(), subscription)
        raise
    session.is_connected = True
    endpoint.connected(session)
    expires, ttl = set_connection_expiry(session, accepted.expires_at)
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


def set_connection_expiry(session: ActiveSession, expires_at: float | None) -> Expiry:
    """End the connection when it has expired, unless it is refreshed. Return the expiry to report to the client.

    A client without a token gets none, because SDKs that cannot get a token would leave for good: `on_refresh` decides.
    """
    grace, context = session.settings.expire_grace, session.context
    if context is None:
        timer = call_after_expiry(expires_at, grace, lambda: session.spawn(session.disconnect(CONNECTION_EXPIRED)))
    else:
        timer = call_after_expiry(expires_at, 0.0, lambda: context.run(session.spawn, _refresh(session)))
    session.set_timer(timer)
    return expiry_of(expires_at if context is None else None)


async def ask_application(session: ActiveSession) -> float | None:
    """Return when the connection expires next according to the application; None for never.

    Raises:
        Disconnected: it has expired.
    """
    refresh = session.endpoint.hooks.refresh
    answer = None if refresh is None else await resolved(refresh(session.client))
    expires_at = None if answer is True else float(answer or 0)
    if is_expired(expires_at):
        raise Disconnected(CONNECTION_EXPIRED)
    return expires_at


async def _refresh(session: ActiveSession) -> None:
    """Ask the application whether an expired connection may continue."""
    ending = CONNECTION_EXPIRED
    try:
        async with asyncio.timeout(session.settings.connect_timeout):
            _ = set_connection_expiry(session, await ask_application(session))
        return
    except Disconnected as error:
        ending = error.ending
    except Exception as error:
        if not isinstance(error, (CommandFailed, HTTPException, WebsocketClosed)):
            logger.exception("the function of on_refresh failed")
    await session.disconnect(ending)


async def subscribe_server_side(
    session: ActiveSession,
    subscription: ClientSubscription,
    request: SubscribeRequest,
    permission: Permission = ALLOWED,
) -> SubscribeResult:
    """Subscribe a client to a channel of the server's choice.

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
    """Identify a client: by its token, otherwise by the application's function, otherwise by the session."""
    client, endpoint = session.client, session.endpoint
    connect = endpoint.hooks.connect
    session.context = None
    if request.token and endpoint.verifier is not None:
        claims = await endpoint.verifier.connection(request.token)
        client.user, client.info, client.meta = claims.user, claims.info, claims.meta
        return _Accepted(claims.subscriptions, claims.expires_at, NOTHING)
    session.context = copy_context()
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
