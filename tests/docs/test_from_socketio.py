"""The guide for users of Socket.IO: both sides of each example do the same, each with its own client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import socketio
from websockets.asyncio.client import connect

from emmett.errors import CallError
from emmett.testing import RefusedHandshake
from tests.docs.guides import loaded, our_program, serve_ours, serve_theirs
from tests.docs.pages import page
from tests.tools import NODE_FOLDER, tool

GUIDE = "docs/from_socketio.md"
# How the JavaScript SDK of Centrifuge finds a websocket in versions of Node.js without one.
WITH_SOCKETS = 'import WebSocket from {ws};\nglobalThis.WebSocket ??= WebSocket;\nawait import("./use.mjs");\n'


class Visitor:
    """A client of Socket.IO and the events that it got."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.client.on("*", self._on_event)

    async def _on_event(self, name: str, data: Any) -> None:
        self.events.put_nowait((name, data))


@contextlib.asynccontextmanager
async def visit(address: str, auth: object = None) -> AsyncIterator[Visitor]:
    """Connect to a server of Socket.IO."""
    visitor = Visitor()
    await visitor.client.connect(f"http://{address}", auth=auth, transports=["websocket"])
    try:
        yield visitor
    finally:
        await visitor.client.disconnect()


@contextlib.asynccontextmanager
async def serve_socketio(heading: str, folder: Path) -> AsyncIterator[str]:
    """Serve the program in Socket.IO below a heading. Its server leaves tasks running, which are ended here."""
    before = asyncio.all_tasks()
    async with serve_theirs(GUIDE, heading, folder) as address:
        yield address
    left = asyncio.all_tasks() - before
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


async def test_events_and_acknowledgements_work_in_socketio(tmp_path: Path) -> None:
    async with serve_socketio("Events and acknowledgements", tmp_path) as address, visit(address) as ada:
        assert await ada.client.call("add", {"a": 1, "b": 2}) == 3
        await ada.client.emit("say", {"text": "hello"})
        assert await ada.events.get() == ("said", {"text": "HELLO"})


async def test_events_and_acknowledgements_work_in_emmett(tmp_path: Path) -> None:
    with our_program(GUIDE, "Events and acknowledgements").loaded(tmp_path) as app:
        async with app.test_client_async() as client, client.calls("/api") as ada:
            assert await ada.add(1, 2) == 3
            await ada.notify("say", text="hello")
            assert await ada.event() == ("said", {"text": "HELLO"})
            with pytest.raises(CallError, match="Invalid params"):
                await ada.add(1, "2")


async def test_rooms_work_in_socketio(tmp_path: Path) -> None:
    async with (
        serve_socketio("Rooms", tmp_path) as address,
        visit(address) as ada,
        visit(address) as bob,
        visit(address) as other,
    ):
        for visitor, room in ((ada, "tea"), (bob, "tea"), (other, "other")):
            await visitor.client.call("enter", room)
        for room in ("tea", "other"):
            await bob.client.call("post", {"room": room, "text": "hello"})
        for visitor, room in ((ada, "tea"), (bob, "tea"), (other, "other")):
            assert await visitor.events.get() == ("posted", {"room": room, "text": "hello"})


async def test_rooms_work_in_emmett(tmp_path: Path) -> None:
    with our_program(GUIDE, "Rooms").loaded(tmp_path) as app:
        async with (
            app.test_client_async() as client,
            client.calls("/api") as ada,
            client.calls("/api") as bob,
            client.calls("/api") as other,
        ):
            for visitor, room in ((ada, "tea"), (bob, "tea"), (other, "other")):
                await visitor.enter(room)
            for room in ("tea", "other"):
                await bob.post(room=room, text="hello")
            for visitor, room in ((ada, "tea"), (bob, "tea"), (other, "other")):
                assert await visitor.event() == ("posted", {"room": room, "text": "hello"})


async def test_socketio_refuses_clients_as_documented(tmp_path: Path) -> None:
    async with serve_socketio("Who may connect", tmp_path) as address:
        async with visit(address, {"token": "e7c1b6"}) as ada:
            assert await ada.client.call("me") == "ada"
        with pytest.raises(socketio.exceptions.ConnectionError, match="failed to connect"):
            async with visit(address, {"token": "guessed"}):
                pass


