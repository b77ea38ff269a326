"""The contract detects brokers that leak resources, break when stopped, or trust foreign bytes."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator

import pytest

from emmett.channels.brokers.memory import MemoryBroker
from emmett.channels.brokers.port import NO_NEEDS, Entry, History, Limits, Listener, Needs
from emmett.channels.publication import Position
from tests.testing.brokers.broken import Case, Deaf, Overheard, Right, check_finds, parametrize

# Sockets left open by brokers.
PAIRS: list[tuple[socket.socket, socket.socket]] = []


@pytest.fixture(autouse=True)
def close_sockets() -> Iterator[None]:
    yield
    while PAIRS:
        for end in PAIRS.pop():
            end.close()


class Milliseconds(MemoryBroker):
    """Checks in another unit."""

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        await super().check(needs)
        return 1000.0


class Chatty(Overheard):
    """Reports after its end."""

    async def stop(self) -> None:
        await super().stop()
        listener = getattr(self, "listener", None)
        if listener is not None:
            asyncio.get_running_loop().call_soon(listener.heard, "a", "a", Entry(b"late", None))


class Alarmed(Overheard):
    """Reports its own stop as a loss."""

    async def stop(self) -> None:
        if self._listener is not None:
            self.listener.lost(None)
        await super().stop()


class Undead(MemoryBroker):
    """Works without having been started."""

    async def publish(self, channel: str, payload: bytes, limits: Limits | None) -> Position | None:
        return None if self._listener is None else await super().publish(channel, payload, limits)


class Nervous(MemoryBroker):
    """Raises an error of its own when it is not started."""

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        if self._listener is None:
            raise AttributeError("NoneType has no attribute 'ping'")
        return await super().check(needs)


class Fragile(MemoryBroker):
    """May be stopped only while it runs."""

    async def stop(self) -> None:
        assert self._listener is not None
        await super().stop()


class Remembering(MemoryBroker):
    """Restores its subscriptions when it is started again."""

    async def stop(self) -> None:
        self.before = set(self._subscribed)
        await super().stop()

    async def start(self, listener: Listener) -> None:
        await super().start(listener)
        await self.subscribe(getattr(self, "before", set()))


class Finished(MemoryBroker):
    """Cannot be started again."""

    async def start(self, listener: Listener) -> None:
        assert not hasattr(self, "was_started")
        self.was_started = True
        await super().start(listener)


class LeavingTasks(MemoryBroker):
    """Leaks a task."""

    async def stop(self) -> None:
        await super().stop()
        self.task = asyncio.ensure_future(asyncio.sleep(60))


class LeavingSockets(MemoryBroker):
    """Leaks a socket."""

    async def stop(self) -> None:
        await super().stop()
        if not hasattr(self, "pair"):
            self.pair = socket.socketpair()
            PAIRS.append(self.pair)
            asyncio.get_running_loop().add_reader(self.pair[0], print)


class Stuck(MemoryBroker):
    """Lets calls wait for ever that it had not answered when it was stopped."""

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        await asyncio.sleep(0)
        if self._listener is None:
            await asyncio.Event().wait()
        return await super().check(needs)


class Cancelling(MemoryBroker):
    """Cancels those who wait when it is stopped."""

    async def check(self, needs: Needs = NO_NEEDS) -> float:
        await asyncio.sleep(0)
        if self._listener is None:
            raise asyncio.CancelledError
        return await super().check(needs)


class Mixed(MemoryBroker):
    """Gives the answer for a call that was cancelled to the next one."""

    answers = 0

    async def present(self, channel: str) -> dict[str, tuple[bytes, int]]:
        found = dict(await super().present(channel))
        self.answers += 1
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.answers += 100
            raise
        return found if self.answers < 100 else {"left over": (b"", 1)}


class NoHistory(MemoryBroker):
    """Forgets the history with its stop."""

    async def history(
        self, channel: str, since: Position | None, limit: int | None, limits: Limits, max_bytes: int | None = None
    ) -> History:
        found = await super().history(channel, since, limit, limits)
        return found._replace(entries=[])


CASES: list[Case] = [
    (Milliseconds, ("test_check_tells_the_seconds",)),
    (Chatty, ("test_after_stop_nothing_is_reported",)),
    (Alarmed, ("test_after_stop_nothing_is_reported",)),
    (Undead, ("test_a_broker_that_is_not_started_is_unavailable",)),
    (Nervous, ("test_a_broker_that_is_not_started_is_unavailable",)),
    (Fragile, ("test_stop_at_any_time",)),
    (Remembering, ("test_start_again",)),
    (Finished, ("test_start_again", "test_stop_leaves_no_task_and_no_socket")),
    (NoHistory, ("test_start_again",)),
    (Deaf, ("test_start_again",)),
    (LeavingTasks, ("test_stop_leaves_no_task_and_no_socket", "test_stop_while_calls_wait")),
    (LeavingSockets, ("test_stop_leaves_no_task_and_no_socket",)),
    (Stuck, ("test_stop_while_calls_wait",)),
    (Cancelling, ("test_stop_while_calls_wait",)),
    (Mixed, ("test_a_cancelled_call_leaves_the_broker_well",)),
]


@parametrize(CASES)
def test_each_faulty_broker_is_detected(kind: type[MemoryBroker], test: str) -> None:
    check_finds(kind, test)


def take_as_it_is(broker: MemoryBroker, subscribed: str, channel: str, payload: bytes) -> None:
    """All bytes are payloads."""
    assert broker._listener is not None
    broker._listener.heard(subscribed, channel, Entry(payload, None))


def log_once(broker: MemoryBroker, subscribed: str, channel: str, payload: bytes) -> None:
    """Bytes of strangers are logged, once."""
    if not hasattr(broker, "has_logged"):
        broker.has_logged = True  # type: ignore[attr-defined]
        logging.getLogger("emmett.channels").warning("not of the expected form: %r", payload[:20])


def pass_over(broker: MemoryBroker, subscribed: str, channel: str, payload: bytes) -> None:
    """Bytes of strangers are passed over without a word."""


def log_each(broker: MemoryBroker, subscribed: str, channel: str, payload: bytes) -> None:
    """Bytes of strangers fill the log."""
    logging.getLogger("emmett.channels").warning("not of the expected form: %r", payload[:20])


def invent(broker: MemoryBroker, subscribed: str, channel: str, payload: bytes) -> None:
    """Positions are made of anything."""
    assert broker._listener is not None
    broker._listener.heard(subscribed, channel, Entry(b"x", Position(payload.decode("latin-1"), 1)))


def give_up(broker: MemoryBroker, subscribed: str, channel: str, payload: bytes) -> None:
    """Bytes of strangers end the connection."""
    log_once(broker, subscribed, channel, payload)
    broker.cut()
    broker.mend()


def break_down(broker: MemoryBroker, subscribed: str, channel: str, payload: bytes) -> None:
    """Bytes of strangers end the task that reads."""
    broker.drop(10**6)


def with_strangers(read: Callable[[MemoryBroker, str, str, bytes], None]) -> Right:
    """Return the contract on a broker that reads bytes of strangers like this."""

    class Injected(Right):
        async def inject(self, channel: str, payload: bytes) -> None:
            for broker in self.made:
                for subscribed in (channel, channel.split(":")[0] + ":*"):
                    if subscribed in broker._subscribed:
                        read(broker, subscribed, channel, payload)

    return Injected()


@pytest.mark.parametrize("read", [take_as_it_is, log_once])
def test_acceptable_treatment_of_foreign_bytes_passes(read: Callable[[MemoryBroker, str, str, bytes], None]) -> None:
    with_strangers(read).test_what_strangers_send_is_no_harm()


@pytest.mark.parametrize("read", [pass_over, log_each, invent, give_up, break_down])
def test_unacceptable_treatment_of_foreign_bytes_is_detected(
    read: Callable[[MemoryBroker, str, str, bytes], None],
) -> None:
    contract = with_strangers(read)
    contract.be_impatient()
    with pytest.raises(AssertionError):
        contract.test_what_strangers_send_is_no_harm()
