"""Probes: whether a process lives, and whether it can serve."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from emmett import App, Channels, Pipe, abort
from emmett.errors import BrokerUnavailable, ConfigurationError
from emmett.health import HealthChecks


class Login(Pipe):
    async def pipe(self, next: Any, **kwargs: Any) -> Any:
        abort(401)


async def test_probes_are_off_by_default() -> None:
    async with App(__name__).test_client_async() as client:
        assert (await client.get("/healthz")).status == (await client.get("/readyz")).status == 404


async def test_a_serving_process_is_live_and_ready() -> None:
    app = App(__name__)
    HealthChecks(app)
    Channels(app, "memory")
    app.pipeline = [Login()]
    async with app.test_client_async() as client:
        live, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (live.status, live.json()) == (200, {"status": "live"})
    assert (ready.status, ready.json()) == (200, {"status": "ready"})
    assert ready.headers["cache-control"] == "no-store"


async def test_a_draining_process_is_live_but_not_ready() -> None:
    app = App(__name__)
    HealthChecks(app, ready="/ready", live=None)
    async with app.test_client_async() as client:
        app.table.is_draining = True
        response = await client.get("/ready")
        assert (response.status, response.json()) == (503, {"status": "draining"})
        assert (await client.get("/healthz")).status == 404


async def test_a_process_whose_broker_refuses_writes_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(__name__)
    health = HealthChecks(app)
    channels = Channels(app, "memory")
    async with app.test_client_async() as client:

        async def refuse(*_: object, **__: object) -> None:
            raise BrokerUnavailable("read-only replica")

        monkeypatch.setattr(channels.running().broker, "publish", refuse)
        monkeypatch.setattr(channels.running().broker, "check", refuse)
        response = await client.get("/readyz")
        assert (response.status, response.json()) == (503, {"status": "unavailable", "failed": ["channels"]})
        assert "replica" not in response.text
        monkeypatch.undo()
        health._ended_at -= 1.0
        assert (await client.get("/readyz")).status == 200


async def test_failed_checks_of_the_application_are_named(caplog: pytest.LogCaptureFixture) -> None:
    app = App(__name__)
    health = HealthChecks(app, timeout=0.01)
    calls = 0

    @health.check
    async def database() -> None:
        nonlocal calls
        calls += 1

    @health.check
    def disk() -> bool:
        return False

    @health.check
    async def cache() -> None:
        raise OSError("no route")

    @health.check
    async def search() -> None:
        await asyncio.get_running_loop().create_future()

    async with app.test_client_async() as client:
        responses = await asyncio.gather(client.get("/readyz"), client.get("/readyz"))
        await client.get("/readyz")
    assert [each.json()["failed"] for each in responses] == [["disk", "cache", "search"]] * 2
    # Concurrent probes, and those shortly after one another, share a run.
    assert calls == 1
    assert "health check 'disk' failed: it returned False" in caplog.text
    assert "health check 'cache' failed: OSError('no route')" in caplog.text
    with pytest.raises(ConfigurationError, match="'disk': the name is taken"):
        health.check(disk)
