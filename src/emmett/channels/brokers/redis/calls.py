"""The link for calls: any number of calls share one connection, and are answered in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import InvalidResponse, NoScriptError, ReadOnlyError, ResponseError

from ....errors import BrokerRefused
from ..liveness import TICKS
from .address import RedisAddress
from .link import RedisLink
from .scripts import Script

# Calls that may wait for one server; any more are refused.
MAX_CALLS = 65_536
# Calls to send in one write.
MAX_PACKED = 512


class Call:
    """A command, and the future for its answer."""

    __slots__ = ("arguments", "born", "command", "future", "is_asking", "keys")

    def __init__(
        self,
        command: tuple[Any, ...],
        future: asyncio.Future[Any],
        born: int,
        keys: Sequence[bytes] | None = None,
        arguments: Sequence[Any] = (),
        is_asking: bool = False,
    ) -> None:
        self.command = command
        self.future = future
        # The tick at which it was made.
        self.born = born
        # The keys of a script, which are followed by the server's run ID; None for a plain command.
        self.keys = keys
        self.arguments = arguments
        self.is_asking = is_asking


class CallLink(RedisLink):
    """Sends commands to a server. The answer to a cancelled call is discarded.

    When the connection is lost, calls that were sent fail, though they may have succeeded at the server. Calls not yet
    sent are kept for the next connection, until an attempt to open it fails. Each call ends within `timeout`.
    """

    def __init__(self, pick: Callable[[], Awaitable[RedisAddress]], timeout: float, name: str) -> None:
        super().__init__(pick, timeout, name)
        self._waiting: deque[Call] = deque()
        self._sent: deque[Call | None] = deque()
        self._ticks = 0
        # The run ID of the server's process.
        self._run_id = b""

    async def ask(self, *command: Any) -> Any:
        """Send a command and return its answer.

        Raises:
            BrokerUnavailable: no answer.
            ResponseError: the server answered with an error.
        """
        return await self._put(command)

    async def run(
        self, script: Script, keys: Sequence[bytes], arguments: Sequence[Any], is_asking: bool = False
    ) -> Any:
        """Run a script, and send its text if the server does not know it.

        Arguments:
            is_asking: whether the slot of the keys is migrating to this server (see ASKING).

        Raises:
            BrokerUnavailable, ResponseError: as `ask`.
        """
        try:
            try:
                return await self._put(("EVALSHA", script.digest), keys, arguments, is_asking)
            except NoScriptError:
                return await self._put(("EVAL", script.text), keys, arguments, is_asking)
        except ReadOnlyError:
            # It has become a replica: the address may now lead to another server.
            self.drop("it takes no writes any more")
            raise

    def tick(self) -> None:
        super().tick()
        self._ticks += 1
        while self._waiting and self._ticks - self._waiting[0].born >= TICKS:
            self._end(self._waiting.popleft(), "no answer in time")
        oldest = next((call for call in self._sent if call is not None), None)
        if oldest is not None and self._ticks - oldest.born >= TICKS:
            self.drop("no answer in time")

    def _put(
        self,
        command: tuple[Any, ...],
        keys: Sequence[bytes] | None = None,
        arguments: Sequence[Any] = (),
        is_asking: bool = False,
    ) -> asyncio.Future[Any]:
        if self.away is not None:
            raise self.unavailable()
        if len(self._waiting) + len(self._sent) >= MAX_CALLS:
            raise self.unavailable(f"more than {MAX_CALLS} calls wait for it")
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(Call(command, future, self._ticks, keys, arguments, is_asking))
        self._wake.set()
        return future

    async def _greet(self, connection: AbstractConnection) -> None:
        await connection.send_command("INFO", "server", check_health=False)
        answer = await connection.read_response(disable_decoding=True, disconnect_on_error=False)
        if not isinstance(answer, bytes):
            raise InvalidResponse("the answer to INFO is not text")
        if b"_mode:sentinel" in answer:
            raise BrokerRefused("it is a Sentinel: write redis+sentinel:// in the URL")
        lines = dict(line.partition(b":")[::2] for line in answer.splitlines())
        # A server that lost nothing continues where it was, even in a new process.
        is_durable = self.address is not None and self.address.is_durable
        self._run_id = b"durable" if is_durable else lines.get(b"run_id", b"")

    def _pack(self, connection: AbstractConnection) -> list[bytes]:
        parts: list[bytes] = []
        for _ in range(min(MAX_PACKED, len(self._waiting))):
            call = self._waiting.popleft()
            # Cancelled, or too late.
            if call.future.done():
                continue
            if call.is_asking:
                parts += connection.pack_command("ASKING")
                self._sent.append(None)
            if call.keys is None:
                parts += connection.pack_command(*call.command)
            else:
                keys, arguments = call.keys, call.arguments
                parts += connection.pack_command(*call.command, len(keys), *keys, self._run_id, *arguments)
                # The payload is not needed while the call waits for its answer.
            call.arguments = ()
            self._sent.append(call)
        return parts

    def _take(self, reply: Any) -> None:
        if not self._sent:
            raise InvalidResponse("an answer without a call")
        call = self._sent.popleft()
        if call is None or call.future.done():
            return
        if isinstance(reply, ResponseError):
            call.future.set_exception(reply)
        else:
            call.future.set_result(reply)

    def _ping(self) -> None:
        # Waiting calls already show whether the server answers.
        if not self._sent and not self._waiting:
            self._put(("PING",)).add_done_callback(_look)

    def _fail(self, is_away: bool) -> None:
        sent, self._sent = self._sent, deque()
        for call in sent:
            if call is not None:
                self._end(call, "the connection was lost")
        while is_away and self._waiting:
            self._end(self._waiting.popleft(), None)

    def _end(self, call: Call, why: str | None) -> None:
        if not call.future.done():
            call.future.set_exception(self.unavailable(why))


def _look(future: asyncio.Future[Any]) -> None:
    """Retrieve the result of a future that no caller awaits: asyncio reports errors that were never retrieved."""
    if not future.cancelled():
        future.exception()
