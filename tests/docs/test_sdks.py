"""Those quick starts of the page about SDKs whose toolchains are installed, with the first program of the page."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from emmett import App, Channels
from emmett.centrifuge import Centrifuge
from tests.docs.pages import page
from tests.docs.programs import Program, programs_of
from tests.docs.scripts import running_script
from tests.integration.servers import run_emmett
from tests.tools import NODE_FOLDER, tool

PAGE = page("docs/sdks.md")
PROGRAM = programs_of(PAGE)[0]
ADDRESS = "127.0.0.1:8000"
WITH_SOCKETS = 'import WebSocket from {ws};\nglobalThis.WebSocket ??= WebSocket;\nawait import("./use.mjs");\n'


def block(language: str) -> str:
    """Return the first block in a language."""
    return next(each.text for each in PAGE.blocks if each.language == language)


async def first_line(folder: Path, *command: str) -> str:
    """Start a long-running program, and return its first line."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        return (await process.stdout.readline()).decode()
    finally:
        process.kill()
        await process.communicate()


async def test_the_quick_start_in_python_works(tmp_path: Path) -> None:
    with PROGRAM.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            (tmp_path / "use.py").write_text(block("py").replace(ADDRESS, f"127.0.0.1:{running.port}"))
            assert await first_line(tmp_path, sys.executable, "-u", "use.py") == "{'text': 'Hello'}\n"


@pytest.mark.needs("centrifuge")
async def test_the_quick_start_in_javascript_works(tmp_path: Path) -> None:
    with PROGRAM.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            (tmp_path / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
            (tmp_path / "use.mjs").write_text(block("js").replace(ADDRESS, f"127.0.0.1:{running.port}"))
            (tmp_path / "run.mjs").write_text(WITH_SOCKETS.format(ws=json.dumps("ws")))
            assert await first_line(tmp_path, tool("centrifuge"), "run.mjs") == "{ text: 'Hello' }\n"


def script_of(heading: str, number: int = 0) -> str:
    """Return a block of JavaScript under a heading."""
    return [each.text for each in PAGE.blocks if each.language == "js" and each.heading == heading][number]


def program_of(heading: str) -> Program:
    """Return the first program under a heading."""
    return next(each for each in programs_of(PAGE) if each.blocks[0].heading == heading)


@pytest.mark.needs("centrifuge")
async def test_a_filter_of_tags_works(tmp_path: Path) -> None:
    app = App(__name__)
    channels = Channels(app)
    channels.namespace("price", may_subscribe=lambda channel: True)
    centrifuge = Centrifuge(app, channels)
    rest = 'prices.on("publication", show);\nprices.subscribe();\nawait prices.ready();\nconsole.log("ready");\n'
    text = script_of("Filters of tags") + rest
    async with run_emmett(app) as running, running_script(tmp_path, text, running.port) as script:
        assert await script.line() == "ready"
        for number, (ticker, volume) in enumerate([("BTC", "100"), ("ETH", "101"), ("BTC", "101"), ("BTC", "9")]):
            tags = {"ticker": ticker, "volume": volume}
            await centrifuge.server.publish("price:all", {"number": number}, tags=tags)
        await centrifuge.server.publish("price:all", "end", tags={"ticker": "BTC", "volume": "1000"})
        assert await script.lines(2) == ['{"number":2}', '"end"']


@pytest.mark.needs("centrifuge")
async def test_deltas_work(tmp_path: Path) -> None:
    rest = 'board.on("publication", show);\nboard.subscribe();\nawait board.ready();\nconsole.log("ready");\n'
    rest += 'board.on("publication", () => console.log(board.deltaStats().numDeltaPayloads));\n'
    program, text = program_of("Differences"), script_of("Differences") + rest
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running, running_script(tmp_path, text, running.port) as script:
            assert await script.line() == "ready"
            channels = sys.modules[program.module].channels
            cells = [0] * 50
            for number in range(3):
                cells[number] = 1
                await channels.publish("board:1", cells)
                assert json.loads(await script.line()) == cells
                # The first publication comes whole.
                assert await script.line() == str(number)


@pytest.mark.needs("centrifuge")
async def test_calls_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with program_of("Calls").loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            # The server answers the next call only after the event has run.
            rest = 'console.log(data);\nawait centrifuge.rpc("add", { a: 1 });\nconsole.log("sent");\n'
            async with running_script(tmp_path, script_of("Calls") + rest, running.port) as script:
                assert await script.lines(2) == ["3", "sent"]
                assert "somebody types in tea" in capsys.readouterr().out
            rest = 'story.on("unsubscribed", () => console.log("the end"));\n'
            async with running_script(tmp_path, script_of("Calls", 1) + rest, running.port) as script:
                assert await script.lines(5) == ["Once", "there", "was", "a cat", "the end"]


@pytest.mark.needs("centrifuge")
@pytest.mark.parametrize("number", range(3))
async def test_fallbacks_work(tmp_path: Path, number: int) -> None:
    """Blocked endpoints are skipped: the first ones do not exist."""
    kinds = ["websocket", "http_stream", "sse"]
    app = App(__name__)
    Centrifuge(app, Channels(app), fallbacks="/connection")
    rest = 'centrifuge.on("connected", ({ transport }) => console.log(transport));\ncentrifuge.connect();\n'
    async with run_emmett(app) as running:
        address = f"127.0.0.1:{running.port}"
        text = script_of("Fallbacks").replace("wss://example.com", f"ws://{address}")
        text = text.replace("https://example.com", f"http://{address}")
        for blocked in kinds[:number]:
            text = text.replace(f"/connection/{blocked}", "/nowhere")
        async with running_script(tmp_path, text + rest, running.port, has_client=False) as script:
            assert await script.line() == kinds[number]


def test_every_block_of_javascript_is_run() -> None:
    headings = [each.heading for each in PAGE.blocks if each.language == "js"]
    assert headings == ["SDKs", "Filters of tags", "Differences", "Calls", "Calls", "Fallbacks"]


def test_every_quick_start_does_the_same() -> None:
    for language in ("js", "py", "go", "swift", "kotlin", "dart", "csharp"):
        text = block(language)
        assert "127.0.0.1:8000/connection/websocket" in text, language
        assert "room:tea" in text, language
        assert "Hello" in text, language
