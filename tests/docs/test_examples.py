"""Every example of the documents runs as it stands: the blocks of Python, and the transcripts below them."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.docs.pages import blocks, page
from tests.docs.programs import PREAMBLE, Program, programs, programs_of
from tests.docs.transcripts import play
from tests.integration.servers import run_emmett

# tests/integration/test_proxy_recipes.py runs these. That of Traefik on Docker, in YAML, is untested, and says so.
PROXY_LANGUAGES = {
    *("yaml", "nginx", "haproxy", "apache2", "caddy", "lighttpd", "nghttpx"),
    *("traefik", "h2o", "squid", "varnishd", "stunnel"),
}
# Blocks that the tests of their pages run or parse: `ts` on client code, `py` in the guides, `ini` and `dockerfile` on
# deployment, `toml` on installation. `js` is for pages in browsers.
OTHER_LANGUAGES = {"ts", "py", "ini", "dockerfile", "toml", "js", "mermaid"}
# Quick starts for SDKs whose packages the tests cannot install; docs/sdks.md says so.
SDK_LANGUAGES = {"go", "swift", "kotlin", "dart", "csharp"}
LANGUAGES = {"python", "jinja", "json", "console", "sh", "text"} | OTHER_LANGUAGES | SDK_LANGUAGES | PROXY_LANGUAGES
ECHO_PAGES = ("README.md", "docs/quickstart.md", "docs/websockets.md")

every_program = pytest.mark.parametrize(
    "program", [program for program in programs() if not program.is_only_tests], ids=str
)
every_transcript = pytest.mark.parametrize(
    ("program", "number"),
    [
        pytest.param(program, number, id=str(block))
        for program in programs()
        for number, block in enumerate(program.transcripts)
    ],
)


@every_program
def test_a_program_can_be_imported_and_registers_its_routes(program: Program, tmp_path: Path) -> None:
    with program.loaded(tmp_path) as app:
        shown = [registration for registration in app.registrations() if not registration.is_hidden]
        assert len(shown) == program.decorators


@every_transcript
@pytest.mark.loops("uvloop")
async def test_the_commands_of_a_transcript_give_the_documented_output(
    program: Program, number: int, tmp_path: Path
) -> None:
    with program.loaded(tmp_path) as app:
        async with run_emmett(app, log_level="critical") as running:
            await play(program.transcripts[number].text, running.port, tmp_path)


@pytest.mark.parametrize("name", ECHO_PAGES)
async def test_the_echo_answers_any_message(name: str, tmp_path: Path) -> None:
    """The first program of these pages, with a client that also sends messages that cannot be typed."""
    program = programs_of(page(name))[0]
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running, connect(f"{running.url}/echo") as client:
            for message in ("Hello", "", "é\N{SNOWMAN}\U0001f600", b"", b"\x00\xff", "x" * 100_000):
                await client.send(message)
                assert await client.recv() == message


def test_the_echo_has_ten_lines() -> None:
    assert len(programs_of(page("README.md"))[0].blocks[0].text.splitlines()) == 10


def test_the_preamble_is_documented() -> None:
    assert PREAMBLE in [block.text for block in page("docs/README.md").blocks]


def test_every_block_is_covered_by_a_test() -> None:
    found = {block.language: str(block) for block in blocks()}
    assert "python" in found
    assert set(found) <= LANGUAGES, f"languages that no test looks at: {found}"


async def test_a_wrong_transcript_is_detected(tmp_path: Path) -> None:
    program = programs_of(page("README.md"))[0]
    right = program.transcripts[0].text
    address = "ws://127.0.0.1:8000/echo"
    refused = f"$ websockets {address}\nFailed to connect to {address}: server rejected WebSocket connection: HTTP 403."
    wrong = [
        right.replace("< Hello", "< Hullo"),
        right.replace("< Hello", "< (binary) 00"),
        right.replace("/echo.", "/other."),
        right.replace("/echo", "/other"),
        refused,
        "$ curl http://127.0.0.1:8000/\nHello",
        "$ curl -i http://127.0.0.1:8000/\nHTTP/1.1 200 OK\n\nNot Found",
        "$ curl -i http://127.0.0.1:8000/\nHTTP/1.1 404 Not Found\ncontent-type: text/html\n\nNot Found",
        "$ emmett routes\nnothing",
        "$ other command",
        "no command",
    ]
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            await play(right, running.port, tmp_path)
            for text in wrong:
                with pytest.raises(AssertionError):
                    await play(text, running.port, tmp_path)
