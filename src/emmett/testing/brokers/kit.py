"""Tools for the tests of the contract: nodes that record what they hear, and hooks to a broker's server."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import secrets
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, NamedTuple, TypeVar

import pytest

from ...channels.brokers.port import Broker, Entry, Limits
from ...channels.publication import Position
from ...errors import BrokerUnavailable

# Limits of a history from which nothing is removed while a test runs.
LIMITS = Limits(size=1000, ttl=600.0)

Result = TypeVar("Result")


class Heard(NamedTuple):
    """One call of `Listener.heard`."""

    subscribed: str
    channel: str
    entry: Entry


class Node:
    """A broker, and a listener that records what it reports."""

    def __init__(self, broker: Broker, hooks: Hooks) -> None:
        self.broker = broker
        # All reports, and every change of the connection: "lost" and "restored".
        self.reports: list[Heard] = []
        self.changes: list[str] = []
        # The subscriptions that are currently lost; None if the broker did not name them.
        self.away: set[str] = set()
        self._hooks = hooks
        self._subscribed: set[str] = set()
        self._taken = 0
        self._came = asyncio.Event()

    def heard(self, subscribed: str, channel: str, entry: Entry) -> None:
        """Record a publication."""
        self.reports.append(Heard(subscribed, channel, entry))
        self._came.set()

    def lost(self, subscribed: Collection[str] | None) -> None:
        """Record that publications may be missed."""
        self.changes.append("lost")
        self.away |= self._subscribed if subscribed is None else set(subscribed)
        self._came.set()

    def restored(self, subscribed: Collection[str] | None) -> None:
        """Record that subscriptions are restored."""
        self.changes.append("restored")
        self.away = set() if subscribed is None else self.away - set(subscribed)
        self._came.set()

    async def start(self) -> None:
        """Start the broker."""
        await self.call(self.broker.start(self))

    async def subscribe(self, *names: str) -> None:
        """Subscribe to channels and patterns."""
        await self.call(self.broker.subscribe(names))
        self._subscribed.update(names)

    async def unsubscribe(self, *names: str) -> None:
        """Unsubscribe from channels and patterns."""
        self._subscribed.difference_update(names)
        # The broker need not report that a subscription is restored once it has ended.
        self.away.difference_update(names)
        try:
            await self.call(self.broker.unsubscribe(names))
        except BrokerUnavailable as error:
            raise AssertionError(f"unsubscribe must not need the server, and raised {error!r}") from error

    async def publish(self, channel: str, payload: bytes, limits: Limits | None = None) -> Position | None:
        """Publish, without history unless limits are given."""
        return await self.call(self.broker.publish(channel, payload, limits))

    async def keep(self, channel: str, payload: bytes, limits: Limits = LIMITS) -> Position:
        """Publish to a channel with history."""
        position = await self.call(self.broker.publish(channel, payload, limits))
        assert position is not None, f"publish with limits returned None, not a position, for {channel!r}"
        return position

    async def call(self, call: Awaitable[Result]) -> Result:
        """Await a call of the broker, which must end within its deadline in any case."""
        limit = asyncio.timeout(self._hooks.answers_within)
        try:
            async with limit:
                return await call
        except TimeoutError:
            assert not limit.expired(), (
                f"{_name(call)} did not end within {self._hooks.answers_within:g} s: "
                "it must answer, or raise BrokerUnavailable"
            )
            raise

    async def fails(self, call: Awaitable[Any]) -> None:
        """Await a call that must raise BrokerUnavailable, and nothing else, within its deadline."""
        try:
            result = await self.call(call)
        except BrokerUnavailable:
            return
        except AssertionError:
            raise
        except Exception as error:
            raise AssertionError(f"{_name(call)} must raise BrokerUnavailable, and raised {error!r}") from error
        raise AssertionError(f"{_name(call)} must raise BrokerUnavailable, and returned {result!r}")

    async def ends(self, call: asyncio.Future[Any]) -> None:
        """Await a call that may be answered or raise BrokerUnavailable."""
        try:
            await self.call(call)
        except BrokerUnavailable:
            pass
        except AssertionError:
            raise
        except (Exception, asyncio.CancelledError) as error:
            raise AssertionError(f"{call!r} must be answered or raise BrokerUnavailable, not {error!r}") from error

    async def take(self, count: int = 1) -> list[Heard]:
        """Wait for the next reports that were not taken yet, and return them."""
        await self.until(
            lambda: len(self.reports) >= self._taken + count,
            lambda: f"{count} publications to be heard; these came: {_short(self.reports[self._taken :])}",
        )
        taken = self.reports[self._taken : self._taken + count]
        self._taken += count
        return taken

    async def payloads(self, count: int) -> list[bytes]:
        """Return the payloads of the next reports."""
        return [heard.entry.payload for heard in await self.take(count)]

    async def until(
        self, condition: Callable[[], bool], describe: Callable[[], str], seconds: float | None = None
    ) -> None:
        """Wait until a condition holds; check it after every report."""
        seconds = self._hooks.answers_within if seconds is None else seconds
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                while not condition():
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            assert not limit.expired(), f"missing after {seconds:g} s: {describe()}"
            raise

    async def expect_silence(self) -> None:
        """Check that nothing came except what was taken: the next report is what is published now."""
        marker = f"silence-{secrets.token_hex(6)}:1"
        await self.subscribe(marker)
        for number in range(3):
            await self.publish(marker, b"%d" % number)
        await self.until(
            lambda: sum(heard.channel == marker for heard in self.reports) >= 3, lambda: "what was published just now"
        )
        await self.unsubscribe(marker)
        others = [heard for heard in self.reports[self._taken :] if heard.channel != marker]
        self._taken = len(self.reports)
        assert not others, f"expected no publications, but there came: {_short(others)}"

    async def until_lost(self) -> None:
        """Wait until the broker has reported the loss of everything that this node has subscribed to."""
        await self.until(
            lambda: "lost" in self.changes and self.away >= self._subscribed,
            lambda: f"a call of lost() for every subscription; there were {self.changes}",
            self._hooks.recovers_within,
        )

    async def until_restored(self) -> None:
        """Wait until the broker has reported that nothing is lost any more."""
        await self.until(
            lambda: "restored" in self.changes and not self.away,
            lambda: f"a call of restored() for every subscription; there were {self.changes}",
            self._hooks.recovers_within,
        )


class Nodes:
    """The nodes of one test, and the server that their brokers are connected to."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._nodes: list[Node] = []
        # Tests share a server, but never a channel.
        self.group = f"g{secrets.token_hex(6)}"
        self._is_killed = False
        self._is_frozen = False

    def name(self, rest: object = 1) -> str:
        """Return the name of a channel that no other test uses."""
        return f"{self.group}:{rest}"

    async def make(self) -> Node:
        """Return a new node that is not started."""
        node = Node(await self._hooks.make_broker(), self._hooks)
        self._nodes.append(node)
        return node

    async def start(self) -> Node:
        """Return a new node that is started."""
        node = await self.make()
        await node.start()
        return node

    async def start_two(self) -> tuple[Node, Node]:
        """Return two new nodes that are started."""
        return await self.start(), await self.start()

    async def kill(self) -> None:
        """Kill the server."""
        self._is_killed = True
        await self._hooks.kill()

    async def restart(self) -> None:
        """Start the server again."""
        await self._hooks.restart()
        self._is_killed = False

    async def freeze(self) -> None:
        """Stop the server from answering."""
        self._is_frozen = True
        await self._hooks.freeze()

    async def thaw(self) -> None:
        """Let the server continue."""
        await self._hooks.thaw()
        self._is_frozen = False

    async def end(self) -> None:
        """Stop all nodes, and bring the server back for the next test in any case."""
        try:
            for node in self._nodes:
                await node.call(node.broker.stop())
        finally:
            if self._is_killed:
                await self.restart()
            if self._is_frozen:
                await self.thaw()


