"""One connection that is reopened whenever it is lost: the common part of calls and subscriptions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError, ResponseError

from ....errors import BrokerRefused, BrokerUnavailable
from ....rare_log import RareLog
from ..backoff import backoff
from ..liveness import Liveness
from .address import RedisAddress
from .refusals import describe, is_final

# Seconds after which a connection counts as a success: the next pause is short again.
LASTED = 5.0
# Replies to read before other tasks get their turn.
FAIR = 256

logger = logging.getLogger("emmett.channels")


class RedisLink:
    """A connection with two tasks that read and write it, and a third task that reopens it.

    Arguments:
        pick: finds the server to connect to, for each attempt.
        timeout: seconds to connect, and to answer. After this time without any data, the server is sent a PING; after
            another `timeout` without data, the connection is lost.
        name: its name in the server's CLIENT LIST.

    Attributes:
        is_up: whether it is connected.
        away: why there is no connection, once an attempt has failed. None while there is one, and between its loss and
            the end of the next attempt: a call may wait for that.
        address: the server that it is connected to, or was last.
    """

    def __init__(self, pick: Callable[[], Awaitable[RedisAddress]], timeout: float, name: str) -> None:
        self.is_up = False
        self.away: str | None = None
        self.address: RedisAddress | None = None
        self.timeout = timeout
        self._pick = pick
        self._name = name
        self._task: asyncio.Task[None] | None = None
        # Done when an attempt to connect has ended; None if nothing waits for that.
        self._tried: asyncio.Future[None] | None = None
        self._hurry = asyncio.Event()
        self._broken: asyncio.Future[str] | None = None
        self._wake = asyncio.Event()
        self._liveness = Liveness()
        self._attempts = 0
        # Whether the last attempt failed for a reason against which retrying does not help.
        self._is_refused = False
        self._has_been_up = False
        self._log = RareLog(logger)

    def start(self) -> None:
        """Begin to connect, and stay connected."""
        self._task = asyncio.create_task(self._run(), name=f"{self._name} link")

    async def connected(self) -> None:
        """Wait until there is a connection. A pause between two attempts ends at once.

        Raises:
            BrokerUnavailable: the attempt to connect failed.
        """
        if self.is_up:
            return
        if self._tried is None or self._tried.done():
            self._tried = asyncio.get_running_loop().create_future()
        self._hurry.set()
        await asyncio.wait([self._tried])
        if not self.is_up:
            raise self.unavailable()

    async def stop(self) -> None:
        """Close the connection, and end all calls that wait."""
        task, self._task = self._task, None
        self.is_up = False
        self.away, self._is_refused = "it was stopped", False
        if task is not None:
            task.cancel()
        self._fail(True)
        if task is not None:
            await asyncio.wait([task])
        self._settle()

    def tick(self) -> None:
        """Check the connection; called `TICKS` times per `timeout`."""
        if not self.is_up:
            return
        self._liveness.tick(self._ping, self.drop)

    def drop(self, why: str) -> None:
        """Drop the connection, and open another one."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(why)

    def unavailable(self, why: str | None = None) -> BrokerUnavailable:
        """Return the error to raise to callers."""
        label = "" if self.address is None else f" at {self.address.label}"
        if why is None and self.away is not None and self._is_refused:
            return BrokerRefused(f"the Redis broker{label} refuses: {self.away}")
        return BrokerUnavailable(f"the Redis broker{label} does not answer: {why or self.away or 'it was lost'}")

    # Implemented by the two kinds of links.

    async def _greet(self, connection: AbstractConnection) -> None:
        """Request what must be known of a server first."""

    def _begin(self) -> None:
        """Prepare a connection that has just been opened."""

    def _pack(self, connection: AbstractConnection) -> list[bytes]:
        """Return some of the data to send; nothing if there is no more."""
        raise NotImplementedError

    def _take(self, reply: Any) -> None:
        """Handle a reply, which is a ResponseError if the server answered with one."""
        raise NotImplementedError

    def _ping(self) -> None:
        """Send something that the server answers."""
        raise NotImplementedError

    def _fail(self, is_away: bool) -> None:
        """End the calls that wait: the connection is lost, or could not be opened.

        Arguments:
            is_away: whether to end calls that were not sent yet, too.
        """
        raise NotImplementedError

    # The life of a connection.

    async def _run(self) -> None:
        while True:
            begin = asyncio.get_running_loop().time()
            was_up, why = False, ""
            try:
                was_up, why = await self._live()
            except Exception as error:
                logger.exception("the link to a Redis broker failed, which must not happen")
                why = type(error).__name__
            self.is_up = False
            # A server that accepts connections and drops them at once is tried less and less often, too.
            if was_up and asyncio.get_running_loop().time() - begin > LASTED:
                self._attempts = 0
            self.away = None if was_up else why
            if was_up:
                logger.warning("%s; connecting again", self.unavailable(why))
            elif self._is_refused and self._has_been_up:
                self._log.warn("%s; trying again", self.unavailable())
            self._fail(not was_up)
            self._settle()
            pause = backoff(self._attempts)
            self._attempts += 1
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()

    async def _live(self) -> tuple[bool, str]:
        """Connect, and serve until the connection is lost; return whether there was one, and what ended it."""
        connection: AbstractConnection | None = None
        tasks: list[asyncio.Task[None]] = []
        try:
            try:
                async with asyncio.timeout(self.timeout):
                    self.address = address = await self._pick()
                    connection = address.make_connection(self.timeout, self._name)
                    await connection.connect()  # type: ignore[no-untyped-call]
                    await self._greet(connection)
            except (RedisError, OSError, TimeoutError, BrokerUnavailable) as error:
                self._is_refused = is_final(error)
                return False, describe(error)
            self._broken = asyncio.get_running_loop().create_future()
            self._liveness.quiet = 0
            self._is_refused, self._has_been_up = False, True
            self._wake.set()
            tasks = [asyncio.create_task(self._read(connection)), asyncio.create_task(self._write(connection))]
            if self._attempts:
                logger.info("the Redis broker at %s answers again", address.label)
            self.is_up, self.away = True, None
            self._begin()
            self._settle()
            ends: list[asyncio.Future[Any]] = [*tasks, self._broken]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            return True, self._find_end(tasks)
        finally:
            self.is_up = False
            self._broken = None
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            if connection is not None:
                await abort(connection)

    def _find_end(self, tasks: list[asyncio.Task[None]]) -> str:
        for task in tasks:
            if task.done() and not task.cancelled() and (error := task.exception()) is not None:
                if not isinstance(error, (RedisError, OSError)):
                    logger.error("the link to a Redis broker failed, which must not happen", exc_info=error)
                return describe(error)
        return self._broken.result() if self._broken is not None and self._broken.done() else "it was lost"

    def _settle(self) -> None:
        if self._tried is not None and not self._tried.done():
            self._tried.set_result(None)

    async def _read(self, connection: AbstractConnection) -> None:
        while True:
            for _ in range(FAIR):
                try:
                    reply = await connection.read_response(disable_decoding=True, disconnect_on_error=False)
                except ResponseError as error:
                    reply = error
                self._liveness.quiet = 0
                self._take(reply)
            await asyncio.sleep(0)

    async def _write(self, connection: AbstractConnection) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            # Everything from one turn of the event loop is sent in one write.
            while parts := self._pack(connection):
                await connection.send_packed_command(parts, check_health=False)


async def abort(connection: AbstractConnection) -> None:
    """Close a connection at once, even if data is still unsent."""
    # `disconnect` would keep the socket until a peer that has stopped reading has taken what was written to it.
    writer = getattr(connection, "_writer", None)
    if isinstance(writer, asyncio.StreamWriter):
        writer.transport.abort()
    await connection.disconnect(nowait=True)
