"""Stay connected: open the next connection when one is lost, and restore the subscriptions on it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import random
from collections.abc import Awaitable, Callable, Collection, Sequence

from ....errors import BrokerRefused, BrokerUnavailable
from ....rare_log import RareLog
from ..backoff import backoff
from ..liveness import TICKS
from .address import NatsAddress, NatsSettings
from .connection import INBOX, NatsConnection

# Subscriptions to send before waiting for the server's answer.
BATCH = 1_000

logger = logging.getLogger("emmett.channels")


class NatsSubscription:
    """A subscription to a channel or a pattern, confirmed or not."""

    __slots__ = ("calls", "is_confirmed", "name", "number", "subject")

    def __init__(self, name: str, subject: str, number: int) -> None:
        self.name = name
        self.subject = subject
        self.number = number
        # Whether the server has confirmed it.
        self.is_confirmed = False
        # The number of calls that wait for the confirmation.
        self.calls = 0


class NatsLink:
    """A connection that is reopened whenever it is lost, and the subscriptions on it.

    Arguments:
        addresses: servers of one cluster.
        settings: the login settings.
        timeout: seconds to connect, and to answer. After this time without any data, the server is sent a PING; after
            another `timeout` without data, the connection is lost.
        name: the name of the connection at the server.
        subject: returns the subject of a channel or pattern.
        hear: called for each message with the name, subject, content and header fields.
        changed: called with False when the connection is lost, and with True when all subscriptions are restored.
        sleep: waits for a number of seconds.

    Attributes:
        connection: the connection; None while there is none.
        age: the number of the connection: what was learned on an earlier one may be outdated.
    """

    def __init__(
        self,
        addresses: Sequence[NatsAddress],
        settings: NatsSettings,
        timeout: float,
        name: str,
        subject: Callable[[str], str],
        hear: Callable[[NatsSubscription, bytes, bytes, bytes], None],
        changed: Callable[[bool], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.connection: NatsConnection | None = None
        self.age = 0
        self._addresses = list(addresses)
        self._settings = settings
        self._timeout = timeout
        self._name = name
        self._subject = subject
        self._hear = hear
        self._changed = changed
        self._sleep = sleep
        self._known: list[NatsAddress] = list(addresses)
        self._names: dict[str, NatsSubscription] = {}
        self._numbers = itertools.count(INBOX + 1)
        self._by_number: dict[int, NatsSubscription] = {}
        self._task: asyncio.Task[None] | None = None
        # Why there is no connection, once a reconnect has failed.
        self._away = "it is not started"
        # Done when the first attempt after a loss has ended.
        self._tried: asyncio.Future[None] | None = None
        self._is_stopped = False
        self._log = RareLog(logger)

    async def start(self) -> None:
        """Connect, and stay connected.

        Raises:
            BrokerRefused: all servers refuse, and retrying does not help.
            BrokerUnavailable: no server can be reached.
        """
        connection = await self._connect()
        if self._is_stopped:
            await connection.close()
            raise self.unavailable()
        self.connection = connection
        self._task = asyncio.create_task(self._run(connection), name=f"{self._name} link")

    async def stop(self) -> None:
        """Release all resources; calls that wait get an error."""
        self._is_stopped = True
        self._away = "it was stopped"
        self._names.clear()
        self._by_number.clear()
        self._settle()
        connection, self.connection = self.connection, None
        task, self._task = self._task, None
        if connection is not None:
            await connection.close()
        while task is not None and not task.done():
            # More than once: nats-py, and `asyncio.wait_for` in it, may swallow a cancellation.
            task.cancel()
            await asyncio.wait([task], timeout=0.05)

    async def ready(self) -> NatsConnection:
        """Return the connection. If it was lost, wait for the first attempt to reconnect.

        Raises:
            BrokerUnavailable: there is no connection.
        """
        if self.connection is None and self._tried is not None:
            await asyncio.wait([self._tried], timeout=self._timeout)
        if self.connection is None:
            raise self.unavailable()
        return self.connection

    def unavailable(self) -> BrokerUnavailable:
        """Return the error to raise while there is no connection."""
        return BrokerUnavailable(f"the NATS broker does not answer: {self._away}")

    # Subscriptions.

    async def subscribe(self, names: Collection[str]) -> None:
        """See `Broker.subscribe`. The caller sets the deadline.

        Raises:
            BrokerRefused: the server refuses some names, which the error lists.
            BrokerUnavailable: the subscription was not confirmed.
        """
        connection = await self.ready()
        wanted: list[NatsSubscription] = []
        try:
            for text in dict.fromkeys(names):
                name = self._names.get(text) or self._add(connection, text)
                name.calls += 1
                wanted.append(name)
            if not all(name.is_confirmed for name in wanted):
                await self._confirm(connection, [name for name in wanted if not name.is_confirmed])
            for name in wanted:
                name.is_confirmed = True
        finally:
            for name in wanted:
                name.calls -= 1
            self.unsubscribe([name.name for name in wanted if not name.is_confirmed and not name.calls])
        if any(self._names.get(name.name) is not name for name in wanted):
            raise connection.unavailable("it was unsubscribed from meanwhile")

    async def _confirm(self, connection: NatsConnection, names: Sequence[NatsSubscription]) -> None:
        try:
            await connection.flush(*(name.subject for name in names))
        except BrokerRefused as error:
            refused = [name.name for name in names if name.subject in error.names]
            self._log.warn("%d channels may not be subscribed to, the first is %r: %s", len(refused), refused[0], error)
            raise BrokerRefused(error.message, refused) from None

    def unsubscribe(self, names: Collection[str]) -> None:
        """Unsubscribe without waiting for an answer."""
        for text in names:
            name = self._names.pop(text, None)
            if name is None:
                continue
            del self._by_number[name.number]
            if self.connection is not None:
                # Messages that still arrive for it are ignored.
                with contextlib.suppress(BrokerUnavailable):
                    self.connection.write(b"UNSUB %d\r\n" % name.number)

    def _add(self, connection: NatsConnection, text: str) -> NatsSubscription:
        name = NatsSubscription(text, self._subject(text), next(self._numbers))
        connection.write(_subscription(name))
        self._names[text] = self._by_number[name.number] = name
        return name

    def _take(self, number: int, subject: bytes, data: bytes, headers: bytes) -> None:
        name = self._by_number.get(number)
        if name is not None:
            self._hear(name, subject, data, headers)

    # Connections.

    async def _run(self, connection: NatsConnection) -> None:
        try:
            while True:
                await self._watch(connection)
                if self._has_ended():
                    break
                self.connection = None
                self._tried = asyncio.get_running_loop().create_future()
                why = connection.broken.result()
                logger.warning("the NATS broker at %s is away: %s", connection.address.label, why)
                self._changed(False)
                await connection.close()
                connection = await self._reconnect()
                if self._has_ended():
                    break
                logger.info("the NATS broker at %s is back", connection.address.label)
                self._changed(True)
        finally:
            self.connection = None
            await connection.close()

    def _has_ended(self) -> bool:
        # `stop` may be called during any await.
        return self._is_stopped

    async def _watch(self, connection: NatsConnection) -> None:
        """Check a connection periodically until it is lost."""
        while not connection.broken.done():
            await asyncio.wait([connection.broken], timeout=self._timeout / TICKS)
            with contextlib.suppress(BrokerUnavailable):
                connection.liveness.tick(connection.ask, connection.break_off)

    async def _reconnect(self) -> NatsConnection:
        for attempt in itertools.count():
            await self._sleep(backoff(attempt))
            try:
                connection = await self._connect()
            except BrokerUnavailable as error:
                self._away = error.message.partition(": ")[2]
                self._settle()
                continue
            try:
                async with asyncio.timeout(self._timeout):
                    await self._subscribe_all(connection)
            except (BrokerUnavailable, TimeoutError):
                self._away = "its subscriptions were not confirmed"
                self._settle()
                await connection.close()
                continue
            except BaseException:
                await connection.close()
                raise
            self.connection = connection
            self._settle()
            return connection
        raise AssertionError("attempts never end")

    async def _subscribe_all(self, connection: NatsConnection) -> None:
        """Restore all earlier subscriptions. Names added meanwhile belong to calls that fail."""
        names = [name for name in self._names.values() if name.is_confirmed]
        for begin in range(0, max(1, len(names)), BATCH):
            for name in names[begin : begin + BATCH]:
                if self._by_number.get(name.number) is name:
                    connection.write(_subscription(name))
            await connection.flush()
        for name in names:
            # Unsubscribed from while the others were under way.
            if self._by_number.get(name.number) is not name:
                connection.write(b"UNSUB %d\r\n" % name.number)

    async def _connect(self) -> NatsConnection:
        """Try all servers, in random order, within the deadline.

        Raises:
            BrokerUnavailable: no server answers.
        """
        random.shuffle(self._known)
        error = self.unavailable()
        for address in list(self._known):
            connection = NatsConnection(address, self._settings, self._take)
            try:
                await connection.open(self._name, self._timeout / min(len(self._known), 3))
            except BrokerUnavailable as failed:
                # A refusal is the result only if all servers refuse.
                if address is self._known[0] or isinstance(error, BrokerRefused):
                    error = failed
                continue
            known = {address.label: address for address in (*self._addresses, *connection.servers())}
            self._known = list(known.values())
            self.age += 1
            return connection
        raise error

    def _settle(self) -> None:
        if self._tried is not None and not self._tried.done():
            self._tried.set_result(None)


def _subscription(name: NatsSubscription) -> bytes:
    return f"SUB {name.subject} {name.number}\r\n".encode()
