"""Start-up and shutdown as ASGI servers announce them."""

from __future__ import annotations

from typing import Any

import pytest

from emmett import App
from emmett.asgi.lifespan import serve_lifespan
from emmett.errors import BrokerRefused, ConfigurationError

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


class Lifespan:
    """A server that starts and stops an application, and records the events."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.happened: list[Any] = []
        self._events = [STARTUP, SHUTDOWN]

    async def run(self) -> list[Any]:
        await self.app({"type": "lifespan"}, self._receive, self._send)
        return self.happened

    async def _receive(self) -> Any:
        event = self._events.pop(0)
        self.happened.append(event["type"])
        return event

    async def _send(self, message: Any) -> None:
        self.happened.append(message["type"] + (f": {message['message']}" if "message" in message else ""))


def make_app(happened: list[Any], fails: str = "") -> App:
    """An application with two functions each for startup and shutdown; those with a given prefix fail."""
    app = App(__name__)

    def note(name: str) -> None:
        happened.append(name)
        if fails and name.startswith(fails):
            raise LookupError(name)

    @app.on_startup
    def one() -> None:
        note("start one")

    @app.on_startup
    async def two() -> None:
        note("start two")

    @app.on_shutdown
    def three() -> None:
        note("stop one")

    @app.on_shutdown
    async def four() -> None:
        note("stop two")

    return app


async def test_functions_run_in_order_at_startup_and_in_reverse_at_shutdown() -> None:
    lifespan = Lifespan(App(__name__))
    lifespan.app = make_app(lifespan.happened)
    assert await lifespan.run() == [
        "lifespan.startup",
        "start one",
        "start two",
        "lifespan.startup.complete",
        "lifespan.shutdown",
        "stop two",
        "stop one",
        "lifespan.shutdown.complete",
    ]


async def test_an_application_without_functions_starts_and_stops() -> None:
    assert await Lifespan(App(__name__)).run() == [
        "lifespan.startup",
        "lifespan.startup.complete",
        "lifespan.shutdown",
        "lifespan.shutdown.complete",
    ]


async def test_a_failed_startup_is_reported_and_no_more_functions_run(caplog: pytest.LogCaptureFixture) -> None:
    lifespan = Lifespan(App(__name__))
    lifespan.app = make_app(lifespan.happened, "start one")
    assert await lifespan.run() == [
        "lifespan.startup",
        "start one",
        "lifespan.startup.failed: LookupError: start one",
    ]
    assert caplog.records[0].getMessage() == "a function for startup failed"
    assert caplog.records[0].exc_info


async def test_a_failed_shutdown_is_reported_after_the_other_functions_ran(caplog: pytest.LogCaptureFixture) -> None:
    lifespan = Lifespan(App(__name__))
    lifespan.app = make_app(lifespan.happened, "stop")
    assert (await lifespan.run())[5:] == [
        "stop two",
        "stop one",
        "lifespan.shutdown.failed: LookupError: stop two",
    ]
    assert caplog.records[0].getMessage() == "a function for shutdown failed"


async def test_a_base_exception_is_raised_to_the_server() -> None:
    class Stop(BaseException):
        pass

    async def stop() -> None:
        raise Stop

    async def receive() -> Any:
        return STARTUP

    async def send(message: Any) -> None:
        raise AssertionError(message)

    with pytest.raises(Stop):
        await serve_lifespan(stop, stop, receive, send)


@pytest.mark.parametrize("error", [BrokerRefused("no permission"), ConfigurationError("no such option")])
async def test_errors_that_explain_themselves_have_no_traceback(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    app = App(__name__)

    @app.on_startup
    def fail() -> None:
        raise error

    assert await Lifespan(app).run() == [
        "lifespan.startup",
        f"lifespan.startup.failed: {type(error).__name__}: {error}",
    ]
    assert caplog.records == []
