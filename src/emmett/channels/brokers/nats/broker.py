"""The broker on NATS.

Live publications use core subjects. History is stored in JetStream streams (`history.py`), presence and token buckets
in key-value buckets (`presence.py`, `rates.py`). There is one connection, however many calls are made: commands sent in
one turn of the event loop leave in one write, followed by one PING to confirm that the server has read them. JetStream
is only needed for history, presence and token buckets.

A cluster of NATS servers weakens one promise: the other servers learn about a new subscription some milliseconds later,
and nothing reports when they have. A subscriber does not hear publications made at another server during this time. In
a channel with history it can read them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Collection, Mapping, Sequence

from ....errors import BrokerUnavailable, UsageError
from ....rare_log import RareLog
from ...publication import Position
from ..arguments import check_arguments
from ..port import KEY_KEPT, NO_NEEDS, Entry, History, Limits, Listener, Needs
from ..trial import NAMESPACE, try_channels
from .address import parse_urls
from .client import check_library
from .connection import find_field
from .format import read_at, unpack
from .history import NatsHistories
from .jetstream import JetStream
from .leases import NatsLeases
from .link import NatsLink, NatsSubscription
from .presence import NatsPresence
from .rates import NatsRates
from .subjects import Subjects

logger = logging.getLogger("emmett.channels")


class NatsBroker:
    """A broker on NATS servers shared by several processes. See `Broker` for the promises of each method.

    Arguments:
        urls: `nats://user:password@host:4222`, `nats://token@host`, or `tls://` to require TLS; several servers of one
            cluster are separated by commas. Query fields: `replicas=3`, the number of servers on which JetStream
            stores history and presence; `storage=memory`; `domain=`, the JetStream domain that stores them if the
            server is a leaf node; `credentials=`, the path of a .creds file, or `nkey=`, the path of a seed, both of
            which require the package nkeys; `ca=`, the path of certificates.
        prefix: the prefix of all subjects, streams and buckets.
        timeout: the maximum seconds for each call. A silent server is detected within twice this time.

    Raises:
        ConfigurationError: an argument is invalid.
    """

    def __init__(self, urls: str, *, prefix: str = "emmett", timeout: float = 5.0) -> None:
        check_arguments(prefix, timeout)
        self._addresses, self._settings = parse_urls(urls)
        check_library(needs_keys=bool(self._settings.credentials or self._settings.nkey))
        self._subjects = Subjects(prefix)
        self._prefix = prefix
        self._timeout = timeout
        self._node: _Node | None = None

    async def start(self, listener: Listener) -> None:
        """Connect to one of the servers. See `Broker.start` and, for the other methods, `Broker`."""
        if self._node is not None:
            raise UsageError("the NATS broker has already started")
        node = self._node = _Node(self, listener)
        try:
            async with self._deadline():
                await node.link.start()
        except BaseException:
            if self._node is node:
                self._node = None
            await node.stop()
            raise

    async def stop(self) -> None:
        node, self._node = self._node, None
        if node is not None:
            await node.stop()

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        return await try_channels(self, [f"{NAMESPACE}:0"], needs)

    async def subscribe(self, names: Collection[str]) -> None:
        async with self._deadline():
            await self._require().link.subscribe(names)

    async def unsubscribe(self, names: Collection[str]) -> None:
        if self._node is not None:
            self._node.link.unsubscribe(names)

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        node = self._require()
        async with self._deadline():
            if limits is not None:
                return await node.histories.publish(channel, payload, limits)
            connection = node.link.connection or await node.link.ready()
            await connection.publish(self._subjects.live(channel), payload)
            return None

    async def publish_once(self, channel: str, payload: bytes, limits: Limits | None, key: str) -> Position | None:
        node = self._require()
        if limits is not None:
            async with self._deadline():
                return await node.histories.publish(channel, payload, limits, key)
        lease, holder = self._subjects.once(channel, key), secrets.token_hex(8)
        if await self.hold(lease, holder, KEY_KEPT):
            try:
                await self.publish(channel, payload, None)
            except BaseException:
                # Its caller may come again.
                with contextlib.suppress(BrokerUnavailable):
                    await asyncio.shield(self.release(lease, holder))
                raise
        return None

    async def remove_history(self, channel: str, limits: Limits) -> None:
        async with self._deadline():
            await self._require().histories.remove(channel, limits)

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        async with self._deadline():
            return await self._require().histories.read(channel, since, limit, limits, max_bytes)

    async def join(self, channel: str, connection: str, member: str, info: bytes, ttl: float) -> bool:
        async with self._deadline():
            return await self._require().presence.join(channel, connection, member, info, ttl)

    async def leave(self, channel: str, connection: str) -> str | None:
        async with self._deadline():
            return await self._require().presence.leave(channel, connection)

    async def keep(self, channel: str, connections: Collection[str], ttl: float) -> Sequence[str]:
        async with self._deadline():
            return await self._require().presence.keep(channel, connections, ttl)

    async def present(self, channel: str) -> Mapping[str, tuple[bytes, int]]:
        async with self._deadline():
            return await self._require().presence.present(channel)

    async def take(self, bucket: str, calls: int, period: float) -> float:
        async with self._deadline():
            return await self._require().rates.take(bucket, calls, period)

    async def hold(self, lease: str, holder: str, ttl: float) -> bool:
        async with self._deadline():
            return await self._require().leases.hold(lease, holder, ttl)

    async def release(self, lease: str, holder: str) -> None:
        async with self._deadline():
            await self._require().leases.release(lease, holder)

    def _require(self) -> _Node:
        if self._node is None:
            raise BrokerUnavailable("the NATS broker does not answer: it is not started")
        return self._node

    @contextlib.asynccontextmanager
    async def _deadline(self) -> AsyncIterator[None]:
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                yield
        except TimeoutError:
            if not limit.expired():
                raise
            raise BrokerUnavailable("the NATS broker does not answer: no answer in time") from None


class _Node:
    """The state of a broker between `start` and `stop`."""

    def __init__(self, broker: NatsBroker, listener: Listener) -> None:
        subjects, settings, timeout = broker._subjects, broker._settings, broker._timeout
        self._subjects = subjects
        self._listener: Listener | None = listener
        self._log = RareLog(logger)
        self.link = NatsLink(
            broker._addresses, settings, timeout, broker._prefix, subjects.live, self._hear, self._report_change
        )
        jetstream = JetStream(self.link, settings, timeout / 4)
        self.histories = NatsHistories(jetstream, subjects, timeout, self._note_strange)
        self.presence = NatsPresence(jetstream, subjects, self._note_strange)
        self.rates = NatsRates(jetstream, subjects, self._note_strange)
        self.leases = NatsLeases(jetstream, subjects, self._note_strange)

    async def stop(self) -> None:
        """Release all resources."""
        self._listener = None
        await self.link.stop()
        await self.histories.stop()

    def _hear(self, name: NatsSubscription, subject: bytes, data: bytes, headers: bytes) -> None:
        listener = self._listener
        if listener is None:
            return
        try:
            channel = name.name if not name.name.endswith(":*") else self._subjects.channel(subject.decode())
            at = read_at(headers) if headers else None
            entries = [Entry(data, None)] if at is None else unpack(at, data)
        except ValueError as error:
            self._note_strange(name.name, error)
            return
        if at is not None:
            sequence = find_field(headers, b"Nats-Sequence")
            if sequence is not None and sequence.isdigit():
                self.histories.heard(channel, at, int(sequence[:20]))
        try:
            for entry in entries:
                listener.heard(name.name, channel, entry)
        except Exception:
            logger.exception("a listener of the NATS broker failed, which must not happen")

    def _report_change(self, is_back: bool) -> None:
        if self._listener is None:
            return
        try:
            if is_back:
                self._listener.restored(None)
            else:
                self._listener.lost(None)
        except Exception:
            logger.exception("a listener of the NATS broker failed, which must not happen")

    def _note_strange(self, channel: str, error: Exception) -> None:
        """Log a message that no broker of emmett wrote."""
        self._log.warn("channel %s: ignored a message that no broker of emmett made: %s", channel, error)