class Hooks:
    """The hooks that the tests need: subclasses implement `make_broker`, and as many of the others as they can."""

    # Seconds: for one test; for one call of the broker, longer than its own deadline; until everything works after the
    # server is back; and for tasks and sockets to end after `stop`.
    deadline: float = 60.0
    answers_within: float = 15.0
    recovers_within: float = 30.0
    ends_within: float = 2.0
    # The arguments of `inject`: add bytes that resemble your own format.
    hostile: tuple[bytes, ...] = (
        *(b"", b"\x00", b"\xff\xfe\xfd", b"t", b"b", b"j{", b":", b"1:", b"-1:", b"a:b:c:d", b"{}", b"[]", b"null"),
        *(b"99999999999999999999999999:", b"\x80\x04\x95\x00.", b"cos\nsystem\n(S'exit 1'\ntR.", b"[" * 10_000),
        *(b"\r\n", b"$-1\r\n", b"*1\r\n", b"\x00" * 65_536),
    )

    async def make_broker(self) -> Broker:
        """Return another broker at the same server, not started. Called several times per test."""
        raise NotImplementedError("make_broker() must return a broker, not started")

    async def kill(self) -> None:
        """Kill the server, as SIGKILL does; without this hook, tests of outages are skipped."""
        pytest.skip("no hook kill()")

    async def restart(self) -> None:
        """Start the server again at the same address, and return when it answers; with or without its data."""
        pytest.skip("no hook restart()")

    async def freeze(self) -> None:
        """Stop the server from answering, as SIGSTOP does: connections stay open. Without it, tests are skipped."""
        pytest.skip("no hook freeze()")

    async def thaw(self) -> None:
        """Let the server continue, as SIGCONT does."""
        pytest.skip("no hook thaw()")

    async def inject(self, channel: str, payload: bytes) -> None:
        """Send bytes that no broker has written to the subscribers of a channel."""
        pytest.skip("no hook inject()")

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop of a test."""
        return asyncio.new_event_loop()

    async def let_pass(self, seconds: float) -> None:
        """Let time pass at the server; no real waiting is needed if its clock can be set."""
        await asyncio.sleep(seconds)

    def needs(self, *hooks: str) -> None:
        """Skip the test if one of these hooks is missing."""
        for name in hooks:
            if getattr(type(self), name) is getattr(Hooks, name):
                pytest.skip(f"no hook {name}()")

    def run(self, test: Callable[[Nodes], Coroutine[Any, Any, None]]) -> None:
        """Run a test on a separate event loop, within its deadline."""
        with asyncio.Runner(loop_factory=self.new_event_loop) as runner:
            runner.run(self._run(test))

    async def _run(self, test: Callable[[Nodes], Coroutine[Any, Any, None]]) -> None:
        problems: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: problems.append(f"{context['message']}: {context.get('exception')!r}")
        )
        nodes = Nodes(self)
        limit = asyncio.timeout(self.deadline)
        try:
            async with limit, contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(nodes.end)
                await test(nodes)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise AssertionError(f"the test did not end within {self.deadline:g} s") from error
        assert not problems, "errors that nothing has handled:\n" + "\n".join(problems)


Contract = TypeVar("Contract", bound=Hooks)


def contract_test(test: Callable[[Contract, Nodes], Coroutine[Any, Any, None]]) -> Callable[[Contract], None]:
    """Turn a coroutine method into a test for plain pytest."""

    @functools.wraps(test)
    def run(self: Contract) -> None:
        self.run(functools.partial(test, self))

    # Otherwise pytest would look for a fixture `nodes`.
    del run.__wrapped__
    return run


def _name(call: Awaitable[Any]) -> str:
    return str(getattr(call, "__qualname__", call))


def _short(reports: Iterable[Heard]) -> str:
    shown = [(heard.subscribed, heard.channel, heard.entry.payload[:40], heard.entry.position) for heard in reports]
    return f"{shown[:20]}, {len(shown)} in all" if len(shown) > 20 else str(shown)
