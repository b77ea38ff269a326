"""Subscribe a client to a channel: enter the hub, recover what was missed, join, and reply; and the reverse."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from ..channels import Position, Publication
from ..channels.channels import RunningChannels
from ..channels.encoding import Encode
from ..channels.namespaces import Namespace
from ..channels.topic import read_entry
from .access import Permission
from .client import ClientSubscription, encode_client_info
from .codes import UNSUBSCRIBED_EXPIRED, UNSUBSCRIBED_INSUFFICIENT, internal_error, unrecoverable_position
from .messages import COMPACTION, REJECT_UNRECOVERED, SubscribeRequest, SubscribeResult
from .ports import ActiveSession
from .push_kinds import FilteredEncoder
from .pushes import published
from .recovery import Recovery, newest_missed, read_missed
from .subscriber import ClientSubscriber


class Expiry(NamedTuple):
    """When something expires, as the protocol has it: whether at all, and in how many seconds."""

    expires: bool
    ttl: int


def expiry_of(expires_at: float | None) -> Expiry:
    """Return the time that is left until a moment in seconds since 1970."""
    return Expiry(False, 0) if expires_at is None else Expiry(True, max(1, int(expires_at - time.time())))


def is_expired(expires_at: float | None) -> bool:
    """Return whether a moment in seconds since 1970 has passed."""
    return expires_at is not None and expires_at <= time.time()


def call_after_expiry(
    expires_at: float | None, grace: float, callback: Callable[[], None]
) -> asyncio.TimerHandle | None:
    """Call back when the client has let a moment and the grace after it pass."""
    if expires_at is None:
        return None
    return asyncio.get_running_loop().call_later(max(0.0, expires_at - time.time()) + grace, callback)


async def enter_channel(
    host: ActiveSession, subscription: ClientSubscription, request: SubscribeRequest, permission: Permission
) -> SubscribeResult:
    """Subscribe a client, and return the result for it. Pushes are held until the subscriber is opened.

    Raises:
        BrokerUnavailable: the broker does not answer; nothing is left.
        CommandFailed: the client does not want to begin without what it missed, and that is not all there.
    """
    running, channel = host.running(), subscription.channel
    subscription.info = permission.info
    on_gap = None if subscription.is_server_side else lambda: host.end_later(subscription, UNSUBSCRIBED_INSUFFICIENT)
    encode = _find_encoder(host, subscription, request)
    subscriber = ClientSubscriber(host.sink, encode, running.hub, on_gap)
    # By its id publishers exclude the client.
    subscriber.id = host.client.id
    namespace = running.hub.namespaces.of(channel)
    try:
        _ = await running.hub.enter(subscriber, [channel], {})
        subscription.subscriber = subscriber
        expires, ttl = expiry_of(permission.expires_at)
        result = SubscribeResult(expires=expires, ttl=ttl, data=permission.data)
        if not subscription.is_server_side and request.flag & COMPACTION:
            result.id = host.endpoint.push_kinds.numbers.find(channel)
        if subscriber.start is not None:
            await _recover(host, request, namespace, subscriber.start, result, encode)
        if namespace.presence:
            info = encode_client_info(host.client.describe(channel))
            subscription.connection = await running.presence.join(channel, host.client.id, info)
        if subscription.ending is not None or subscriber.is_over:
            # The server has unsubscribed it meanwhile, or the channel has a gap already.
            raise internal_error()
    except BaseException:
        await leave_channel(running, subscription)
        raise
    set_expiry(host, subscription, permission.expires_at)
    return result


def _find_encoder(host: ActiveSession, subscription: ClientSubscription, request: SubscribeRequest) -> Encode:
    """Return what encodes publications for a subscription; what it holds is released when the subscription ends.

    Raises:
        CommandFailed: its filter of tags is invalid.
    """
    if subscription.is_server_side:
        return host.encode
    kinds, is_compact = host.endpoint.push_kinds, bool(request.flag & COMPACTION)
    encode = kinds.find(host.codec, host.encode, is_compact, request.tf)
    if is_compact:
        _ = kinds.numbers.take(request.channel)
        subscription.leaving = lambda: kinds.numbers.release(request.channel)
    return encode


def set_expiry(host: ActiveSession, subscription: ClientSubscription, expires_at: float | None) -> None:
    """End a subscription when it has expired, unless it is refreshed."""
    if subscription.timer is not None:
        subscription.timer.cancel()
    subscription.timer = call_after_expiry(
        expires_at, host.settings.expire_grace, lambda: host.end_later(subscription, UNSUBSCRIBED_EXPIRED)
    )


async def leave_channel(running: RunningChannels, subscription: ClientSubscription) -> None:
    """Unsubscribe a client; nothing is left of the subscription afterwards, even when this is cancelled."""
    if subscription.timer is not None:
        subscription.timer.cancel()
        subscription.timer = None
    subscriber, subscription.subscriber = subscription.subscriber, None
    if subscriber is not None:
        running.hub.leave(subscriber)
    leaving, subscription.leaving = subscription.leaving, None
    if leaving is not None:
        leaving()
    connection, subscription.connection = subscription.connection, None
    if connection is not None and not running.hub.is_stopped:
        await asyncio.shield(running.hub.tasks.start(running.presence.leave(subscription.channel, connection)))


async def _recover(
    host: ActiveSession,
    request: SubscribeRequest,
    namespace: Namespace,
    top: Position,
    result: SubscribeResult,
    encode: Encode,
) -> None:
    """Fill in the position, and what the client missed."""
    result.recoverable = result.positioned = True
    result.epoch, result.offset = top.epoch, top.offset
    if not request.recover:
        return
    result.was_recovering = True
    recovery = await _read(host, namespace, request.channel, Position(request.epoch, request.offset), top)
    if not recovery.recovered and request.flag & REJECT_UNRECOVERED:
        raise unrecoverable_position()
    result.recovered = recovery.recovered
    if recovery.recovered and namespace.name not in host.cached:
        # SDKs move on with each of the publications.
        result.offset = request.offset
    wanted = recovery.publications
    if isinstance(encode, FilteredEncoder):
        wanted = [each for each in wanted if encode.wants(each)]
        if recovery.recovered and not wanted:
            # Nothing moves the client on to where it is.
            result.offset = top.offset
    result.publications = [published(each, host.codec) for each in wanted]


async def _read(host: ActiveSession, namespace: Namespace, channel: str, since: Position, top: Position) -> Recovery:
    running, limits = host.running(), namespace.limits
    assert limits is not None
    if namespace.name in host.cached:
        return newest_missed(await _newest(running, namespace, channel, top), since, top)
    return await read_missed(running.hub.reader, channel, limits, since, top, host.settings.max_recovered)


async def _newest(running: RunningChannels, namespace: Namespace, channel: str, top: Position) -> Publication | None:
    """Return the newest publication that is not delivered live."""
    assert namespace.limits is not None
    if not top.offset:
        return None
    page = await running.hub.reader.page(channel, top.previous(), namespace.limits, is_first=True)
    entry = next((each for each in page.entries if each.position == top), None)
    return None if entry is None else read_entry(channel, entry)
