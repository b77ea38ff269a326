"""The demo's page in Chromium, served by a separate process like `make run`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.integration.example_pages import TOUCH_TARGET, ExampleServer, Visitors, stop_clock

pytestmark = pytest.mark.needs("chromium")


class DemoVisitors(Visitors):
    """The visitors of the demo."""

    def open(self, server: ExampleServer, name: str, **options: Any) -> Page:
        """Open the page as a person with a name, once it is connected."""
        # Not in about:blank, which has no storage.
        page = self.visit(server, f"if (location.host) sessionStorage.setItem('name', {name!r})", **options)
        expect_connected(page)
        return page


@pytest.fixture(scope="module")
def server() -> Iterator[ExampleServer]:
    demo = ExampleServer("demo")
    yield demo
    assert demo.stop() == 0


@pytest.fixture
def visitors(browser: Browser) -> Iterator[DemoVisitors]:
    opened = DemoVisitors(browser)
    with contextlib.closing(opened):
        yield opened
        assert opened.problems == []


def expect_connected(page: Page) -> None:
    for state in page.get_by_role("status").all():
        expect(state).to_have_text("Connected")


def say(page: Page, text: str) -> None:
    field = page.get_by_label("Message", exact=True)
    field.fill(text)
    field.press("Enter")


def test_text_is_echoed(server: ExampleServer, visitors: DemoVisitors) -> None:
    page = visitors.open(server, "Ada")
    answers = page.get_by_role("log", name="What came back").get_by_role("listitem")
    for text in ("Hello", "snow \u2603 and \U0001f600", "<b>not bold</b>"):
        page.get_by_label("Text to send").fill(text)
        page.get_by_label("Text to send").press("Enter")
        expect(answers.last).to_contain_text(text)
    size = len("snow \u2603 and \U0001f600".encode())
    expect(answers.nth(1)).to_have_text(re.compile(rf"text snow .* {size} B (< )?[\d.]+ ms"))
    expect(answers.locator("b")).to_have_count(0)
    expect(page.locator("#echo-count")).to_have_text("3")


def test_bytes_are_echoed(server: ExampleServer, visitors: DemoVisitors) -> None:
    page = visitors.open(server, "Ada")
    answers = page.get_by_role("log", name="What came back").get_by_role("listitem")
    for size in ("64 B", "4 KiB", "256 KiB"):
        page.get_by_role("button", name=size).click()
        # The page shows the size only if the same bytes came back.
        expect(answers.last).to_have_text(re.compile(rf"bytes ([0-9a-f]{{2}} ){{8}}\u2026 {size} (< )?[\d.]+ ms"))


def test_a_hundred_round_trips_are_measured(server: ExampleServer, visitors: DemoVisitors) -> None:
    page = visitors.open(server, "Ada")
    page.get_by_role("button", name="100 in a row").click()
    expect(page.get_by_text("100 round trips, one after the other")).to_be_visible()
    expect(page.locator("#echo-count")).to_have_text("100")
    expect(page.locator("#echo-median")).to_have_text(re.compile(r"(< )?[\d.]+ ms"))
    expect(page.locator("#echo-chart rect")).to_have_count(60)


def test_two_people_can_chat(server: ExampleServer, visitors: DemoVisitors) -> None:
    ada, bob = visitors.open(server, "Ada"), visitors.open(server, "Bob")
    for page, own, other in ((ada, "Ada (you)", "Bob"), (bob, "Bob (you)", "Ada")):
        people = page.get_by_role("list", name="People in the room").get_by_role("listitem")
        expect(people).to_contain_text([own, other])
        expect(page.get_by_text("2 people")).to_be_visible()
    expect(ada.get_by_text("Bob joined")).to_be_visible()

    bob.get_by_label("Message", exact=True).press_sequentially("He")
    expect(ada.get_by_text("Bob is typing")).to_be_visible()
    bob.get_by_label("Message", exact=True).fill("")
    expect(ada.get_by_text("Bob is typing")).to_be_hidden()
    bob.get_by_label("Message", exact=True).press_sequentially("Hello Ada")
    expect(ada.get_by_text("Bob is typing")).to_be_visible()
    bob.get_by_label("Message", exact=True).press("Enter")
    say(ada, "Hello Bob")

    for page, names in ((ada, ["Bob", "You"]), (bob, ["You", "Ada"])):
        messages = page.locator("#messages .message", has_text="Hello ")
        expect(messages.locator(".text")).to_have_text(["Hello Ada", "Hello Bob"])
        expect(messages.locator("b")).to_have_text(names)
        expect(page.get_by_text("is typing")).to_be_hidden()
    expect(bob.get_by_label("Message", exact=True)).to_have_value("")

    bob.context.close()
    expect(ada.get_by_text("Bob left")).to_be_visible()
    expect(ada.get_by_role("list", name="People in the room").get_by_role("listitem")).to_have_count(1)


def test_new_messages_do_not_scroll_away_what_is_read(server: ExampleServer, visitors: DemoVisitors) -> None:
    ada, bob = visitors.open(server, "Ada"), visitors.open(server, "Bob")
    messages = ada.locator("#messages")
    for number in range(6):
        say(bob, f"{number} " + "long " * 90)
        expect(messages.locator(".text").last).to_have_text(re.compile(f"^{number} "))
        expect(messages.locator(".text").last).to_be_in_viewport()
    messages.hover()
    ada.mouse.wheel(0, -10_000)
    expect(messages.locator(".text").last).not_to_be_in_viewport()
    say(bob, "The latest")
    ada.get_by_role("button", name="New messages").click()
    expect(messages.get_by_text("The latest")).to_be_in_viewport()
    expect(ada.get_by_role("button", name="New messages")).to_be_hidden()
    expect(ada.get_by_label("Message", exact=True)).to_be_focused()


def test_a_message_is_never_html(server: ExampleServer, visitors: DemoVisitors) -> None:
    attack = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    ada, bob = visitors.open(server, "Ada"), visitors.open(server, "<i>Bob</i>")
    say(bob, attack)
    for page in (ada, bob):
        expect(page.locator("#messages .text").last).to_have_text(attack)
        expect(page.locator("#messages img, #messages script, #room i")).to_have_count(0)
        expect(page).to_have_title("Emmett: echo and room")
    expect(ada.get_by_text("<i>Bob</i> joined")).to_be_visible()


def test_earlier_messages_are_shown(server: ExampleServer, visitors: DemoVisitors) -> None:
    say(visitors.open(server, "Ada"), "I was here first")
    late = visitors.open(server, "Late")
    expect(late.locator("#messages .text").last).to_have_text("I was here first")


def test_the_page_can_be_used_with_the_keyboard(server: ExampleServer, visitors: DemoVisitors) -> None:
    ada, bob = visitors.open(server, "Ada"), visitors.open(server, "Bob")
    names = []
    while (name := focus_next(ada)) != "":
        names.append(name)
    # "Connect now" and "New messages" are shown only when they are useful.
    assert names == [
        "Skip to the room",
        *("Text to send", "Send", "64 B", "4 KiB", "256 KiB", "100 in a row"),
        *("What came back", "Source code of the echo"),
        *("Messages", "Message", "Send", "Your name", "Change"),
    ]

    assert focus_next(ada) == "Skip to the room"
    ada.keyboard.press("Enter")
    expect(ada.get_by_label("Message", exact=True)).to_be_focused()
    ada.keyboard.type("Only keys")
    expect(bob.get_by_text("Ada is typing")).to_be_visible()
    ada.keyboard.press("Enter")
    expect(bob.locator("#messages .text").last).to_have_text("Only keys")
    expect(ada.get_by_label("Message", exact=True)).to_be_focused()

    ada.keyboard.press("Tab")
    ada.keyboard.press("Tab")
    ada.keyboard.type("Countess")
    ada.keyboard.press("Enter")
    expect(bob.get_by_text("Ada is now Countess")).to_be_visible()


def focus_next(page: Page) -> str:
    """Press Tab and return the name of the focused element, which must be visible; empty at the end of the page."""
    page.keyboard.press("Tab")
    name: str
    outline: str
    name, outline = page.evaluate(
        """() => {
            const element = document.activeElement;
            if (element === document.body) return ["", ""];
            const {outlineStyle, outlineWidth} = getComputedStyle(element);
            const name = element.labels?.[0]?.textContent || element.ariaLabel || element.textContent;
            return [name, `${outlineStyle} ${outlineWidth}`];
        }"""
    )
    assert not name or outline == "solid 3px", f"{name}: the focus is not seen"
    return name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(scheme: str, server: ExampleServer, visitors: DemoVisitors) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "color_scheme": scheme}
    page = visitors.open(server, "A name of 24 characters!", **phone)
    say(page, "w" * 200)
    expect(page.locator("#messages .text").last).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for control in page.locator("button:visible, input:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH_TARGET, control.text_content()
        assert box["width"] >= TOUCH_TARGET, control.text_content()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness < 128) == (scheme == "dark")


def test_a_lost_connection_is_re_established(visitors: DemoVisitors, browser: Browser) -> None:
    first = ExampleServer("demo")
    page = visitors.open(first, "Ada")
    say(page, "Before")
    expect(page.locator("#messages .text")).to_have_text("Before")
    stop_clock(page)
    assert first.stop() == 0
    for panel in (page.locator("#echo"), page.locator("#room")):
        expect(panel.get_by_role("status")).to_have_text(re.compile("Not connected"))
        expect(panel.get_by_role("button", name="Connect now")).to_be_visible()
    page.get_by_label("Message", exact=True).fill("Meanwhile")
    page.get_by_label("Message", exact=True).press("Enter")
    expect(page.get_by_text("Not connected: your message waits here.")).to_be_visible()

    second = ExampleServer("demo", first.port)
    try:
        page.locator("#room").get_by_role("button", name="Connect now").click()
        expect(page.locator("#room").get_by_role("status")).to_have_text("Connected")
        expect(page.locator("#echo").get_by_role("status")).to_have_text(re.compile("Not connected"))
        # The other page reconnects by itself.
        page.clock.resume()
        expect_connected(page)
        expect(page.get_by_role("button", name="Connect now")).to_have_count(0)
        expect(page.get_by_label("Message", exact=True)).to_have_value("Meanwhile")
        page.get_by_label("Message", exact=True).press("Enter")
        expect(page.locator("#messages .text")).to_have_text("Meanwhile")
        expect(page.get_by_text("Ada (you)")).to_be_visible()
    finally:
        visitors.close()
        assert second.stop() == 0
    # The browser logs, correctly, that it could not connect.
    visitors.forgive("ERR_CONNECTION_REFUSED")
