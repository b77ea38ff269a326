"""The quick starts of the page about SDKs, those whose toolchains are here, with the first program of the page."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.docs.pages import page
from tests.docs.programs import programs_of
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
    """Start a program that goes on, and return its first line."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        return (await process.stdout.readline()).decode()
    finally:
        process.kill()
        await process.communicate()


async def test_python(tmp_path: Path) -> None:
    with PROGRAM.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            (tmp_path / "use.py").write_text(block("py").replace(ADDRESS, f"127.0.0.1:{running.port}"))
            assert await first_line(tmp_path, sys.executable, "-u", "use.py") == "{'text': 'Hello'}\n"


@pytest.mark.needs("centrifuge")
async def test_javascript(tmp_path: Path) -> None:
    with PROGRAM.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            (tmp_path / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
            (tmp_path / "use.mjs").write_text(block("js").replace(ADDRESS, f"127.0.0.1:{running.port}"))
            (tmp_path / "run.mjs").write_text(WITH_SOCKETS.format(ws=json.dumps("ws")))
            assert await first_line(tmp_path, tool("centrifuge"), "run.mjs") == "{ text: 'Hello' }\n"


def test_every_quick_start_does_the_same() -> None:
    for language in ("js", "py", "go", "swift", "kotlin", "dart", "csharp"):
        text = block(language)
        assert "127.0.0.1:8000/connection/websocket" in text, language
        assert "room:tea" in text, language
        assert "Hello" in text, language
