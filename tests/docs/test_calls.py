"""The page about calls: its messages are the real ones, its tests pass, its examples are as short as it says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from emmett.errors import CallError
from tests.docs.pages import page
from tests.docs.programs import programs_of

PAGE = page("docs/calls.md")


async def test_the_messages_on_the_page_are_the_real_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = [block for block in PAGE.blocks if block.language == "json"]
    assert len(blocks) == 6
    program = programs_of(PAGE)[0]
    with program.loaded(tmp_path) as app:
        async with app.test_client_async() as client, client.websocket("/api") as websocket:
            for line in (line for block in blocks for line in block.text.splitlines()):
                arrow, message = line[:4], line[4:]
                if arrow == "--> ":
                    await websocket.send(message)
                else:
                    assert json.loads(await websocket.receive()) == json.loads(message), line


def test_its_tests_pass(tmp_path: Path) -> None:
    for program in programs_of(PAGE):
        if "assistant.py" in program.files or "test_assistant.py" in program.files:
            program.save(tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert "1 passed" in run.stdout, run.stdout


def test_a_token_stream_takes_fifteen_lines() -> None:
    (story,) = (block for block in PAGE.blocks if block.file_name == "story.py")
    assert len(story.text.splitlines()) == 15


async def test_a_service_takes_thirty_lines(tmp_path: Path) -> None:
    (program,) = (program for program in programs_of(PAGE) if "stock.py" in program.files)
    # The first line is the file name.
    assert len(program.blocks[0].text.splitlines()) <= 31
    with program.loaded(tmp_path) as app:
        async with app.test_client_async() as client, client.calls("/api") as api:
            for _ in range(7):
                await api.report(delay=3600).start()
            # Seven waiting calls do not delay others.
            assert await api.buy(item="tea") == 2
            assert await api.buy("tea", 1) == 1
            # The eighth is the last call that may run, so another one waits until it ends.
            eighth = api.report(delay=0.01)
            await eighth.start()
            assert await api.report(delay=0) == {"tea": 1}
            assert eighth.reply is not None
        # A rate applies to each connection.
        async with app.test_client_async() as client, client.calls("/api") as api:
            faults = [{"path": ["count"], "message": "Expected `int`, got `str`"}]
            for order, code, data in (
                ({"item": "tea", "count": 3}, 409, {"missing": 2}),
                ({"item": "tea", "count": "2"}, -32602, faults),
            ):
                with pytest.raises(CallError) as raised:
                    await api.buy(**order)
                assert (raised.value.code, raised.value.data) == (code, data)
            with pytest.raises(CallError, match="may be called 5/m") as raised:
                for _ in range(4):
                    await api.buy(item="tea", count=0)
            assert isinstance(raised.value.data, dict)
            assert 0 < raised.value.data["retry_after"] <= 12
