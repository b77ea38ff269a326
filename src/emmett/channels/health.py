"""How the channels are: the broker is tried, and what does not work is named."""

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

# Seconds for trying everything.
CHECK_TIMEOUT = 10.0
# Seconds before the broker is tried again at start-up, at most (see `backoff`).
MAX_START_PAUSE = 2.0

logger = logging.getLogger("emmett.channels")


class Health(NamedTuple):
    """How the channels are.

    Fields:
        ok: everything works.
        round_trip: seconds to the broker and back; None when something that the application needs does not work there.
        problems: what is wrong, in words.
    """

    ok: bool
    round_trip: float | None
    problems: list[str]


def find_needs(namespaces: Iterable[Namespace]) -> Needs:
    """Return what an application needs of its broker, by the options of its namespaces."""
    declared = list(namespaces)
    return Needs(any(each.history for each in declared), any(each.presence for each in declared))


class HealthCheck:
    """Tries a broker: once for all who ask at the same time, however many do.

    Arguments:
        broker: a broker that is started.
        needs: what is tried besides publishing and subscribing.
        tasks: they keep the task.
        timeout: seconds for all of it.
    """

    def __init__(self, broker: Broker, needs: Needs, tasks: Tasks, timeout: float = CHECK_TIMEOUT) -> None:
        self._broker = broker
        self._needs = needs
        self._tasks = tasks
        self._timeout = timeout
        self._trial: asyncio.Task[float] | None = None

    async def run(self) -> float:
        """Try the broker; returns the seconds of a round trip.

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
            raise BrokerUnavailable("the channels were stopped")
        error = trial.exception()
        if isinstance(error, BrokerUnavailable):
            # A new one for each caller: one that is shared would collect their tracebacks.
            raise type(error)(error.message)
        return trial.result()


async def start_broker(broker: Broker, listener: Listener, check: HealthCheck, seconds: float) -> None:
    """Start a broker and try what the application needs; try again for as long as that may help.

    Arguments:
        seconds: until it is given up.

    Raises:
        BrokerRefused: it refuses, and waiting does not help.
        BrokerUnavailable: it did not answer, or could not do it, all the time. It is stopped then.
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
                # Once, not for each attempt.
                said = str(error)
                logger.warning("%s; it is tried again for %g s", said, seconds)
        except BaseException:
            await broker.stop()
            raise
        await asyncio.sleep(pause)
