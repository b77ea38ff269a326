"""The notice board in Chromium, served by a separate process: two visitors, a picture, both kinds of feed."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, WebSocketRoute, expect

from tests.integration.example_pages import TOUCH_TARGET, ExampleServer, Visitors, stop_clock

pytestmark = pytest.mark.needs("chromium")

PASSWORDS = {"ada": "analytical engine", "grace": "nanosecond"}
WITHOUT_WEBSOCKETS = "delete window.WebSocket"
# Simulates a proxy that blocks websocket handshakes.
REFUSED_WEBSOCKETS = """
    window.WebSocket = class extends WebSocket {
        constructor(url) { super(`${url}`.replace("/live", "/refused")); }
    };
"""


class BoardServer(ExampleServer):
    """The board. All processes have the same key, so a login survives a restart."""

    def __init__(self, port: int = 0) -> None:
        super().__init__("board", port, {"EMMETT_BOARD_KEY": "only for this test"})


class BoardVisitors(Visitors):
    """The visitors of the board."""

    def log_in(self, server: ExampleServer, user: str, script: str = "", **options: Any) -> Page:
        """Log a visitor in through the form, and wait until the page is live."""
        page = self.visit(server, script, **options)
        page.get_by_label("Name").fill(user)
        page.get_by_label("Password").fill(PASSWORDS[user])
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("heading", name="Notice board")).to_be_visible()
        expect_live(page, "Live, by events" if script else "Live")
        return page


@pytest.fixture
def server() -> Iterator[ExampleServer]:
    board = BoardServer()
    yield board
    assert board.stop() == 0
    assert "Traceback" not in board.output


@pytest.fixture
def visitors(browser: Browser, server: ExampleServer) -> Iterator[BoardVisitors]:
    opened = BoardVisitors(browser)
    with contextlib.closing(opened):
        yield opened
        assert opened.problems == []


def expect_live(page: Page, state: str = "Live") -> None:
    expect(page.get_by_role("status")).to_have_text(state)


def write(page: Page, text: str, file: tuple[str, bytes] | None = None) -> None:
    page.get_by_label("Text").fill(text)
    if file is not None:
        upload = {"name": file[0], "mimeType": "application/octet-stream", "buffer": file[1]}
        page.get_by_label("Picture or file").set_input_files(upload)  # type: ignore[arg-type]
    page.get_by_role("button", name="Put it up").click()


def make_png(width: int = 320, height: int = 200) -> bytes:
    """Return a picture of a sunset."""
    rows = []
    for y in range(height):
        row = bytearray(b"\0")
        for x in range(width):
            is_sun = (x - width * 0.6) ** 2 + (y - height * 0.55) ** 2 < (height * 0.2) ** 2
            sky = (250 - y // 3, 120 + y // 2, 90 + y // 4) if y < height * 0.7 else (60 + y // 8, 50, 90)
            row += bytes((255, 230, 150) if is_sun and y < height * 0.7 else sky)
        rows.append(bytes(row))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows))),
    )
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*chunks, (b"IEND", b""))
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def take_picture(page: Page, name: str) -> None:
    """Save a screenshot of the page if a folder for it is set."""
    folder = os.environ.get("EMMETT_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"board_{name}.png", animations="disabled")


def test_a_picture_appears_on_the_page_of_the_other_visitor(server: ExampleServer, visitors: BoardVisitors) -> None:
    ada = visitors.log_in(server, "ada", color_scheme="dark")
    grace = visitors.log_in(server, "grace", color_scheme="light")
    expect(ada.locator("#people li")).to_have_text(["AAda", "GGrace"])
    ada.evaluate("window.wasLoadedOnce = true")

    write(grace, "The sunset of yesterday, from the roof", ("sunset.png", make_png()))
    picture = ada.get_by_role("img", name="sunset.png")
    expect(picture).to_be_visible()
    ada.wait_for_function("image => image.complete && image.naturalWidth === 320", arg=picture.element_handle())
    write(ada, "Tea at four, in the kitchen.\nThere is cake.")
    write(grace, "The minutes of Monday", ("minutes.txt", b"All is well.\n" * 400))
    for page in (ada, grace):
        expect(page.locator(".notice")).to_have_count(3)
        expect(page.locator(".notice .author")).to_have_text(["Grace", "Ada", "Grace"])
        expect(page.get_by_role("link", name="minutes.txt")).to_be_visible()
    assert ada.evaluate("window.wasLoadedOnce")
    expect(grace.get_by_label("Text")).to_have_value("")
    expect(grace.get_by_label("Picture or file")).to_have_value("")

    with ada.expect_download() as download:
        ada.get_by_role("link", name="minutes.txt").click()
    assert download.value.suggested_filename == "minutes.txt"
    assert download.value.path().read_bytes() == b"All is well.\n" * 400
    take_picture(ada, "dark")
    take_picture(grace, "light")


def test_a_notice_is_never_html(server: ExampleServer, visitors: BoardVisitors) -> None:
    attack = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    ada, grace = visitors.log_in(server, "ada"), visitors.log_in(server, "grace")
    write(ada, attack)
    expect(grace.locator(".notice .text")).to_have_text(attack)
    grace.reload()
    for page in (ada, grace):
        expect(page.locator(".notice .text")).to_have_text(attack)
        expect(page.locator(".notice img, .notice script")).to_have_count(0)
        expect(page).to_have_title("Notice board")


@pytest.mark.parametrize("script", [WITHOUT_WEBSOCKETS, REFUSED_WEBSOCKETS], ids=["none", "refused"])
def test_without_websockets_the_page_uses_events(script: str, server: ExampleServer, visitors: BoardVisitors) -> None:
    ada = visitors.log_in(server, "ada", script)
    grace = visitors.log_in(server, "grace")
    write(grace, "Over the websocket")
    expect(ada.locator(".notice .text")).to_have_text("Over the websocket")
    write(ada, "By the form", ("dot.png", make_png(2, 2)))
    for page in (ada, grace):
        expect(page.locator(".notice .text")).to_have_text(["By the form", "Over the websocket"])
    take_picture(ada, "events")

    ada.get_by_role("button", name="Log out").click()
    expect(ada.get_by_role("button", name="Log in")).to_be_visible()
    expect(grace.locator("#people li")).to_have_text(["GGrace"])
    # The browser logs that handshakes were refused.
    visitors.forgive("/refused")


@pytest.mark.parametrize("script", ["", WITHOUT_WEBSOCKETS], ids=["websocket", "events"])
def test_a_logout_reaches_the_other_window(script: str, server: ExampleServer, visitors: BoardVisitors) -> None:
    first = visitors.log_in(server, "ada", script)
    second = first.context.new_page()
    second.goto(server.url)
    expect_live(second, "Live, by events" if script else "Live")
    first.get_by_role("button", name="Log out").click()
    expect(first.get_by_role("button", name="Log in")).to_be_visible()
    expect(second.get_by_role("status")).to_have_text("Logged out")
    expect(second.get_by_role("button", name="Put it up")).to_be_disabled()
    second.get_by_role("link", name="Log in again").click()
    expect(second.get_by_label("Password")).to_be_visible()
    # The browser logs that events were refused, as they should be.
    visitors.forgive("403 (Forbidden)")


def test_text_written_during_an_upload_is_kept(server: ExampleServer, visitors: BoardVisitors) -> None:
    page = visitors.log_in(server, "ada")
    held: list[Route] = []
    page.route("**/notices", lambda route: held.append(route))
    write(page, "With a file", ("minutes.txt", b"text"))
    # No other text can be written until then, because emptying the form would lose it.
    expect(page.get_by_label("Text")).not_to_be_editable()
    expect(page.get_by_label("Picture or file")).to_be_disabled()
    page.get_by_label("Text").press("Control+Enter")
    held[0].continue_()
    expect(page.locator(".notice")).to_have_count(1)
    assert len(held) == 1
    write(page, "The next one")
    expect(page.locator(".notice .text")).to_have_text(["The next one", "With a file"])
    expect(page.get_by_label("Text")).to_have_value("")


def test_a_connection_without_answers_is_replaced(server: ExampleServer, visitors: BoardVisitors) -> None:
    page = visitors.log_in(server, "ada")
    page.clock.install()
    routes: list[WebSocketRoute] = []

    def swallow_first(route: WebSocketRoute) -> None:
        # Simulates a changed network: data from the page is lost without an error.
        route.connect_to_server()
        if not routes:
            route.on_message(lambda _: None)
        routes.append(route)

    page.route_web_socket("**/live*", swallow_first)
    page.reload()
    expect_live(page)
    expect(page.locator("#people li")).to_have_text(["AAda"])
    write(page, "Is anybody there?")
    expect(page.get_by_role("button", name="Put it up")).to_be_disabled()
    expect(page.get_by_label("Text")).to_have_value("Is anybody there?")
    page.clock.fast_forward(10_000)
    expect(page.get_by_role("alert")).to_contain_text("What you wrote is still here")
    expect_live(page)
    expect(page.get_by_label("Text")).to_have_value("Is anybody there?")
    page.get_by_role("button", name="Put it up").click()
    expect(page.locator(".notice .text")).to_have_text(["Is anybody there?"])
    expect(page.get_by_label("Text")).to_have_value("")
    expect(page.get_by_role("alert")).to_be_hidden()
    assert len(routes) == 2


def test_a_page_shows_no_more_than_the_board(server: ExampleServer, visitors: BoardVisitors) -> None:
    page = visitors.log_in(server, "ada")
    page.evaluate(
        """async () => {
            for (let number = 0; number < 103; number++) {
                const body = new FormData(document.getElementById("write"));
                body.set("text", `Number ${number}`);
                body.delete("file");
                const headers = { Accept: "application/json" };
                const answer = await fetch("/notices", { method: "POST", body, headers });
                if (!answer.ok) throw new Error(answer.status);
            }
        }"""
    )
    expect(page.locator(".notice .text").first).to_have_text("Number 102")
    expect(page.locator(".notice")).to_have_count(100)
    expect(page.locator(".notice .text").last).to_have_text("Number 3")


def test_a_wrong_password_is_reported(server: ExampleServer, visitors: BoardVisitors) -> None:
    page = visitors.log_in(server, "ada")
    page.get_by_role("button", name="Log out").click()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("guessed")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("That name and password do not go together.")
    take_picture(page, "login")
    visitors.forgive("403 (Forbidden)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(scheme: str, server: ExampleServer, visitors: BoardVisitors) -> None:
    phone: dict[str, Any] = {
        "viewport": {"width": 360, "height": 740},
        "is_mobile": True,
        "has_touch": True,
        "color_scheme": scheme,
    }
    page = visitors.log_in(server, "ada", **phone)
    write(page, "w" * 200, ("sunset.png", make_png()))
    expect(page.locator(".notice")).to_have_count(1)
    write(page, "A file", (f"{'name' * 20}.txt", b"text"))
    expect(page.locator(".notice")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for control in page.locator("button:visible, input:visible, textarea:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH_TARGET, control.text_content()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness < 128) == (scheme == "dark")
    take_picture(page, f"phone_{scheme}")


def test_the_page_survives_a_restart(visitors: BoardVisitors, server: ExampleServer) -> None:
    first = BoardServer()
    page = visitors.log_in(first, "ada")
    write(page, "Before")
    expect(page.locator(".notice")).to_have_count(1)
    stop_clock(page)
    assert first.stop() == 0
    expect(page.get_by_role("status")).to_have_text(re.compile("Not connected"))
    write(page, "Meanwhile")
    expect(page.get_by_role("alert")).to_contain_text("What you wrote is still here.")
    second = BoardServer(first.port)
    try:
        page.get_by_role("button", name="Connect now").click()
        expect_live(page)
        expect(page.get_by_label("Text")).to_have_value("Meanwhile")
        page.get_by_role("button", name="Put it up").click()
        expect(page.locator(".notice .text").first).to_have_text("Meanwhile")
    finally:
        visitors.close()
        assert second.stop() == 0
    # The browser logs, correctly, that it could not connect.
    visitors.forgive("ERR_CONNECTION_REFUSED")
