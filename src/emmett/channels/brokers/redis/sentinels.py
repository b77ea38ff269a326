"""A service monitored by Sentinels: ask them for its primary, and again after each failover."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import InvalidResponse, RedisError, ResponseError

from ....errors import BrokerRefused, BrokerUnavailable
from ..liveness import TICKS
from ..port import Listener
from .address import RedisAddress, RedisTarget
from .calls import CallLink
from .format import RedisNames
from .link import abort
from .refusals import describe, is_final
from .shards import Shards

# Ticks after which the Sentinels are asked whether another server is the primary. A failover that closes connections is
# noticed at once; this detects a primary that was cut off from the Sentinels, but not from here.
LOOK_EVERY = 2 * TICKS


class PrimaryLink(CallLink):
    """Sends commands to a server that must be a primary: a Sentinel may name one that has just lost this role."""

    async def _greet(self, connection: AbstractConnection) -> None:
        await super()._greet(connection)
        await connection.send_command("INFO", "replication", check_health=False)
        answer = await connection.read_response(disable_decoding=True, disconnect_on_error=False)
        if not isinstance(answer, bytes) or b"role:master" not in answer:
            raise BrokerUnavailable("the Sentinels name it as the primary, but it is a replica")


class Sentinels(Shards):
    """The primary of a service.

    Arguments:
        target: the Sentinels, the name of the service, and how to connect to its primary.
    """

    caller_kind = PrimaryLink

    def __init__(self, target: RedisTarget, listener: Listener, names: RedisNames, timeout: float, name: str) -> None:
        self._sentinels = list(target.sentinels)
        self._service = target.service
        self._ticks = 0
        self._watching: asyncio.Task[None] | None = None
        super().__init__(target.addresses, listener, names, timeout, name)

    def look(self) -> None:
        self._ticks += 1
        if self._ticks % LOOK_EVERY == 0 and self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.wait([watching])
        await super().stop()

    async def pick(self, address: RedisAddress) -> RedisAddress:
        """Return the primary. Ask the Sentinels one after the other, beginning with the one that answered last.

        Raises:
            BrokerUnavailable, BrokerRefused: no Sentinel names a primary.
        """
        failures: list[Exception] = []
        for sentinel in list(self._sentinels):
            try:
                host, port = await self._ask(sentinel)
            except (RedisError, OSError, TimeoutError, BrokerUnavailable) as error:
                failures.append(error)
                continue
            self._sentinels.remove(sentinel)
            self._sentinels.insert(0, sentinel)
            return address.move(host, port)
        labels = ", ".join(sentinel.label for sentinel in self._sentinels)
        kind = BrokerRefused if all(map(is_final, failures)) else BrokerUnavailable
        raise kind(f"no Sentinel at {labels} names the primary of service {self._service!r}: {describe(failures[-1])}")

    async def _ask(self, sentinel: RedisAddress) -> tuple[str, int]:
        # If all of them are silent, time must remain to connect to the primary.
        timeout = self._timeout / (len(self._sentinels) + 1)
        connection = sentinel.make_connection(timeout, self._name)
        try:
            async with asyncio.timeout(timeout):
                await connection.connect()  # type: ignore[no-untyped-call]
                command = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service)
                await connection.send_command(*command, check_health=False)
                try:
                    answer = await connection.read_response(disable_decoding=True, disconnect_on_error=False)
                except ResponseError as error:
                    if "unknown command" in str(error):
                        raise BrokerRefused(f"{sentinel.label} is not a Sentinel") from None
                    raise
        finally:
            await abort(connection)
        return self._read_answer(sentinel, answer)

    def _read_answer(self, sentinel: RedisAddress, answer: Any) -> tuple[str, int]:
        if answer is None:
            raise BrokerRefused(f"{sentinel.label} knows no service {self._service!r}")
        try:
            host, port = answer
            return host.decode(), int(port)
        except (TypeError, ValueError, AttributeError):
            raise InvalidResponse("a Sentinel did not answer with host and port") from None

    async def _watch(self) -> None:
        try:
            # If this fails now, it is tried again soon.
            with contextlib.suppress(BrokerUnavailable):
                primary = await self.pick(self._addresses[0])
                for link in self.links():
                    if link.is_up and link.address is not None and link.address.label != primary.label:
                        link.drop(f"the Sentinels name another primary: {primary.label}")
        finally:
            self._watching = None
