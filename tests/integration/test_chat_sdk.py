"""The chat's page on the JavaScript SDK in Chromium, with a visitor on the plain page in the same room."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.chat_pages import (
    ChatServer,
    ChatVisitors,
    cut,
    expect_live,
    people,
    say,
    take_picture,
    texts,
)
from tests.integration.example_pages import TOUCH_TARGET, ExampleServer, stop_clock

pytestmark = pytest.mark.needs("chromium", "centrifuge")


@pytest.fixture
def server() -> Iterator[ExampleServer]:
    chat = ChatServer()
    yield chat
    assert chat.stop() == 0, chat.output
    assert "Traceback" not in chat.output


@pytest.fixture
def visitors(browser: Browser, server: ExampleServer) -> Iterator[ChatVisitors]:
    opened = ChatVisitors(browser)
    with contextlib.closing(opened):
        yield opened
        assert opened.problems == []


def enter(visitors: ChatVisitors, server: ExampleServer, name: str, **options: Any) -> Page:
    """Let a visitor enter, and lead them to the page with the SDK."""
    page = visitors.enter(server, name, **options)
    page.get_by_role("link", name="The same on an SDK").click()
    expect(page.get_by_role("link", name="Without an SDK")).to_be_visible()
    expect_live(page)
    return page


def test_both_pages_work_in_one_room(server: ExampleServer, visitors: ChatVisitors) -> None:
    ada = enter(visitors, server, "Ada", color_scheme="dark")
    grace = visitors.enter(server, "Grace", color_scheme="light")
    expect(people(ada)).to_have_text(["AAda (you)", "GGrace"])
    expect(people(grace)).to_have_text(["AAda", "GGrace (you)"])
    said = []
    for number, page in enumerate((ada, grace, ada, grace, grace)):
        said.append(f"number {number}")
        say(page, said[-1])
        for each in (ada, grace):
            expect(texts(each)).to_have_text(said)
    expect(ada.locator(".message.own")).to_have_count(2)
    expect(ada.locator("#outbox li")).to_have_count(0)
    take_picture(ada, "sdk_dark")

    # Messages sent while it is disconnected are recovered, and its own messages are sent later, once.
    ada.context.set_offline(True)
    cut(ada)
    expect(ada.get_by_role("status")).not_to_have_text("Live")
    for number in range(5, 8):
        said.append(f"number {number}")
        say(grace, said[-1])
    expect(texts(grace)).to_have_count(8)
    say(ada, "from the cellar")
    expect(ada.locator(".pending")).to_contain_text("Waits for the connection")
    ada.context.set_offline(False)
    for page in (ada, grace):
        expect(texts(page)).to_have_text([*said, "from the cellar"])
        expect(page.locator(".missed, .pending")).to_have_count(0)
    expect_live(ada)
    expect(people(ada)).to_have_text(["AAda (you)", "GGrace"])

    # A newcomer on the SDK sees all messages, and a page that closes is announced.
    newcomer = enter(visitors, server, "Katherine", color_scheme="light")
    expect(texts(newcomer)).to_have_text([*said, "from the cellar"])
    take_picture(newcomer, "sdk_light")
    grace.close()
    expect(ada.locator(".note").last).to_have_text("Grace has left")
    expect(people(newcomer)).to_have_text(["AAda", "KKatherine (you)"])
    visitors.forgive("ERR_INTERNET_DISCONNECTED")


def test_the_page_survives_a_restart_and_reports_lost_messages(visitors: ChatVisitors, server: ExampleServer) -> None:
    first = ChatServer()
    page = enter(visitors, first, "Ada")
    say(page, "before")
    expect(texts(page)).to_have_text(["before"])
    # The page would connect by itself before the button is pressed.
    stop_clock(page)
    assert first.stop() == 0
    expect(page.get_by_role("status")).not_to_have_text("Live")
    second = ChatServer(first.port)
    try:
        say(page, "meanwhile")
        page.get_by_role("button", name="Connect now").click()
        expect_live(page)
        # The memory of the first server is gone, and perhaps messages of others with it.
        expect(page.locator(".missed")).to_have_text("Some messages were missed.")
        expect(texts(page)).to_have_text(["before", "meanwhile"])
    finally:
        visitors.close()
        assert second.stop() == 0
    visitors.forgive("ERR_CONNECTION_REFUSED")


def test_an_ended_session_is_reported(server: ExampleServer, visitors: ChatVisitors) -> None:
    page = enter(visitors, server, "Ada")
    page.context.clear_cookies()
    cut(page)
    expect(page.get_by_role("alert")).to_have_text("Your session has ended. Choose a name again")


def test_messages_that_are_too_fast_are_reported(server: ExampleServer, visitors: ChatVisitors) -> None:
    page = enter(visitors, server, "Ada")
    page.evaluate(
        """() => {
            const text = document.getElementById("text");
            for (let number = 1; number <= 40; number += 1) {
                text.value = `quick ${number}`;
                document.getElementById("write").requestSubmit();
            }
        }"""
    )
    expect(page.locator(".failed").last).to_contain_text("That was too fast. Wait a moment, then send it again.")
    expect(page.locator(".pending:not(.failed)")).to_have_count(0)
    assert texts(page).count() + page.locator(".failed").count() == 40


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(scheme: str, server: ExampleServer, visitors: ChatVisitors) -> None:
    phone: dict[str, Any] = {
        "viewport": {"width": 360, "height": 740},
        "is_mobile": True,
        "has_touch": True,
        "color_scheme": scheme,
    }
    page = enter(visitors, server, "Ada Augusta King-Noel", **phone)
    for text in ("Good morning! Is the kettle on?", "w" * 100):
        say(page, text)
    expect(texts(page)).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for control in page.locator("button:visible, textarea:visible, a:visible:not(.skip)").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH_TARGET, control.text_content()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness < 128) == (scheme == "dark")
    take_picture(page, f"sdk_phone_{scheme}")


def test_without_the_package_the_page_explains_it(visitors: ChatVisitors, server: ExampleServer) -> None:
    bare = ExampleServer("chat", environment={"EMMETT_CHAT_SDK": "/nowhere.js", "EMMETT_BROKER": "memory"})
    try:
        page = visitors.enter(bare, "Ada")
        page.get_by_role("link", name="The same on an SDK").click()
        expect(page.get_by_role("heading", name="The SDK is not here")).to_be_visible()
        take_picture(page, "no_sdk")
        page.get_by_role("link", name="the one without an SDK").click()
        expect_live(page)
    finally:
        visitors.close()
        assert bare.stop() == 0
    visitors.forgive("503")
