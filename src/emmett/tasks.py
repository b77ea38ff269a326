"""Background work of an application: started, supervised and cancelled with it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from .environment import WORKERS
from .errors import BrokerUnavailable, ConfigurationError
from .rare_log import RareLog

logger = logging.getLogger("emmett.tasks")

Work = Callable[[], Any]

# Seconds until a background function that failed is started again, doubled with each failure in a row.
FIRST_PAUSE = 1.0
MAX_PAUSE = 60.0

# Seconds after which a lease on background work ends unless its worker renews it, and how often it is renewed, or asked
# for by the others. A worker that cannot renew it stops the work before others may start it.
LEASE = 6.0
LEASE_PERIOD = 1.0


class PeriodicWork(NamedTuple):
    """A function that runs periodically.

    Attributes:
        name: the name for the log, and for other workers.
        function: the function, plain or async.
        every: seconds from the start of a run to that of the next.
        once: whether it runs on one worker of all.
    """

    name: str
    function: Work
    every: float
    once: bool


class LastingWork(NamedTuple):
    """A function that runs for as long as the application.

    Attributes:
        name: the name for the log, and for other workers.
        function: the async function.
        once: whether it runs on one worker of all.
    """

    name: str
    function: Work
    once: bool


class BackgroundWork:
    """The background work of an application.

    Arguments:
        wired: the objects attached to the application, among them the channels through which workers agree.
        sleep: waits for a number of seconds.
        clock: returns the time in seconds, as `sleep` counts it.
    """

    def __init__(
        self,
        wired: Sequence[Any],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wired = wired
        self._sleep = sleep
        self._clock = clock
        self._periodic: dict[str, PeriodicWork] = {}
        self._lasting: dict[str, LastingWork] = {}
        # What this process calls itself where it holds leases.
        self._holder = os.urandom(8).hex()
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = RareLog(logger)

    def add_periodic(self, function: Work, every: float | timedelta, once: bool, name: str | None) -> None:
        """Register a function to run periodically; see `App.task`."""
        seconds = every.total_seconds() if isinstance(every, timedelta) else every
        if type(seconds) not in (int, float) or not 0 < seconds < float("inf"):
            raise ConfigurationError(f"task(every={every!r}): expected a number of seconds above 0, or a timedelta")
        work = PeriodicWork(self._check_name(function, name), function, float(seconds), once)
        self._periodic[work.name] = work

    def add_lasting(self, function: Work, once: bool = False, name: str | None = None) -> None:
        """Register a function that runs for as long as the application; see `App.background`."""
        if not inspect.iscoroutinefunction(function):
            raise ConfigurationError(f"background({function!r}): expected an async function")
        work = LastingWork(self._check_name(function, name), function, once)
        self._lasting[work.name] = work

    def start(self) -> None:
        """Start everything, on the running event loop.

        Raises:
            ConfigurationError: work that runs on one worker of all needs channels.
        """
        works: list[PeriodicWork | LastingWork] = [*self._periodic.values(), *self._lasting.values()]
        shared = [work.name for work in works if work.once]
        if shared and self._channels() is None and int(os.environ.get(WORKERS) or 1) > 1:
            raise ConfigurationError(
                f"background work {shared[0]!r}: once=True with several workers needs channels with a broker, through "
                "which the workers agree: Channels(app, 'redis://…') or 'nats://…'"
            )
        for work in self._periodic.values():
            self._spawn(self._repeat(work), work.name)
        for lasting in self._lasting.values():
            leased = lasting.once and self._channels() is not None
            self._spawn(self._keep_up_once(lasting) if leased else self._keep_up(lasting), lasting.name)

    async def stop(self, seconds: float) -> None:
        """Cancel everything, and wait for it, but not for longer than a number of seconds."""
        tasks, self._tasks = self._tasks, set()
        for task in tasks:
            task.cancel()
        if tasks:
            _, stuck = await asyncio.wait(tasks, timeout=seconds)
            for task in stuck:
                logger.error("left running: %s: it was cancelled and has not ended for %g s", task.get_name(), seconds)

    def _check_name(self, function: Work, name: str | None) -> str:
        name = name or f"{function.__module__}.{function.__qualname__}"
        if name in self._periodic or name in self._lasting:
            raise ConfigurationError(f"background work {name!r}: the name is taken, choose another one with name=…")
        return name

    def _spawn(self, work: Awaitable[None], name: str) -> None:
        task = asyncio.ensure_future(work)
        task.set_name(name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _channels(self) -> Any:
        return next((each for each in self._wired if hasattr(each, "take")), None)

    async def _repeat(self, work: PeriodicWork) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            wait = await self._take(work) if work.once else 0.0
            if wait:
                await self._sleep(wait)
                continue
            await self._run_one(work)
            await self._sleep(max(0.0, began + work.every - loop.time()))

    async def _take(self, work: PeriodicWork) -> float:
        """Return 0.0 if the next run belongs to this worker, otherwise the seconds until it may."""
        channels = self._channels()
        if channels is None:
            return 0.0
        try:
            # One run in each period, on whichever worker asks first: if that one dies, another has the next run.
            wait: float = await channels.take(f"emmett-task:{work.name}", 1, work.every)
        except BrokerUnavailable as error:
            self._log.warn("task %r does not run: %s", work.name, error)
            return work.every
        return wait

    async def _run_one(self, work: PeriodicWork) -> None:
        try:
            # The next run may be on another worker: two at once must not be.
            async with asyncio.timeout(work.every if work.once else None) as deadline:
                result = work.function()
                if inspect.isawaitable(result):
                    await result
        except Exception:
            if deadline.expired():
                logger.error("task %r was cancelled: it did not end within its period of %g s", work.name, work.every)
            else:
                logger.exception("task %r failed; it runs again in its next period", work.name)

    async def _keep_up_once(self, work: LastingWork) -> None:
        """Run work while this worker has the lease on it."""
        channels, lease = self._channels(), f"emmett-work:{_digest(work.name)}"
        running: asyncio.Future[None] | None = None
        held_until = 0.0
        try:
            while True:
                began = self._clock()
                held = await self._hold(channels, lease, work)
                if held:
                    held_until = began + LEASE
                    # Work that has returned has ended; the lease keeps other workers from running it again.
                    running = running or asyncio.ensure_future(self._keep_up(work))
                elif running is not None and (held is False or began + 3 * LEASE_PERIOD >= held_until):
                    # The next answer may come too late.
                    logger.warning("background work %r stops here: another worker may run it now", work.name)
                    await _end(running, work.name)
                    running = None
                await self._sleep(LEASE_PERIOD)
        finally:
            if running is not None:
                await _end(running, work.name)
                # Another worker need not wait for the end of the lease.
                with contextlib.suppress(BrokerUnavailable):
                    await channels.release(lease, self._holder)

    async def _hold(self, channels: Any, lease: str, work: LastingWork) -> bool | None:
        """Return whether this worker has the lease; None if the broker does not say."""
        try:
            async with asyncio.timeout(LEASE_PERIOD):
                held: bool = await channels.hold(lease, self._holder, LEASE)
        except (BrokerUnavailable, TimeoutError) as error:
            self._log.warn("background work %r: the broker does not say who runs it: %s", work.name, error)
            return None
        return held

    async def _keep_up(self, work: LastingWork) -> None:
        name, function = work.name, work.function
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            began = loop.time()
            try:
                await function()
                return
            except Exception:
                if loop.time() - began > MAX_PAUSE:
                    pause = FIRST_PAUSE
                logger.exception("background work %r failed; it starts again in %g s", name, pause)
            await self._sleep(pause)
            pause = min(2 * pause, MAX_PAUSE)


async def _end(running: asyncio.Future[None], name: str) -> None:
    """Cancel work and wait for its end: another run must not begin beside it."""
    running.cancel()
    _, stuck = await asyncio.wait([running], timeout=LEASE_PERIOD)
    if stuck:
        logger.error("background work %r was cancelled and has not ended for %g s", name, LEASE_PERIOD)
        await asyncio.wait(stuck)


def _digest(name: str) -> str:
    """Return a name that channels allow: a function's may contain characters that they do not."""
    # Imported here: few applications have work that runs on one worker of all.
    import hashlib

    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
