"""daphne and gunicorn, which can be started only by their commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.cli.running import Running, run_module
from tests.ports import free_port

APP = """
from emmett import App, Channels, abort, websocket

app = App(__name__)
channels = Channels(app)
started = []


@app.on_startup
def start():
    started.append(True)


@app.route("/")
async def index():
    return {"started": bool(started)}


@app.websocket()
async def echo():
    async for message in websocket:
        await websocket.send(message)


@app.websocket()
async def members():
    abort(401)


@app.websocket()
async def leave():
    await websocket.accept()
    await websocket.close(4001, "enough")


@app.websocket()
async def publish():
    await websocket.accept()
    await channels.publish("news", "Hello")
    await websocket.send("published")
"""

GUNICORN = ("gunicorn", "--workers", "1", "--bind", "127.0.0.1:{port}")
COMMANDS = {
    "daphne": ("daphne", "--bind", "127.0.0.1", "--port", "{port}", "app:app"),
    "gunicorn": (*GUNICORN, "--worker-class", "uvicorn_worker.UvicornWorker", "app:app"),
}
# daphne has no lifespan and no denial responses.
COMPLETE = {"daphne": False, "gunicorn": True}


def command(*words: str) -> tuple[int, list[str]]:
    port = free_port()
    return port, [word.format(port=port) for word in words]


@pytest.fixture(scope="module", params=COMMANDS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, int, Running]]:
    """A running server: its name, its port and its process."""
    folder: Path = tmp_path_factory.mktemp(request.param)
    (folder / "app.py").write_text(APP)
    port, words = command(*COMMANDS[request.param])
    with run_module(folder, *words) as running:
        running.connect(port).close()
        yield request.param, port, running


def test_requests_and_startup_work(server: tuple[str, int, Running]) -> None:
    name, port, running = server
    status, body = running.get(port)
    assert (status, json.loads(body)) == (200, {"started": COMPLETE[name]})


def test_messages_and_close_codes_pass(server: tuple[str, int, Running]) -> None:
    name, port, _ = server
    with connect(f"ws://127.0.0.1:{port}/echo") as client:
        for message in ("Hello", b"\x00\xff", "x" * 100_000):
            client.send(message)
            assert client.recv() == message
    with connect(f"ws://127.0.0.1:{port}/leave") as client:
        with pytest.raises(ConnectionClosed):
            client.recv()
        # daphne 4.2.3 leaves out the reason.
        assert (client.close_code, client.close_reason) == (4001, "" if name == "daphne" else "enough")


def test_refused_handshakes_have_their_status(server: tuple[str, int, Running]) -> None:
    name, port, running = server
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{port}/members")
    assert refused.value.response.status_code == (401 if COMPLETE[name] else 403)
    assert "without completing handshake" not in running.text


def test_channels_need_lifespan(server: tuple[str, int, Running]) -> None:
    name, port, running = server
    with connect(f"ws://127.0.0.1:{port}/publish") as client:
        if COMPLETE[name]:
            assert client.recv() == "published"
        with pytest.raises(ConnectionClosed):
            client.recv()
        assert client.close_code == (1000 if COMPLETE[name] else 1011)
    if not COMPLETE[name]:
        running.wait_for("A server without ASGI lifespan, such as daphne, never starts them")


def test_gunicorn_without_a_worker_class_is_explained(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port, words = command(*GUNICORN, "app:app")
    with run_module(tmp_path, *words) as running:
        assert running.get(port)[0] == 500
        running.wait_for("gunicorn -k uvicorn_worker.UvicornWorker app:app")
