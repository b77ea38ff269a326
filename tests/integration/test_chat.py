"""The chat in Chromium, served by a separate process: messages, history, presence, and broken connections."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, WebSocketRoute, expect

from examples.chat.messages import MAX_TEXT
from tests.integration.chat_pages import ChatServer, ChatVisitors, cut, expect_live, people, say, take_picture, texts
from tests.integration.example_pages import TOUCH_TARGET, ExampleServer, stop_clock

pytestmark = pytest.mark.needs("chromium")

LINES = (
    ("Ada", "Good morning! Is the kettle on?"),
    ("Grace", "It is. Somebody has left a moth in the tea strainer, though."),
    ("Grace", "I have taped it into the log book."),
    ("Ada", "An actual bug. I shall calculate its trajectory\nand put the notes below."),
    ("Grace", "Meanwhile I put one of these on every desk: https://example.com/nanosecond"),
    ("Ada", "Thirty centimetres. Perfect for stirring."),
)


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


def test_two_people_can_chat_in_a_room(server: ExampleServer, visitors: ChatVisitors) -> None:
    ada = visitors.enter(server, "Ada", color_scheme="dark")
    expect(people(ada)).to_have_text(["AAda (you)"])
    grace = visitors.enter(server, "Grace", color_scheme="light")
    for page, names in ((ada, ["AAda (you)", "GGrace"]), (grace, ["AAda", "GGrace (you)"])):
        expect(people(page)).to_have_text(names)
    expect(ada.locator(".note")).to_have_text(["Grace is here"])
    expect(grace.locator(".note")).to_have_count(0)
    for number, (name, text) in enumerate(LINES):
        say(ada if name == "Ada" else grace, text)
        for page in (ada, grace):
            expect(texts(page)).to_have_count(number + 1)
    for page in (ada, grace):
        expect(texts(page)).to_have_text([text for _, text in LINES])
        expect(page.locator("#outbox li")).to_have_count(0)
        expect(page.locator(".missed")).to_have_count(0)
    expect(ada.locator(".message.own")).to_have_count(3)
    expect(grace.get_by_label("Message", exact=True)).to_have_value("")
    visitors.enter(server, "Katherine")
    expect(people(ada)).to_have_count(3)
    take_picture(ada, "dark")
    take_picture(grace, "light")

    visitors.enter(server, "Mary", "music")
    expect(people(ada)).to_have_count(3)
    start = visitors.visit(server)
    expect(start.get_by_role("link", name="# tea")).to_contain_text("3 here")
    take_picture(start, "start")


def test_a_newcomer_and_a_reload_see_earlier_messages(server: ExampleServer, visitors: ChatVisitors) -> None:
    ada = visitors.enter(server, "Ada")
    said = [f"number {number}" for number in range(15)]
    for text in said:
        say(ada, text)
    expect(texts(ada)).to_have_text(said)
    grace = visitors.enter(server, "Grace")
    expect(texts(grace)).to_have_text(said)
    # The newest message is visible.
    expect(texts(grace).last).to_be_in_viewport()
    grace.reload()
    expect_live(grace)
    expect(texts(grace)).to_have_text(said)
    say(grace, "still here")
    expect(texts(ada)).to_have_text([*said, "still here"])
    # A visitor that only reloads the page is not announced as leaving and joining.
    expect(ada.locator(".note")).to_have_text(["Grace is here"])


def test_a_leaving_visitor_is_announced(server: ExampleServer, visitors: ChatVisitors) -> None:
    ada, grace = visitors.enter(server, "Ada"), visitors.enter(server, "Grace")
    expect(people(ada)).to_have_count(2)
    grace.close()
    expect(people(ada)).to_have_text(["AAda (you)"])
    expect(ada.locator(".note").last).to_have_text("Grace has left")


def test_texts_are_escaped(server: ExampleServer, visitors: ChatVisitors) -> None:
    attack = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    ada, grace = visitors.enter(server, "<i>Ada</i>"), visitors.enter(server, "Grace")
    say(ada, attack)
    for page in (ada, grace):
        expect(texts(page)).to_have_text([attack])
        expect(people(page)).to_have_count(2)
        expect(page.locator("#messages img, #messages script, i")).to_have_count(0)
        expect(page).to_have_title("#tea")
    expect(grace.locator(".author").first).to_have_text("<i>Ada</i>")


def test_a_reconnected_page_gets_missed_messages(server: ExampleServer, visitors: ChatVisitors) -> None:
    ada, grace = visitors.enter(server, "Ada"), visitors.enter(server, "Grace")
    say(ada, "one")
    expect(texts(grace)).to_have_text(["one"])
    # Grace cannot reconnect before Ada has written.
    grace.context.set_offline(True)
    cut(grace)
    expect(grace.get_by_role("status")).not_to_have_text("Live")
    for text in ("two", "three"):
        say(ada, text)
    expect(texts(ada)).to_have_count(3)
    # Messages written meanwhile are sent later, once.
    say(grace, "from the cellar")
    expect(grace.locator(".pending")).to_contain_text("Waits for the connection")
    take_picture(grace, "lost")
    grace.context.set_offline(False)
    for page in (ada, grace):
        expect(texts(page)).to_have_text(["one", "two", "three", "from the cellar"])
        expect(page.locator(".missed, .pending")).to_have_count(0)
    expect_live(grace)
    visitors.forgive("ERR_INTERNET_DISCONNECTED")


def test_messages_that_are_too_long_or_too_fast_are_refused_visibly(
    server: ExampleServer, visitors: ChatVisitors
) -> None:
    page = visitors.enter(server, "Ada")
    say(page, "x" * (MAX_TEXT + 1))
    expect(page.get_by_role("alert")).to_have_text(
        f"A message has at most {MAX_TEXT} characters; this one has {MAX_TEXT + 1}."
    )
    expect(page.locator("#left")).to_have_text("1 characters too many")
    expect(page.get_by_label("Message", exact=True)).to_have_value("x" * (MAX_TEXT + 1))
    page.get_by_label("Message", exact=True).fill("")
    expect(page.get_by_role("alert")).to_be_hidden()
    # At once, which is faster than anyone can type.
    page.evaluate(
        """() => {
            const text = document.getElementById("text");
            for (let number = 1; number <= 40; number += 1) {
                text.value = `quick ${number}`;
                document.getElementById("write").requestSubmit();
            }
        }"""
    )
    failed = page.locator(".failed")
    expect(failed.last).to_contain_text("That was too fast. Wait a moment, then send it again.")
    expect(page.locator(".pending:not(.failed)")).to_have_count(0)
    shown, refused = texts(page).count(), failed.count()
    assert shown + refused == 40
    take_picture(page, "too_fast")
    # The token bucket fills while the browser checks.
    again = failed.last.locator(".text").inner_text()
    failed.last.get_by_role("button", name="Send again").click()
    expect(texts(page).last).to_have_text(again)
    expect(failed).to_have_count(refused - 1)


def test_the_page_survives_a_restart_and_reports_lost_messages(visitors: ChatVisitors, server: ExampleServer) -> None:
    first = ChatServer()
    page = visitors.enter(first, "Ada")
    say(page, "before")
    expect(texts(page)).to_have_text(["before"])
    stop_clock(page)
    assert first.stop() == 0
    expect(page.get_by_role("status")).to_have_text(re.compile("Not connected"))
    say(page, "meanwhile")
    second = ChatServer(first.port)
    try:
        page.get_by_role("button", name="Connect now").click()
        expect_live(page)
        # The memory of the first server is gone, and perhaps messages of others with it.
        expect(page.locator(".missed")).to_have_text("Some messages were missed.")
        expect(texts(page)).to_have_text(["before", "meanwhile"])
        other = visitors.enter(second, "Grace")
        expect(texts(other)).to_have_text(["meanwhile"])
        take_picture(page, "missed")
    finally:
        visitors.close()
        assert second.stop() == 0
    visitors.forgive("ERR_CONNECTION_REFUSED")


@pytest.mark.parametrize("code", [1012, 1013])
def test_the_page_reconnects_soon_when_the_server_restarts(
    code: int, server: ExampleServer, visitors: ChatVisitors
) -> None:
    page = visitors.enter(server, "Ada", script="Math.random = () => 0")
    say(page, "before")
    expect(texts(page)).to_have_text(["before"])
    asked: list[str] = []

    def close_once(route: WebSocketRoute) -> None:
        asked.append(route.url)
        if len(asked) == 1:
            route.close(code=code)
        else:
            route.connect_to_server()

    page.route_web_socket(re.compile("/live"), close_once)
    # Only the timers of the page are stopped: without jitter it reconnects without a timer.
    page.clock.install()
    cut(page)
    expect(page.get_by_role("status")).not_to_have_text("Live")
    page.clock.run_for(300)
    expect_live(page)
    assert len(asked) == 2
    assert all("since=" in url for url in asked)
    say(page, "after")
    expect(texts(page)).to_have_text(["before", "after"])


def test_pauses_grow_while_the_server_is_unavailable(server: ExampleServer, visitors: ChatVisitors) -> None:
    # The longest pause with jitter.
    page = visitors.enter(server, "Ada", script="Math.random = () => 1")
    asked: list[str] = []

    def refuse(route: WebSocketRoute) -> None:
        asked.append(route.url)
        route.close(code=1011)

    page.route_web_socket(re.compile("/live"), refuse)
    stop_clock(page)
    page.reload()
    for tries, wait in enumerate((500, 1000, 2000, 4000, 8000, 15_000, 15_000), 1):
        expect(page.get_by_role("status")).to_have_text("Not connected")
        assert len(asked) == tries
        # Part of the pause may have passed before the test saw the page waiting.
        page.clock.run_for(wait - 200)
        expect(page.get_by_role("status")).to_have_text("Not connected")
        assert len(asked) == tries
        for _ in range(5):
            if page.get_by_role("status").text_content() == "Not connected" and len(asked) == tries:
                page.clock.run_for(50)
    expect(page.get_by_role("status")).to_have_text("Not connected")
    assert len(asked) == 8


def test_an_ended_session_is_reported(server: ExampleServer, visitors: ChatVisitors) -> None:
    page = visitors.enter(server, "Ada")
    page.context.clear_cookies()
    cut(page)
    expect(page.get_by_role("alert")).to_have_text("Your session has ended. Choose a name again")
    page.get_by_role("link", name="Choose a name again").click()
    expect(page.get_by_role("combobox", name="Room")).to_have_value("tea")
    page.get_by_role("button", name="Enter").click()
    # The browser itself reports the missing name.
    assert page.evaluate("document.activeElement.id") == "name"


def test_the_page_can_be_used_with_the_keyboard(server: ExampleServer, visitors: ChatVisitors) -> None:
    page = visitors.visit(server)
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="# lobby")).to_be_visible()
    expect_live(page)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the message")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("two")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("lines")
    page.keyboard.press("Enter")
    expect(texts(page)).to_have_text(["two\nlines"])
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(scheme: str, server: ExampleServer, visitors: ChatVisitors) -> None:
    phone: dict[str, Any] = {
        "viewport": {"width": 360, "height": 740},
        "is_mobile": True,
        "has_touch": True,
        "color_scheme": scheme,
    }
    page = visitors.enter(server, "Ada Augusta King-Noel", **phone)
    grace = visitors.enter(server, "Grace")
    visitors.enter(server, "W" * 24)
    expect(people(page)).to_have_count(3)
    for number, (name, text) in enumerate([*LINES, ("Grace", "w" * 100)]):
        say(page if name == "Ada" else grace, text)
        for each in (page, grace):
            expect(texts(each)).to_have_count(number + 1)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for control in page.locator("button:visible, textarea:visible, a:visible:not(.skip)").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH_TARGET, control.text_content()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness < 128) == (scheme == "dark")
    take_picture(page, f"phone_{scheme}")
