"""The generated wrappers around npm centrifuge, on a real server."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from emmett.schema.clients import render_centrifuge
from tests.integration.client_code import run_tsc
from tests.integration.sdk_calls import app
from tests.integration.servers import run_emmett
from tests.tools import NODE_FOLDER, tool


@pytest.mark.needs("typescript", "centrifuge")
async def test_a_program_runs_on_node(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(NODE_FOLDER / "node_modules")
    (tmp_path / "sdk.ts").write_text(render_centrifuge(app.describe()), "utf-8")
    (tmp_path / "usage.ts").write_text((NODE_FOLDER / "sdk_usage.ts").read_text("utf-8"), "utf-8")
    assert await asyncio.to_thread(run_tsc, tmp_path, "--outDir", "built", "sdk.ts", "usage.ts") == ""
    (tmp_path / "built" / "package.json").write_text('{"type": "module"}')
    async with run_emmett(app) as running:
        process = await asyncio.create_subprocess_exec(
            *(tool("node"), str(NODE_FOLDER / "run_sdk.mjs")),
            *(str(tmp_path / "built" / "usage.js"), f"{running.url}/connection/websocket"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert output.decode() == "all is well\n"
