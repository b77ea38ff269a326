"""The page about clients: how its programs handle a refusal."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import page
from tests.docs.programs import programs_of
from tests.docs.scripts import running_script
from tests.integration.servers import run_emmett

PAGE = page("docs/clients.md")


@pytest.mark.needs("centrifuge")
async def test_the_page_reacts_to_the_close_code_of_a_refusal(tmp_path: Path) -> None:
    (program,) = programs_of(PAGE)
    (block,) = (each for each in PAGE.blocks if each.language == "js")
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            url = f"ws://127.0.0.1:{running.port}/inbox"
            before = 'const location = { set href(target) { console.log("at", target); } };\n'
            for ticket, expected in (("wrong", "at /login"), ("e7c1b6", "hello")):
                opened = f'const socket = new WebSocket("{url}?ticket={ticket}");\n'
                rest = "socket.onmessage = ({ data }) => console.log(data);\n"
                text = before + opened + block.text + rest
                async with running_script(tmp_path, text, running.port, has_client=False) as script:
                    assert await script.line() == expected
