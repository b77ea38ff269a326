"""The guide for users of Emmett 2; `test_examples.py` plays its transcripts, `test_pages.py` checks its links."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from tests.docs.pages import page
from tests.docs.programs import programs_of
from tests.integration.servers import run_emmett

GUIDE = "docs/from_emmett.md"


def test_each_program_has_a_transcript() -> None:
    programs = programs_of(page(GUIDE))
    assert len(programs) == 3
    assert all(program.transcripts for program in programs)


async def test_a_module_with_pipes_and_a_session_works(tmp_path: Path) -> None:
    (program,) = (each for each in programs_of(page(GUIDE)) if "class Reject" in each.files["app.py"])
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            await visit(f"127.0.0.1:{running.port}")


async def visit(address: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{address}", verify=False) as client:
        visits = [(await client.get("/tea?color=green")).json()["visits"] for _ in range(3)]
        assert visits == [1, 2, 3]
    # A hook of the module's pipe strips incoming messages.
    async with connect(f"ws://{address}/rooms/tea?name=Ada") as peer:
        assert await peer.recv() == "Ada is in tea"
        await peer.send("  Hello ")
        assert await peer.recv() == "Ada: Hello"
    # See "Who may connect": pages of other sites get 403.
    with pytest.raises(InvalidStatus, match="403"):
        await connect(f"ws://{address}/rooms/tea?name=Ada", origin=Origin("https://elsewhere.example"))
