"""Reads of the history: those for the same are shared, and only so many are under way at once."""

from __future__ import annotations

import asyncio
import functools

from ..errors import BrokerUnavailable
from .brokers.port import Broker, History, Limits
from .publication import Position
from .tasks import Pool

# What is asked for: the channel, behind which position, at most how many.
Question = tuple[str, Position | None, int | None]


class Reader:
    """Reads histories for the subscribers of a process. Ten thousand that come back at once are no more load than some.

    Arguments:
        broker: it has the histories.
        pool: it bounds how many are read at once.
    """

    def __init__(self, broker: Broker, pool: Pool) -> None:
        self._broker = broker
        self._pool = pool
        self._answers: dict[Question, asyncio.Future[History | BrokerUnavailable]] = {}
        self._is_stopped = False

    async def read(self, channel: str, since: Position | None, limit: int | None, limits: Limits) -> History:
        """Read as `Broker.history` does; the answer may be that to another who has asked the same just before.

        Raises:
            BrokerUnavailable: the broker does not answer, or the channels have stopped.
        """
        question = (channel, since, limit)
        answer = self._answers.get(question)
        if answer is None:
            if self._is_stopped:
                raise stopped()
            answer = self._answers[question] = asyncio.get_running_loop().create_future()
            self._pool.submit(functools.partial(self._ask, question, limits))
        # One that is cancelled must not cancel the others.
        found = await asyncio.shield(answer)
        if isinstance(found, BrokerUnavailable):
            # A new one for each: one that is shared would collect their tracebacks.
            raise BrokerUnavailable(found.message)
        return found

    def stop(self) -> None:
        """Give no answers any more."""
        self._is_stopped = True
        for answer in self._answers.values():
            answer.set_result(stopped())
        self._answers.clear()

    async def _ask(self, question: Question, limits: Limits) -> None:
        channel, since, limit = question
        found: History | BrokerUnavailable
        try:
            found = await self._broker.history(channel, since, limit, limits)
        except BrokerUnavailable as error:
            found = error
        except Exception as error:
            found = BrokerUnavailable(f"the history of {channel!r} could not be read: {error!r}")
        answer = self._answers.pop(question, None)
        if answer is not None:
            answer.set_result(found)


def stopped() -> BrokerUnavailable:
    """Return the error for those who still wait when the channels stop."""
    return BrokerUnavailable("the channels have stopped")
