"""`Workers`: several server processes and their supervisor."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait

from .backoff import Backoff
from .child import Child
from .server_config import STARTUP_FAILURE, ServerConfig
from .signal_inbox import HANG_UP, STOP_SIGNALS, SignalInbox
from .systemd import Notifier

logger = logging.getLogger("uvicorn.error")

# Failed starts in a row of one worker after which the supervisor gives up, while no worker serves.
MAX_FAILED_STARTS = 5


class Worker:
    """The slot of one worker, which several processes fill in turn.

    Attributes:
        child: the process that serves or is starting.
        successor: the process that replaces it once it serves.
        start_at: when to start the next process, if there is none.
        backoff: counts the processes that failed.
    """

    def __init__(self) -> None:
        self.child: Child | None = None
        self.successor: Child | None = None
        self.start_at = 0.0
        self.backoff = Backoff()

    @property
    def serves(self) -> bool:
        """Whether the process of this worker serves."""
        return self.child is not None and self.child.serves


class Workers:
    """Starts the configured number of processes, and keeps that number running until a signal stops them.

    The first process starts alone, and the others once it serves: an application that cannot start fails once, in the
    time of one process. A process that dies is replaced, after a pause if it was not the first. While none can be
    started, the supervisor gives up after `MAX_FAILED_STARTS`, or at once if the application itself reports that it
    cannot start. SIGHUP replaces all processes, one after the other.

    Arguments:
        config: the configuration of the servers.
        sockets: the bound sockets that they listen on.
        notifier: reports when all of them serve.
        start: starts a process.
        clock: the time in seconds.
    """

    def __init__(
        self,
        config: ServerConfig,
        sockets: Sequence[socket.socket],
        notifier: Notifier | None = None,
        start: Callable[[ServerConfig, Sequence[socket.socket]], Child] = Child,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._sockets = sockets
        self._notifier = Notifier({}) if notifier is None else notifier
        self._is_ready = False
        self._start_child = start
        self._clock = clock
        self._workers = [Worker() for _ in range(config.workers)]
        # Workers whose process must still be replaced after a SIGHUP.
        self._outdated: list[Worker] = []
        # Replaced processes that have not ended yet.
        self._retired: list[Child] = []
        self._has_served = False
        self._has_failed = False
        self._stops = 0

    def run(self) -> bool:
        """Serve until a signal stops the workers; return whether they could be started."""
        logger.info("Started parent process [%d]", os.getpid())
        with SignalInbox((*STOP_SIGNALS, HANG_UP)) as signals:
            while not (self._stops or self._has_failed):
                self.look()
                if not self._has_failed:
                    wait([signals.fileno(), *self._watched()], self._pause())
                    self.handle(signals.take())
            self._notifier.stopping()
            self._stop(signals)
        logger.info("Stopping parent process [%d]", os.getpid())
        return not self._has_failed

    def look(self) -> None:
        """Check the processes, and start the missing ones."""
        self._retired = [child for child in self._retired if child.is_alive]
        for worker in self._workers:
            self._look_at(worker)
        if self._outdated and not any(worker.successor for worker in self._workers):
            worker = self._outdated.pop(0)
            worker.successor = self._start()
        self._look_whether_ready()

    def handle(self, numbers: Sequence[int]) -> None:
        """Act on signals."""
        for number in numbers:
            if number == HANG_UP:
                logger.info("Received SIGHUP, restarting processes.")
                self._outdated = list(self._workers)
                self._is_ready = False
                self._notifier.reloading()
            else:
                logger.info("Received a signal to stop.")
                self._stops += 1

    def _look_whether_ready(self) -> None:
        """Report it when all workers serve after a start or a restart."""
        is_replacing = bool(self._outdated) or any(worker.successor for worker in self._workers)
        if not self._is_ready and not is_replacing and all(worker.serves for worker in self._workers):
            self._is_ready = True
            self._notifier.ready()

    def _look_at(self, worker: Worker) -> None:
        self._look_at_successor(worker)
        child = worker.child
        if child is None:
            if worker.start_at <= self._clock() and self._may_start(worker):
                worker.child = self._start()
            return
        child.look()
        self._has_served = self._has_served or child.serves
        if not child.is_alive:
            worker.child = None
            self._replace(worker, child)

    def _may_start(self, worker: Worker) -> bool:
        return not self._has_failed and (self._has_served or worker is self._workers[0])

    def _look_at_successor(self, worker: Worker) -> None:
        successor = worker.successor
        if successor is None:
            return
        successor.look()
        if successor.serves:
            if worker.child is not None:
                worker.child.terminate()
                self._retired.append(worker.child)
            worker.child, worker.successor = successor, None
        elif not successor.is_alive:
            logger.error("Child process [%d] %s before it served: the others stay", successor.pid, successor.end)
            worker.successor = None
            self._outdated.clear()

    def _replace(self, worker: Worker, ended: Child) -> None:
        """Decide when to start the next process of a worker, or give up."""
        pause = worker.backoff.fail(self._clock())
        when = f"starting another one in {pause:g} s" if pause else "starting another one"
        text = "died: it" if ended.serves else "failed to start: it"
        serving = any(each.serves for each in self._workers)
        if not (serving or ended.serves) and (
            (ended.status == STARTUP_FAILURE and not self._has_served) or worker.backoff.failures >= MAX_FAILED_STARTS
        ):
            self._has_failed = True
            when = "no worker serves, stopping the parent process"
        level = logging.ERROR if self._has_failed or not ended.serves else logging.WARNING
        logger.log(level, "Child process [%d] %s %s; %s", ended.pid, text, ended.end, when)
        worker.start_at = self._clock() + pause

    def _start(self) -> Child:
        return self._start_child(self._config, self._sockets)

    def _children(self) -> list[Child]:
        found = [child for worker in self._workers for child in (worker.child, worker.successor) if child is not None]
        return [*found, *self._retired]

    def _watched(self) -> list[int]:
        children = self._children()
        return [
            *(child.sentinel for child in children),
            *(child.ready.fileno() for child in children if not child.ready.closed),
        ]

    def _pause(self) -> float | None:
        """Return the seconds until a process must be started."""
        due = [worker.start_at for worker in self._workers if worker.child is None and self._may_start(worker)]
        return max(0.0, min(due) - self._clock()) if due else None

    def _stop(self, signals: SignalInbox) -> None:
        """End all processes, and kill those that do not end in time or before a second signal."""
        children = self._children()
        for child in children:
            child.look()
            child.terminate()
        end = self._clock() + max((child.stop_timeout for child in children), default=0.0)
        while children := [child for child in children if child.is_alive]:
            wait([signals.fileno(), *(child.sentinel for child in children)], max(0.0, end - self._clock()))
            self.handle(signals.take())
            if self._stops > 1 or self._clock() >= end:
                for child in children:
                    logger.warning("Killing child process [%d], which has not ended", child.pid)
                    child.kill()
                    child.join()
