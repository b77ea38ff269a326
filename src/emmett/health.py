"""`HealthChecks`: whether a process lives, and whether it can serve, for Kubernetes, load balancers and monitors."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from .errors import ConfigurationError
from .http.response import Response
from .rare_log import RareLog

logger = logging.getLogger("emmett.health")

Check = Callable[[], Any]
CheckFunction = TypeVar("CheckFunction", bound=Check)

# Seconds within which all checks must succeed. In Kubernetes, set `timeoutSeconds` above this: its default is 1.
TIMEOUT = 5.0
# Seconds for which a result is used again, so that many probes do not burden the broker.
KEPT = 1.0


class CheckedApplication(Protocol):
    """The application whose health is checked: an `App`."""

    @property
    def is_draining(self) -> bool:
        """Whether the server stops."""

    @property
    def wired(self) -> Sequence[Any]:
        """Objects attached to the application, of which channels are checked."""

    def add_plain_route(self, path: str, name: str, function: Callable[..., Any]) -> Any:
        """Register a function for GET requests that no pipe of the application concerns."""


class HealthChecks:
    """Answers probes.

    The first path answers 200 as long as the event loop runs. The second one answers 200 if the process can serve: 503
    while it drains, while the broker of the channels cannot be written, and while a check of the application fails.

    Arguments:
        app: the application.
        live: the first path; None for none.
        ready: the second path; None for none.
        timeout: seconds within which all checks must succeed.
    """

    def __init__(
        self,
        app: CheckedApplication,
        live: str | None = "/healthz",
        ready: str | None = "/readyz",
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        self._app = app
        self._timeout = timeout
        self._checks: dict[str, Check] = {}
        self._log = RareLog(logger)
        # The checks under way, or their last result.
        self._run: asyncio.Task[dict[str, bool]] | None = None
        self._ended_at = 0.0
        if live is not None:
            app.add_plain_route(live, "emmett_live", self._live)
        if ready is not None:
            app.add_plain_route(ready, "emmett_ready", self._ready)

    def check(self, function: CheckFunction) -> CheckFunction:
        """Register a check of the application: a function, plain or async, that raises or returns False if it fails.

        Raises:
            ConfigurationError: there is a check of this name.
        """
        name = function.__name__
        if name in self._checks:
            raise ConfigurationError(f"health check {name!r}: the name is taken, choose another one")
        self._checks[name] = function
        return function

    async def results(self) -> dict[str, bool]:
        """Run all checks and return which succeed. Concurrent calls share a run; a result is used for a second."""
        loop = asyncio.get_running_loop()
        run = self._run
        if run is None or run.get_loop() is not loop or (run.done() and loop.time() - self._ended_at >= KEPT):
            run = self._run = loop.create_task(self._run_all())
        # The client of one probe may leave.
        return await asyncio.shield(run)

    async def _run_all(self) -> dict[str, bool]:
        checks = dict(self._checks)
        for number, each in enumerate(self._channels()):
            checks[f"channels {number + 1}" if number else "channels"] = _broker_check(each)
        found = await asyncio.gather(*(self._run_one(name, check) for name, check in checks.items()))
        self._ended_at = asyncio.get_running_loop().time()
        return dict(zip(checks, found, strict=True))

    async def _run_one(self, name: str, check: Check) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                result = check()
                if inspect.isawaitable(result):
                    result = await result
        except Exception as error:
            self._log.warn("health check %r failed: %r", name, error)
            return False
        if result is False:
            self._log.warn("health check %r failed: it returned False", name)
        return result is not False

    def _channels(self) -> list[Any]:
        return [each for each in self._app.wired if hasattr(each, "publish") and hasattr(each, "check")]

    async def _live(self) -> Response:
        return _answer(200, {"status": "live"})

    async def _ready(self) -> Response:
        if self._app.is_draining:
            return _answer(503, {"status": "draining"})
        results = await self.results()
        if all(results.values()):
            return _answer(200, {"status": "ready"})
        # Probes are often public: what exactly failed is in the log.
        failed = [name for name, passed in results.items() if not passed]
        return _answer(503, {"status": "unavailable", "failed": failed})


def _broker_check(channels: Any) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        health = await channels.check()
        # Channels that recover missed publications work.
        return health.round_trip is not None

    return check


def _answer(status: int, content: dict[str, Any]) -> Response:
    return Response(json.dumps(content), status, {"cache-control": "no-store"}, "application/json")