async def test_emmett_refuses_clients_as_documented(tmp_path: Path) -> None:
    with our_program(GUIDE, "Who may connect").loaded(tmp_path) as app:
        async with app.test_client_async() as client:
            async with client.calls("/api?token=e7c1b6") as ada:
                assert await ada.me() == "ada"
            with pytest.raises(RefusedHandshake) as refused:
                async with client.calls("/api?token=guessed"):
                    pass
            assert (refused.value.status, refused.value.body) == (401, b"who are you?")


async def test_socketio_can_call_the_client(tmp_path: Path) -> None:
    async with serve_socketio("The server asks the client", tmp_path) as address, visit(address) as ada:
        for sure, answer in ((True, "ordered"), (False, "dropped")):
            ada.client.on("confirm", lambda data, sure=sure: sure)
            assert await ada.client.call("order", "tea") == answer


async def test_emmett_can_call_the_client(tmp_path: Path) -> None:
    with our_program(GUIDE, "The server asks the client").loaded(tmp_path) as app:
        async with app.test_client_async() as client, client.calls("/api") as ada:
            for sure, answer in ((True, "ordered"), (False, "dropped")):
                ada.answers("confirm", lambda text, sure=sure: sure)
                assert await ada.order("tea") == answer


async def test_background_work_runs_in_socketio(tmp_path: Path) -> None:
    heading = "Work in background"
    async with serve_socketio(heading, tmp_path) as address, visit(address) as ada:
        first, second = await ada.events.get(), await ada.events.get()
        assert second == ("tick", first[1] + 1)


async def test_background_work_runs_in_emmett(tmp_path: Path) -> None:
    with our_program(GUIDE, "Work in background").loaded(tmp_path) as app:
        async with app.test_client_async() as client, client.websocket("/ticks") as ada:
            first, second = int(await ada.receive()), int(await ada.receive())
            assert second == first + 1


@pytest.mark.needs("centrifuge")
async def test_a_reconnecting_client_gets_missed_messages(tmp_path: Path) -> None:
    heading = "Coming back, and missing nothing"
    ours = [block.text for block in page(GUIDE).blocks if block.heading == heading]
    program, printed = (next(text for text in ours if text.startswith(begin)) for begin in ("// emmett", "subscribed"))
    modules = NODE_FOLDER / "node_modules"
    async with serve_ours(GUIDE, heading, tmp_path) as address:
        imported = json.dumps((modules / "centrifuge" / "build" / "index.js").as_uri())
        program = program.replace('"centrifuge"', imported).replace("127.0.0.1:8000", address)
        (tmp_path / "use.mjs").write_text(program)
        ws = json.dumps((modules / "ws" / "wrapper.mjs").as_uri())
        (tmp_path / "run.mjs").write_text(WITH_SOCKETS.format(ws=ws))
        process = await asyncio.create_subprocess_exec(
            *(tool("centrifuge"), "run.mjs"), cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=sys.stderr
        )
        assert process.stdout is not None
        # The client stays connected, so it is stopped when it has printed what the guide shows.
        lines = [(await process.stdout.readline()).decode() for _ in printed.splitlines()]
        process.kill()
        await process.wait()
    assert "".join(lines) == printed


def test_the_test_of_the_guide_passes(tmp_path: Path) -> None:
    with loaded(our_program(GUIDE, "Tests").files, "test_app", tmp_path) as module:
        module.test_add()


async def test_an_unknown_name_is_reported_as_documented(tmp_path: Path) -> None:
    async with serve_socketio("Events and acknowledgements", tmp_path) as address, visit(address) as ada:
        with pytest.raises(socketio.exceptions.TimeoutError):
            await ada.client.call("nothing", timeout=0.2)
    async with (
        serve_ours(GUIDE, "Events and acknowledgements", tmp_path) as address,
        connect(f"ws://{address}/api") as client,
    ):
        await client.send('{"jsonrpc": "2.0", "id": 1, "method": "nothing"}')
        assert json.loads(await client.recv())["error"]["code"] == -32601
