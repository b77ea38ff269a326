"""The state that the connections of one server process share."""

from __future__ import annotations

import asyncio
import weakref
from contextvars import copy_context

from ..dispatch import RouteTable
from ..dispatch.hosts import allowed_hosts
from ..dispatch.startup import apply_changes
from ..observers import Observers
from ..pacing import CLOSE_BATCH, CLOSE_PAUSE
from ..wire.forwarded import TrustedProxies
from .access_log import access_logs
from .capacity import connection_cap, raise_file_limit
from .memory_budget import MemoryBudget
from .memory_size import default_limit
from .observed import tell_ended, tell_opened, tell_slow, tell_stalled
from .response_head import ResponseHeads
from .server_config import ServerConfig
from .server_state import ServerState
from .sweep import Sweep
from .websocket_process import ServedWebsocket


class ProcessState:
    """The state that the connections of one server process share.

    Attributes:
        loop: the event loop.
        memory: the bound for what all connections hold.
        context: the context variables as the server was started with, and those that start-up functions set; each
            handler gets a copy.
        table: the routes and settings of the application.
        sweep: the timer for the deadlines of all connections.
        connections: all connections of the process, of HTTP and of websockets; the server shuts these down.
        requests: the tasks of all requests; the server waits for these when it stops.
        trusted: the proxies whose forwarded header fields are trusted.
        heads: encodes the heads of responses.
        hosts: the accepted hosts; None if all are.
        observers: the observers of the application, and the access logs.
        is_stopping: whether the server stops: the next request of a connection is its last one.
    """

    __slots__ = (
        "_files",
        "_stopping",
        "connections",
        "context",
        "heads",
        "hosts",
        "is_stopping",
        "loop",
        "memory",
        "observers",
        "requests",
        "sweep",
        "table",
        "trusted",
    )

    def __init__(self, config: ServerConfig, server_state: ServerState, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.context = copy_context()
        self.table: RouteTable = config.application.table
        self.context.run(apply_changes, self.table.startup_changes)
        self.connections = server_state.connections
        self.requests = server_state.requests
        settings = self.table.config.server
        self.trusted = TrustedProxies(settings.trusted_proxies, settings.proxy_headers)
        self.heads = ResponseHeads()
        self.hosts = allowed_hosts(settings, config.host)
        self.observers = Observers([*access_logs(settings), *self.table.observers])
        self.is_stopping = False
        # The number of websockets that were asked to stop.
        self._stopping = 0
        # How many files the process may open.
        self._files = raise_file_limit(settings.max_connections)
        limit = default_limit() if settings.max_memory == "auto" else settings.max_memory
        self.memory = MemoryBudget(limit, self.connection_cap, settings.memory_timeout, loop.time)
        self.sweep = Sweep(loop, self.connections, self._add_up)
        self.table.held_memory = self._held_memory

    def stop_after(self) -> float:
        """Return the seconds after which the next websocket drains when the server stops.

        Websockets drain in batches, so that their clients do not all reconnect at the same moment; all of them within a
        quarter of the time that handlers have to end.
        """
        batch = self._stopping // CLOSE_BATCH
        self._stopping += 1
        longest = self.table.config.server.shutdown_timeout / 4
        return batch * min(CLOSE_PAUSE, longest * CLOSE_BATCH / max(len(self.connections), 1))

    def opened(self, websocket: ServedWebsocket) -> None:
        """Notify observers that the application has accepted a websocket."""
        tell_opened(self.observers, websocket)

    def slow(self, websocket: ServedWebsocket, reason: str, cause: str) -> None:
        """Notify observers that a websocket is dropped because its peer does not read."""
        tell_slow(self.observers, websocket, reason, cause)

    def stalled(self, websocket: ServedWebsocket) -> None:
        """Notify observers that `send()` of a websocket waits, because its peer does not read."""
        tell_stalled(self.observers, websocket)

    def ended(self, websocket: ServedWebsocket) -> None:
        """Remove a websocket that has ended together with its handler."""
        self.connections.pop(websocket, None)
        self.memory.forget(websocket)
        tell_ended(self.observers, websocket, self.loop.time())

    def _add_up(self, now: float) -> None:
        self.memory.add_up(self.connections, now)

    def _held_memory(self) -> int:
        """Return the bytes that peers make the process hold, as they are now."""
        return sum(connection.held() for connection in self.connections)

    @property
    def connection_cap(self) -> int:
        """The number of connections that are served at once."""
        return connection_cap(self.table.config.server.max_connections, self._files)


_states: weakref.WeakKeyDictionary[ServerState, ProcessState] = weakref.WeakKeyDictionary()


def process_state(config: ServerConfig, server_state: ServerState, loop: asyncio.AbstractEventLoop) -> ProcessState:
    """Return the state that belongs to what a server shares with its connections."""
    state = _states.get(server_state)
    if state is None:
        state = _states[server_state] = ProcessState(config, server_state, loop)
    return state
