"""Health of the channels: test the broker, and describe what does not work."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable
from typing import NamedTuple

from ..errors import BrokerRefused, BrokerUnavailable
from .brokers.backoff import backoff
from .brokers.port import Broker, Listener, Needs
from .namespaces import Namespace
from .tasks import Tasks

# Seconds for the whole check.
CHECK_TIMEOUT = 10.0
# The longest pause in seconds between two attempts at start-up (see `backoff`).
MAX_START_PAUSE = 2.0

logger = logging.getLogger("emmett.channels")


class Health(NamedTuple):
    """The health of the channels.

    Fields:
        ok: whether everything works.
        round_trip: seconds to the broker and back; None if the broker fails something that the application needs.
        problems: descriptions of what is wrong.
    """

    ok: bool
    round_trip: float | None
    problems: list[str]


def find_needs(namespaces: Iterable[Namespace]) -> Needs:
    """Return what an application needs from its broker, according to the options of its namespaces."""
    declared = list(namespaces)
    return Needs(any(each.history for each in declared), any(each.presence for each in declared))


class HealthCheck:
    """Tests a broker; concurrent callers share one test.

    Arguments:
        broker: a started broker.
        needs: what to test in addition to publishing and subscribing.
        tasks: keeps the task.
        timeout: seconds for the whole test.
    """

    def __init__(self, broker: Broker, needs: Needs, tasks: Tasks, timeout: float = CHECK_TIMEOUT) -> None:
        self._broker = broker
        self._needs = needs
        self._tasks = tasks
        self._timeout = timeout
        self._trial: asyncio.Task[float] | None = None

    async def run(self) -> float:
        """Test the broker; return the seconds of a round trip.

        Raises:
            BrokerUnavailable, BrokerRefused: something does not work.
        """
        trial = self._trial
        if trial is None or trial.done():
            trial = self._trial = self._tasks.start(self._broker.check(self._needs))
        done, _ = await asyncio.wait([trial], timeout=self._timeout)
        if not done:
            raise BrokerUnavailable(f"the broker did not finish the check within {self._timeout:g} s")
        if trial.cancelled():
            raise BrokerUnavailable("the channels have stopped")
        error = trial.exception()
        if isinstance(error, BrokerUnavailable):
            # A new error for each caller: a shared one would collect all their tracebacks.
            raise type(error)(error.message)
        return trial.result()


async def start_broker(broker: Broker, listener: Listener, check: HealthCheck, seconds: float) -> None:
    """Start a broker and test what the application needs; retry for as long as that may help.

    Arguments:
        seconds: the time limit.

    Raises:
        BrokerRefused: the broker refuses, and retrying does not help.
        BrokerUnavailable: the broker did not answer, or failed the test, until the time limit. It is stopped.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    is_started, said = False, ""
    for attempt in itertools.count():
        pause = backoff(attempt, longest=MAX_START_PAUSE)
        try:
            if not is_started:
                await broker.start(listener)
                is_started = True
            await check.run()
            return
        except BrokerUnavailable as error:
            if isinstance(error, BrokerRefused) or loop.time() + pause > end:
                await broker.stop()
                raise
            if str(error) != said:
                # Log each problem once, not for each attempt.
                said = str(error)
                logger.warning("%s; trying again for %g s", said, seconds)
        except BaseException:
            await broker.stop()
            raise
        await asyncio.sleep(pause)
