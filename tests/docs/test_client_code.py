"""The programs on the page about client code, with the clients that its commands write, and what they print."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from emmett import Channels
from emmett.centrifuge import Centrifuge
from emmett.schema.clients import render_centrifuge, render_python, render_typescript
from tests.docs.pages import page
from tests.docs.programs import programs_of
from tests.integration.client_code import run_mypy, run_tsc
from tests.integration.servers import run_emmett
from tests.tools import NODE_FOLDER, tool

PAGE = page("docs/client_code.md")
(PROGRAM,) = programs_of(PAGE)
TYPESCRIPT, ON_SDK = (block.text for block in PAGE.blocks if block.language == "ts")
(PRINTED,) = (block.text for block in PAGE.blocks if block.language == "text")
ADDRESS = "http://127.0.0.1:8000"
# Node.js has its own websocket only from version 22.
WITH_SOCKETS = 'import WebSocket from "{ws}";\nglobalThis.WebSocket ??= WebSocket;\nawait import("./use.js");\n'


async def output_of(folder: Path, *command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


@pytest.mark.needs("typescript")
async def test_the_program_in_typescript_prints_what_the_page_shows(tmp_path: Path) -> None:
    with PROGRAM.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            (tmp_path / "package.json").write_text('{"type": "module"}')
            (tmp_path / "api.ts").write_text(render_typescript(app.describe()), "utf-8")
            (tmp_path / "use.ts").write_text(TYPESCRIPT.replace(ADDRESS, f"http://127.0.0.1:{running.port}"))
            assert await asyncio.to_thread(run_tsc, tmp_path, "--outDir", ".", "api.ts", "use.ts") == ""
            sockets = json.dumps((NODE_FOLDER / "node_modules" / "ws" / "wrapper.mjs").as_uri())[1:-1]
            (tmp_path / "run.mjs").write_text(WITH_SOCKETS.format(ws=sockets))
            assert await output_of(tmp_path, tool("node"), "run.mjs") == PRINTED


@pytest.mark.needs("typescript", "centrifuge")
async def test_the_program_on_the_sdk_prints_what_the_page_shows(tmp_path: Path) -> None:
    with PROGRAM.loaded(tmp_path) as app:
        Centrifuge(app, Channels(app), calls=sys.modules[PROGRAM.module].calls)
        async with run_emmett(app) as running:
            (tmp_path / "package.json").write_text('{"type": "module"}')
            (tmp_path / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
            (tmp_path / "sdk.ts").write_text(render_centrifuge(app.describe()), "utf-8")
            (tmp_path / "use.ts").write_text(ON_SDK.replace("127.0.0.1:8000", f"127.0.0.1:{running.port}"))
            assert await asyncio.to_thread(run_tsc, tmp_path, "--outDir", ".", "sdk.ts", "use.ts") == ""
            (tmp_path / "run.mjs").write_text(WITH_SOCKETS.format(ws="ws"))
            printed = await output_of(tmp_path, tool("node"), "run.mjs")
    *lines, last = printed.splitlines()
    assert lines == PRINTED.splitlines()[:-1]
    assert last == "107 bad request: count Expected `int`, got `str`"


async def test_the_program_in_python_prints_what_the_page_shows(tmp_path: Path) -> None:
    with PROGRAM.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            (tmp_path / "api.py").write_text(render_python(app.describe()), "utf-8")
            program = PROGRAM.files["use.py"].replace(ADDRESS, f"http://127.0.0.1:{running.port}")
            (tmp_path / "use.py").write_text(program)
            assert "Success" in await asyncio.to_thread(run_mypy, tmp_path, "use.py")
            assert await output_of(tmp_path, sys.executable, "use.py") == PRINTED
