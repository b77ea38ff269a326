"""`emmett develop` reports code that blocks the event loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.project import SOURCE
from tests.cli.running import run_emmett
from tests.cli.test_processes import APP, READY, port_of, write

BLOCKING = (
    APP
    + """
    @app.route("/blocked")
    async def blocked():
        import pathlib, time
        while not pathlib.Path("continue").exists():
            time.sleep(0.01)
        return "done"
"""
)


def test_a_handler_that_blocks_is_reported_while_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.delenv("EMMETT_APP", raising=False)
    write(tmp_path, BLOCKING)
    with run_emmett(tmp_path, "develop", "--port", "0") as running:
        port = port_of(running)
        running.wait_for(READY)
        with running.connect(port) as client:
            client.sendall(b"GET /blocked HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            running.wait_for("blocked the event loop for over 250 ms")
            (tmp_path / "continue").touch()
            received = b"".join(iter(lambda: client.recv(65_536), b""))
        assert received.endswith(b"done")
        running.wait_for(r"in blocked\b")
