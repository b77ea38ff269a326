"""The queries of the Grafana dashboard, evaluated by a real Prometheus against `emmett serve`."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import create_connection
from urllib.parse import quote

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tests.cli.project import SOURCE
from tests.cli.running import Running, request, run_emmett
from tests.ports import free_port
from tests.tools import tool

pytestmark = pytest.mark.needs("prometheus")

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana.json"
APP = """
    from emmett import App, Channels, abort, websocket
    from emmett.telemetry import Prometheus

    app = App(__name__)
    channels = Channels(app, "memory")
    Prometheus(app, "/metrics", bytes=True)

    @app.route("/publish")
    async def publish():
        await channels.publish("room", "hello")
        return "published"

    @app.websocket("/live")
    async def live():
        async with channels.subscribe("room") as feed:
            await websocket.send("subscribed")
            async for publication in feed:
                await websocket.send(publication.data)

    @app.websocket("/refused")
    async def refused():
        abort(403)

    @app.websocket("/broken")
    async def broken():
        await websocket.accept()
        raise LookupError("on purpose")
"""
SETTINGS = """
    global: {{ scrape_interval: 1s }}
    scrape_configs:
      - job_name: emmett
        static_configs: [{{ targets: ["127.0.0.1:{port}"] }}]
"""
# Seconds within which all queries must have data: the state of the broker is sampled every ten seconds.
DEADLINE = 45


@contextlib.contextmanager
def prometheus(folder: Path, target: int) -> Iterator[int]:
    """Run Prometheus, which scrapes a port; the value is its own port."""
    port = free_port()
    (folder / "prometheus.yml").write_text(textwrap.dedent(SETTINGS).format(port=target), "utf-8")
    with open(folder / "prometheus.log", "wb") as log:
        process = subprocess.Popen(
            [
                tool("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield port
    finally:
        process.kill()
        process.wait()


class Dashboard:
    """The queries of the dashboard.

    Arguments:
        app: the application.
        app_port: its port.
        port: that of Prometheus.
    """

    def __init__(self, app: Running, app_port: int, port: int) -> None:
        self._app = app
        self._app_port = app_port
        self._port = port
        found = json.loads(DASHBOARD.read_text("utf-8"))
        self.queries: list[str] = [target["expr"] for panel in found["panels"] for target in panel.get("targets", ())]

    def use(self) -> None:
        """Send a request, a publication and a message, without refusals."""
        with connect(f"ws://127.0.0.1:{self._app_port}/live") as peer:
            assert peer.recv() == "subscribed"
            assert self._app.get(self._app_port, "/publish") == (200, "published")
            assert peer.recv() == "hello"

    def ask(self, query: str) -> dict[str, float]:
        """Return the values of a query by the last of their labels, without those that are not a number."""
        query = quote(query.replace("$__rate_interval", "1m"), safe="")
        try:
            status, body = request(create_connection(("127.0.0.1", self._port)), f"/api/v1/query?query={query}")
        except OSError:
            return {}
        if status == 503:
            # Prometheus is still starting.
            return {}
        answer = json.loads(body)
        assert answer["status"] == "success", answer
        rows = ((list(row["metric"].values()), float(row["value"][1])) for row in answer["data"]["result"])
        return {labels[-1] if labels else "": value for labels, value in rows if not math.isnan(value)}

    def wait_until(self, holds: Callable[[], object], nudge: Callable[[], object] | None = None) -> None:
        """Wait for scrapes after which something holds."""
        end = time.monotonic() + DEADLINE
        while not holds():
            assert time.monotonic() < end, {query: self.ask(query) for query in self.queries}
            if nudge is not None:
                nudge()
            time.sleep(0.5)


def test_each_query_has_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    (tmp_path / "app.py").write_text(textwrap.dedent(APP), "utf-8")
    with run_emmett(tmp_path, "serve", "--port", "0") as running:
        port = int(running.wait_for(r"http://127\.0\.0\.1:(\d+)")[1])
        with prometheus(tmp_path, port) as own_port:
            dashboard = Dashboard(running, port, own_port)
            dashboard.wait_until(lambda: all(map(dashboard.ask, dashboard.queries)), dashboard.use)
            refusals, closes = (
                next(query for query in dashboard.queries if name in query)
                for name in ("emmett_websocket_refusals_total", "emmett_websocket_closes_total")
            )
            assert not any(dashboard.ask(refusals).values())
            assert dashboard.ask(closes)["1011"] == 0
            # The first event of its kind must be an increase.
            with pytest.raises(InvalidStatus):
                connect(f"ws://127.0.0.1:{port}/refused")
            with connect(f"ws://127.0.0.1:{port}/broken") as peer, pytest.raises(ConnectionClosedError):
                peer.recv()
            dashboard.wait_until(lambda: dashboard.ask(refusals)["application"] and dashboard.ask(closes)["1011"])
        assert running.interrupt() == 0
