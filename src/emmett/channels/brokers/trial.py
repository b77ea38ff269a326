"""Test what an application needs from a broker: to subscribe, to publish, and, if required, history and presence.

A server that answers a PING may still refuse all of these: a read-only replica, a server whose memory is full, a
missing permission. Only a test finds out.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Iterable

from .port import Broker, Limits, Needs

# The namespace of the channels used; no application uses it.
NAMESPACE = "emmett-check"
# One publication, which expires soon.
LIMITS = Limits(size=1, ttl=60.0)
# Seconds for which a member is kept if the test is cut short.
PRESENCE_TTL = 60.0


async def try_channels(broker: Broker, channels: Iterable[str], needs: Needs) -> float:
    """Test everything on some channels concurrently; return the seconds of the slowest publication.

    Arguments:
        broker: a started broker.
        channels: channels of `NAMESPACE`, one on each server.
        needs: the features to test besides publishing and subscribing.

    Raises:
        BrokerUnavailable, BrokerRefused: something does not work.
    """
    # All tests end before an error is raised, so that none is left running.
    trials = [try_channel(broker, channel, needs) for channel in channels]
    answers = await asyncio.gather(*trials, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return max((answer for answer in answers if isinstance(answer, float)), default=0.0)


async def try_channel(broker: Broker, channel: str, needs: Needs) -> float:
    """Test everything on one channel; return the seconds of its publication.

    Raises:
        BrokerUnavailable, BrokerRefused: something does not work.
    """
    try:
        await broker.subscribe([channel])
    finally:
        # Unsubscribe first, so that no subscriber hears this publication.
        await broker.unsubscribe([channel])
    # The clock of an event loop may count whole milliseconds, as that of uvloop does.
    begin = time.perf_counter()
    await broker.publish(channel, b"", None)
    seconds = time.perf_counter() - begin
    if needs.history:
        await broker.publish(channel, b"", LIMITS)
        await broker.history(channel, None, 1, LIMITS)
    if needs.presence:
        connection = secrets.token_hex(8)
        await broker.join(channel, connection, "check", b"null", PRESENCE_TTL)
        await broker.keep(channel, [connection], PRESENCE_TTL)
        await broker.present(channel)
        await broker.leave(channel, connection)
    return seconds
