"""Generated clients on a real server: their calls, and how they reconnect."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from playwright.sync_api import expect

from emmett.schema.clients import render_python, render_typescript
from tests.integration.client_code import DEADLINE, run_tsc
from tests.integration.example_pages import run_chromium
from tests.integration.served_module import served_module
from tests.integration.servers import run_emmett
from tests.schema.clients.sample import app
from tests.tools import NODE_FOLDER, tool


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the compiled program, its client, and the runtime alone."""
    folder = tmp_path_factory.mktemp("typescript")
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "api.ts").write_text(render_typescript(app.describe()), "utf-8")
    (folder / "client_usage.ts").write_text((NODE_FOLDER / "client_usage.ts").read_text("utf-8"), "utf-8")
    assert run_tsc(folder, "--outDir", "built", "api.ts", "client_usage.ts") == ""
    (folder / "built" / "package.json").write_text('{"type": "module"}')
    return folder / "built"


@pytest.mark.needs("typescript")
def test_the_connection_in_typescript_passes_its_tests(compiled: Path) -> None:
    command = [tool("node"), "--test", str(NODE_FOLDER / "client_runtime.test.mjs")]
    environment = {**os.environ, "CLIENT": str(compiled / "api.js"), "NODE_NO_WARNINGS": "1"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert result.returncode == 0, result.stdout
    passed = re.search(r"^# pass (\d+)$", result.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) >= 26


@pytest.mark.needs("typescript")
async def test_a_program_in_typescript_runs_on_node(compiled: Path) -> None:
    async with run_emmett(app) as running:
        process = await asyncio.create_subprocess_exec(
            *(tool("node"), str(NODE_FOLDER / "run_client.mjs")),
            *(str(compiled / "client_usage.js"), f"http://127.0.0.1:{running.port}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert output.decode() == "all is well\n"


@pytest.mark.needs("typescript", "chromium")
def test_a_program_runs_in_a_page(compiled: Path) -> None:
    """This is the same program, with the websocket of the browser."""
    program = (
        "import {run} from './client_usage.js';"
        "run(location.origin, {}).then(() => 'all is well', String).then((end) => document.title = end)"
    )
    # Not the fixture `browser`, because other tests could not use an event loop while it runs.
    with served_module("tests.schema.clients.sample") as base, run_chromium() as browser:
        page = browser.new_page()
        page.route("**/page/*.js", lambda route: route.fulfill(path=compiled / Path(route.request.url).name))
        page.goto(f"{base}/page/")
        page.add_script_tag(type="module", content=program)
        expect(page).to_have_title("all is well")
        page.close()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """Import the client in Python."""
    file = tmp_path_factory.mktemp("python") / "generated_api.py"
    file.write_text(render_python(app.describe()), "utf-8")
    spec = importlib.util.spec_from_file_location("generated_api", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generated_api"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["generated_api"]


async def test_calls_work_in_python(client: Any) -> None:
    async with run_emmett(app) as running, client.Api(f"http://127.0.0.1:{running.port}") as api:
        assert await api.add(1, 2) == 3
        assert await api.add(1) == 1
        events = api.events()
        first = asyncio.ensure_future(anext(events))
        handled: list[Any] = []
        api.on_left(handled.append)
        await asyncio.sleep(0)
        found = await api.say(client.Say(room="a", text="hi", colour="green"))
        at = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
        assert found == client.Said(number=1, room="a", text="hi", at=at, id=UUID(int=7))
        assert await first == found
        await api.leave(user="ada")
        assert await anext(events) == client.Left(user="ada")
        assert handled == [client.Left(user="ada")]
        point = client.Point(x=1, y=2)
        assert await api.grow(client.Circle(centre=point, radius=2), 1.5) == client.Circle(centre=point, radius=3)
        line = client.Line(start=point, end=point)
        assert await api.grow(line, 2) == client.Line(start=point, end=client.Point(x=2, y=4))
        assert await api.depth(client.Tree(name="root", children=[client.Tree(name="leaf", from_="root")])) == 2
        assert await api.pairs({"a": (1, "x")}, mode="keys") == [("a", 0)]
        assert await api.class_(b"abc", datetime.date(2026, 1, 2)) == {"2026-01-02": 3}
        assert await api.file_read("/tmp", connection="y") == "y:/tmp"
        with pytest.raises(client.CallFailed) as failed:
            await api.fail(17)
        assert (failed.value.code, failed.value.message, failed.value.data) == (17, "as you wish", {"wait": 5})
        with pytest.raises(client.CallFailed, match="-32602: Invalid params"):
            await api.add("1")
        await events.aclose()


async def test_streams_and_cancellation_work_in_python(client: Any) -> None:
    async with run_emmett(app) as running, client.Api(f"http://127.0.0.1:{running.port}") as api:
        assert [word async for word in api.answer("why?")] == ["You", "asked:", "why?"]
        assert [word async for word in api.answer("why?", words=1)] == ["You"]
        async for number in api.endless():
            if number == 3:
                break
        assert await api.was_cancelled()
        hanging = asyncio.create_task(api.hang())
        await api.add(1)
        hanging.cancel()
        assert await api.was_cancelled()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        api.connection.answer("confirm", lambda params: params["text"] == "Sure?")
        assert await api.confirmed()


async def test_a_python_client_reconnects(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "pause_after", lambda code, attempt: 0.0)
    async with run_emmett(app) as running, client.Api(f"http://127.0.0.1:{running.port}") as api:
        waiting = asyncio.create_task(api.hang())
        for call in (api.close_me(1012, "restart"), waiting):
            with pytest.raises(client.ConnectionLost, match="1012: restart"):
                await call
        assert await api.add(20, 3) == 23
        with pytest.raises(client.ConnectionLost, match="4401: ticket expired"):
            await api.close_me(4401, "ticket expired")
        assert api.connection.state == "closed"
        with contextlib.suppress(client.ConnectionLost):
            await api.add(1)
            pytest.fail("a closed client called")


async def test_path_variables_work_in_python(client: Any) -> None:
    async with (
        run_emmett(app) as running,
        client.Rooms(f"ws://127.0.0.1:{running.port}/", "a bü", number=7) as rooms,
    ):
        assert await rooms.where() == "a bü/7"
