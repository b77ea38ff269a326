"""Scrapes: of one process and of several workers, on a path and on a port, with the application's own measurements."""

from __future__ import annotations

import asyncio
import textwrap
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families as parse

from emmett import App, Channels, Pipe, abort, websocket
from emmett.errors import ConfigurationError
from emmett.telemetry import Prometheus
from tests.cli.project import SOURCE
from tests.cli.running import run_emmett


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Return the samples by name and the values of their labels."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in parse(text)
        for sample in family.samples
    }


async def test_scrapes_can_use_a_path_of_the_application() -> None:
    app = App(__name__)

    class Login(Pipe):
        async def pipe(self, next, **kwargs):  # type: ignore[no-untyped-def]
            abort(401)

    registry = CollectorRegistry()
    orders = Counter("orders", "Orders.", registry=registry)
    Prometheus(app, "/metrics", registry=registry)

    @app.websocket("/echo")
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.route("/members")
    async def members() -> str:
        return ""

    async with app.test_client_async() as client:
        orders.inc(3)
        async with client.websocket("/echo") as peer:
            await peer.send("hello")
            await peer.receive()
            app.pipeline = [Login()]
            await client.get("/members")
            response = await client.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = samples(response.text)
    assert found["emmett_websocket_connections", "/echo", "open"] == 1
    assert found["emmett_websocket_messages_total", "received", "/echo"] == 1
    assert found["http_server_request_duration_seconds_count", "GET", "401", "/members"] == 1
    assert found["orders_total",] == 3


async def test_counters_of_rare_events_begin_at_zero() -> None:
    app = App(__name__)
    prometheus = Prometheus(app, "/metrics")
    Channels(app)

    @app.websocket("/live/<str:name>")
    async def live(name: str) -> None:
        await websocket.accept()
        await websocket.receive()

    @app.websocket("/quiet")
    async def quiet() -> None: ...

    async with app.test_client_async() as client, client.websocket("/live/ada") as peer:
        # Prometheus sees an increase only in a series that it has seen before.
        found = samples(await prometheus.text())
        for name in ("failures_total", "send_stalls_total", "queue_messages"):
            assert found[f"emmett_websocket_{name}", "/live/<str:name>"] == 0
        # This holds even before the first visit to a route.
        for route in ("/live/<str:name>", "/quiet"):
            assert found["emmett_websocket_refusals_total", "origin", route] == 0
            assert found["emmett_websocket_closes_total", "1006", route] == 0
        assert found["emmett_websocket_handshakes_total", "101", "/quiet"] == 0
        assert found["emmett_websocket_refusals_total", "no_route", ""] == 0
        assert found["emmett_slow_consumers_total", "send_timeout", "websocket"] == 0
        assert found["emmett_slow_consumers_total", "queue", "subscriber"] == 0
        assert found["emmett_channel_gaps_total", "reported"] == found["emmett_channel_gaps_total", "healed"] == 0
        assert found["emmett_channel_publications_total", "failed"] == found["emmett_channel_drops_total",] == 0
        assert found["emmett_broker_away",] == found["emmett_broker_losses_total",] == 0
        await peer.send("done")


async def test_concurrent_scrapes_share_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App(__name__)
    prometheus = Prometheus(app, "/metrics")
    began: list[int] = []
    write = prometheus._write

    async def counting() -> str:
        began.append(len(began) + 1)
        await asyncio.sleep(0)
        if len(began) == 1:
            raise OSError("on purpose")
        return f"{len(began)} {await write()}"

    monkeypatch.setattr(prometheus, "_write", counting)
    async with app.test_client_async():
        # The first scrape fails alone; the second runs for itself and the others, which arrived meanwhile.
        first, *others = await asyncio.gather(*(prometheus.text() for _ in range(10)), return_exceptions=True)
        assert isinstance(first, OSError)
        assert {str(text)[0] for text in others} == {"2"}
        assert began == [1, 2]
        # A later scrape gets newer numbers.
        assert (await prometheus.text())[0] == "3"
        running = asyncio.create_task(prometheus.text())
        await asyncio.sleep(0)
        assert began[-1] == 4
        assert (await prometheus.text())[0] == "5"
        assert (await running)[0] == "4"
    assert prometheus._latest == ""


async def test_scrapes_can_use_a_separate_port() -> None:
    app = App(__name__)
    prometheus = Prometheus(app, port=0)
    async with app.test_client_async() as client:
        assert (await client.get("/metrics")).status == 404
        assert prometheus.address is not None
        assert prometheus.address[0] == "127.0.0.1"
        assert samples(await prometheus.text())["http_server_request_duration_seconds_count", "GET", "404", ""] == 1
    assert prometheus.address is None


def test_a_path_or_a_port_is_required() -> None:
    with pytest.raises(ConfigurationError, match="give a path"):
        Prometheus(App(__name__))


WORKERS = """
    import os
    from emmett import App
    from emmett.telemetry import Prometheus

    app = App(__name__)
    Prometheus(app, "/metrics")

    @app.route("/process")
    async def process():
        return str(os.getpid())

    @app.route("/die")
    async def die():
        os.kill(os.getpid(), 9)
"""


def test_one_scrape_covers_all_workers_including_dead_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    (tmp_path / "app.py").write_text(textwrap.dedent(WORKERS), "utf-8")
    key = ("http_server_request_duration_seconds_count", "GET", "200", "/process")
    with run_emmett(tmp_path, "serve", "--port", "0", "--workers", "2") as running:
        port = int(running.wait_for(r"http://127\.0\.0\.1:(\d+)")[1])
        for _ in range(2):
            running.wait_for(r"Application startup complete\.")
        # Both workers accept connections, and the kernel chooses one.
        processes: set[str] = set()
        requests = 0
        while len(processes) < 2:
            processes.add(running.get(port, "/process")[1])
            requests += 1
        # A worker counts a request just after sending its response, so another worker may not see it yet.
        while (counted := samples(running.get(port, "/metrics")[1]).get(key, 0)) < requests:
            pass
        assert counted == requests
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/die")
        with pytest.raises((HTTPException, ConnectionError)):
            connection.getresponse()
        connection.close()
        running.wait_for(r"was killed by SIGKILL")
        running.wait_for(r"Application startup complete\.")
        for _ in range(4):
            assert samples(running.get(port, "/metrics")[1])[key] == requests
        assert running.interrupt() == 0
