"""Examples of the documents that take more than one client, a cookie, or a browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import async_playwright, expect
from websockets.asyncio.client import ClientConnection, connect

from tests.docs.pages import page
from tests.docs.programs import Program, programs_of
from tests.integration.servers import run_emmett
from tests.tools import tool


def example(name: str, text: str) -> Program:
    """Return the only program of a page that contains this text."""
    (found,) = (program for program in programs_of(page(name)) if text in program.blocks[0].text)
    return found


async def hear(client: ClientConnection, *expected: str) -> None:
    for text in expected:
        assert await client.recv() == text


@pytest.mark.parametrize(
    ("name", "function", "path"),
    [
        ("docs/quickstart.md", "async def room(name):", "/rooms/tea"),
        ("docs/websockets.md", "async def room():", "/room"),
    ],
)
async def test_everyone_in_the_room_gets_every_message(name: str, function: str, path: str, tmp_path: Path) -> None:
    with example(name, function).loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            url = f"{running.url}{path}"
            async with connect(url) as ada, connect(url) as bob:
                await ada.send("I am Ada")
                await hear(ada, "I am Ada")
                await hear(bob, "I am Ada")
                await bob.send("I am Bob")
                await hear(bob, "I am Bob")
                await hear(ada, "I am Bob")
                async with connect(url) as guest:
                    await guest.send("Hello, both")
                    await hear(guest, "Hello, both")
                    await hear(ada, "Hello, both")
                    await hear(bob, "Hello, both")
                await ada.send("The guest has gone")
                await hear(bob, "The guest has gone")


async def test_a_cookie_opens_the_inbox(tmp_path: Path) -> None:
    with example("docs/websockets.md", "@requires(known)").loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            fields = {"Cookie": "token=e7c1b6"}
            async with connect(f"{running.url}/inbox", additional_headers=fields) as client:
                await hear(client, "Hello, ada")


async def test_a_handshake_may_have_a_subprotocol_and_a_response_field(tmp_path: Path) -> None:
    with example("docs/websockets.md", '"chat.v2"').loaded(tmp_path) as app:
        async with run_emmett(app) as running:
            url = f"{running.url}/chat"
            async with connect(url, subprotocols=["chat.v1", "chat.v2"]) as client:  # type: ignore[list-item]
                assert client.subprotocol == "chat.v2"
                assert client.response is not None
                assert client.response.headers["X-Server"] == "emmett"
                await hear(client, "version 2")


@pytest.mark.needs("chromium")
async def test_the_page_of_the_quickstart_works_in_a_browser(tmp_path: Path) -> None:
    program = example("docs/quickstart.md", "<!doctype html>")
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running, async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=tool("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            tab = await browser.new_page()
            await tab.goto(f"http://127.0.0.1:{running.port}/")
            await tab.get_by_label("Message").fill("<b>Hello</b>")
            await tab.keyboard.press("Enter")
            await expect(tab.get_by_role("listitem")).to_have_text(["You said: <b>Hello</b>"])
            await expect(tab.get_by_label("Message")).to_have_value("")
            await browser.close()
