"""Subscribe a client to a channel: enter the hub, recover what it missed, join, and reply; and unsubscribe it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from ..channels import Position, Publication
from ..channels.channels import RunningChannels
from ..channels.namespaces import Namespace
from ..channels.topic import read_entry
from .access import Permission
from .client import ClientSubscription, encode_client_info
from .codes import (
    SUBSCRIPTION_EXPIRED,
    UNSUBSCRIBED_EXPIRED,
    UNSUBSCRIBED_INSUFFICIENT,
    CommandFailed,
    internal_error,
    unrecoverable_position,
)
from .delta_subscriber import DeltaSubscriber
from .messages import REJECT_UNRECOVERED, SubscribeRequest, SubscribeResult
from .ports import ActiveSession
from .push_kinds import FilteredEncoder
from .pushes import published
from .recovery import Recovery, newest_missed, read_missed
from .subscriber import ClientSubscriber

# The most seconds until an expiry: the limit of some encodings and timers, which a date in milliseconds would exceed.
MAX_TTL = 2**31 - 1


class Expiry(NamedTuple):
    """An expiry in the form of the protocol: whether there is one, and in how many seconds."""

    expires: bool
    ttl: int


def expiry_of(expires_at: float | None) -> Expiry:
    """Return the time left until a moment in seconds since 1970."""
    return Expiry(False, 0) if expires_at is None else Expiry(True, max(1, int(_seconds_until(expires_at))))


def is_expired(expires_at: float | None) -> bool:
    """Return whether a moment in seconds since 1970 has passed."""
    return expires_at is not None and expires_at <= time.time()


def call_after_expiry(
    expires_at: float | None, grace: float, callback: Callable[[], None]
) -> asyncio.TimerHandle | None:
    """Call back when a moment, and the grace period after it, have passed."""
    if expires_at is None:
        return None
    return asyncio.get_running_loop().call_later(_seconds_until(expires_at) + grace, callback)


def _seconds_until(expires_at: float) -> float:
    return min(max(0.0, expires_at - time.time()), MAX_TTL)


async def enter_channel(
    host: ActiveSession, subscription: ClientSubscription, request: SubscribeRequest, permission: Permission
) -> SubscribeResult:
    """Subscribe a client, and return the result for it. Pushes are held back until the subscriber is opened.

    Raises:
        BrokerUnavailable: the broker does not answer; nothing of the subscription is left.
        CommandFailed: publications that the client missed are lost, and it does not want to begin without them.
    """
    running, channel = host.running(), subscription.channel
    subscription.info = permission.info
    namespace = running.hub.namespaces.of(channel)
    subscriber = _make_subscriber(host, subscription, request, namespace)
    # Publishers exclude the client by its id.
    subscriber.id = host.client.id
    try:
        _ = await running.hub.enter(subscriber, [channel], {})
        subscription.subscriber = subscriber
        # Without a token the client cannot refresh the subscription: SDKs that know when it ends would not come back.
        expires, ttl = expiry_of(permission.expires_at if request.token else None)
        result = SubscribeResult(expires=expires, ttl=ttl, data=permission.data)
        if not subscription.is_server_side and host.endpoint.push_kinds.is_compact(host.codec, request):
            result.id = host.endpoint.push_kinds.numbers.find(channel)
        result.delta = isinstance(subscriber, DeltaSubscriber)
        if subscriber.start is not None:
            await _recover(host, request, namespace, subscriber, result)
        if namespace.presence:
            info = encode_client_info(host.client.describe(channel))
            subscription.connection = await running.presence.join(channel, host.client.id, info)
        if subscription.ending is not None or subscriber.is_over:
            # Meanwhile the server has unsubscribed it, or the channel already has a gap.
            raise internal_error()
    except BaseException:
        await leave_channel(running, subscription)
        raise
    set_expiry(host, subscription, permission.expires_at, host.settings.expire_grace if request.token else 0.0)
    return result


def _make_subscriber(
    host: ActiveSession, subscription: ClientSubscription, request: SubscribeRequest, namespace: Namespace
) -> ClientSubscriber:
    """Return the subscriber for a subscription. Its resources are released when the subscription ends.

    Raises:
        CommandFailed: its tag filter is invalid, or it wants deltas as well.
    """
    hub = host.running().hub
    if subscription.is_server_side:
        return ClientSubscriber(host.sink, host.encode, hub, None)

    def on_gap() -> None:
        host.end_later(subscription, UNSUBSCRIBED_INSUFFICIENT)

    kinds, channel, codec = host.endpoint.push_kinds, request.channel, host.codec
    is_compact = kinds.is_compact(codec, request)
    is_delta = _wants_delta(request, namespace)
    subscriber: ClientSubscriber
    if is_delta:
        subscriber = DeltaSubscriber(host.sink, kinds.take_delta(codec, channel, is_compact), hub, on_gap)
    else:
        subscriber = ClientSubscriber(host.sink, kinds.find(codec, host.encode, is_compact, request.tf), hub, on_gap)
    if is_compact:
        _ = kinds.numbers.take(channel)

    def leave() -> None:
        if is_delta:
            kinds.release_delta(codec, channel)
        if is_compact:
            kinds.numbers.release(channel)

    subscription.leaving = leave
    return subscriber


def _wants_delta(request: SubscribeRequest, namespace: Namespace) -> bool:
    """Return whether a client gets deltas: only in the format of the namespace."""
    if request.delta and request.tf is not None:
        raise CommandFailed(107, "bad request: delta and a tag filter exclude each other")
    return bool(request.delta) and request.delta == namespace.delta


def set_expiry(host: ActiveSession, subscription: ClientSubscription, expires_at: float | None, grace: float) -> None:
    """End a subscription when it has expired, unless it is refreshed."""
    if subscription.timer is not None:
        subscription.timer.cancel()

    def end() -> None:
        if subscription.is_server_side:
            # SDKs do not subscribe to it again unless they connect again.
            host.spawn(host.disconnect(SUBSCRIPTION_EXPIRED))
        else:
            host.end_later(subscription, UNSUBSCRIBED_EXPIRED)

    subscription.timer = call_after_expiry(expires_at, grace, end)


async def leave_channel(running: RunningChannels, subscription: ClientSubscription) -> None:
    """Unsubscribe a client. Nothing is left of the subscription afterwards, even if this is cancelled."""
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
    subscriber: ClientSubscriber,
    result: SubscribeResult,
) -> None:
    """Fill in the position, and the publications that the client missed."""
    top, encode = subscriber.start, subscriber.encode
    assert top is not None
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
        # SDKs advance their position with each of the publications.
        result.offset = request.offset
    wanted = recovery.publications
    if isinstance(encode, FilteredEncoder):
        wanted = [each for each in wanted if encode.wants(each)]
        if recovery.recovered and not wanted:
            # No publication advances the client's position.
            result.offset = top.offset
    result.publications = [published(each, host.codec) for each in wanted]
    if result.delta:
        # They are sent whole, and so is the first one after them.
        for each in result.publications:
            each.data = host.codec.escape(bytes(each.data))


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
