"""`Prometheus`: the measurements of an application, in the format that Prometheus scrapes."""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..environment import RUN_DIR
from ..errors import ConfigurationError
from ..http.response import Response
from .exposition import CONTENT_TYPE, Exposition
from .gathering import Gatherer, Slices, join
from .host import MeasuredApplication, path_patterns
from .listener import ScrapeListener
from .measuring import Measuring
from .sampling import Sampler
from .store import MeasurementStore

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

# The folder of the measurements, inside the folder that the processes of a server share.
FOLDER = "metrics"
ROUTE_NAME = "emmett_metrics"

_Result = TypeVar("_Result")


class Prometheus:
    """Offers the measurements of an application to Prometheus. One scrape gets those of all its workers.

    Arguments:
        app: the application.
        path: a path of the application for the measurements; None without one.
        port: a separate port for them; None without one, 0 for any free one.
        host: the address to listen on, with a port.
        registry: a registry of prometheus_client with the application's measurements, added after those of emmett.
        bytes: whether to count the bytes of websockets, which costs a call for each read and write.

    Raises:
        ConfigurationError: neither a path nor a port is given.
    """

    def __init__(
        self,
        app: MeasuredApplication,
        path: str | None = None,
        *,
        port: int | None = None,
        host: str = "127.0.0.1",
        registry: CollectorRegistry | None = None,
        bytes: bool = False,
    ) -> None:
        if path is None and port is None:
            raise ConfigurationError('Prometheus(app): give a path, such as "/metrics", or a port, such as 9100')
        self._registry = registry
        self._store = MeasurementStore()
        self._gatherer = Gatherer(self._store, None)
        self._exposition = Exposition()
        # One scrape at a time: between slices of its work, others may run.
        self._lock = asyncio.Lock()
        # How many scrapes wait, the number of the last run that has begun and of that which has ended, and its text.
        self._asking = self._begun = self._ended = 0
        self._latest = ""
        self._measuring = Measuring(self._store, lambda: path_patterns(app), bytes)
        app.observers.add(self._measuring)
        app.on_startup(self._open)
        self._sampler = Sampler(app, self._measuring, after=self._prepare)
        self._listener = None if port is None else ScrapeListener(host, port, self.text)
        if self._listener is not None:
            app.on_startup(self._listener.start)
            app.on_shutdown(self._listener.stop)
        if path is not None:
            app.add_plain_route(path, ROUTE_NAME, self._respond)

    @property
    def address(self) -> tuple[str, int] | None:
        """The address of the separate port, once it is listening."""
        return None if self._listener is None else self._listener.address

    async def text(self) -> str:
        """Return the measurements of all workers as text. Those of other workers may be a moment old."""
        arrived = self._begun
        self._asking += 1
        try:
            async with self._lock:
                # All concurrent scrapes share the next run that begins after they arrived.
                if self._ended <= arrived:
                    self._begun += 1
                    self._latest = await self._write()
                    self._ended = self._begun
                return self._latest
        finally:
            self._asking -= 1
            if not self._asking:
                self._latest = ""

    async def _write(self) -> str:
        await self._sampler.sample()
        text = await _in_slices(self._exposition.write(await _in_slices(self._gatherer.gather())))
        if self._registry is not None:
            from prometheus_client import generate_latest

            text += generate_latest(self._registry).decode()
        return text

    async def _respond(self) -> Response:
        return Response(await self.text(), 200, {"cache-control": "no-store"}, CONTENT_TYPE)

    async def _prepare(self) -> None:
        """Do in advance what the first scrape would do, and each one after a change of the series."""
        # A scrape reports what is wrong with the folder.
        async with self._lock:
            with contextlib.suppress(OSError):
                await _in_slices(self._exposition.prepare(await _in_slices(self._gatherer.prepare())))

    def _open(self) -> None:
        """Open a store for the measurements that other workers can read, if there are any."""
        shared = os.environ.get(RUN_DIR)
        if shared is None:
            return
        folder = Path(shared) / FOLDER
        before = self._store
        self._store = self._measuring.sink = join(folder)
        self._gatherer = Gatherer(self._store, folder)
        before.close()


async def _in_slices(slices: Slices[_Result]) -> _Result:
    """Do work, and let others run after each slice of it."""
    try:
        while True:
            next(slices)
            await asyncio.sleep(0)
    except StopIteration as stop:
        result: _Result = stop.value
        return result
    finally:
        slices.close()
