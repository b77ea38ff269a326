"""The page of `app.docs()` in Chromium: it lists, explains and calls everything, and loads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.integration.example_pages import TOUCH_TARGET
from tests.integration.served_module import served_module

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served_module("tests.integration.docs_page_app") as address:
        yield address


class Visitor:
    """A page that may not load anything but itself, nor write errors to its console."""

    def __init__(self, browser: Browser, base: str, **options: Any) -> None:
        self._base = base
        self.context = browser.new_context(**options)
        self.problems: list[str] = []
        self.context.on(
            "console", lambda message: self.problems.append(message.text) if message.type == "error" else None
        )
        self.context.on("weberror", lambda error: self.problems.append(str(error.error)))
        self.context.on("request", lambda request: self._check(request.url))
        self.page = self.context.new_page()
        self.page.on("websocket", lambda websocket: self._check(websocket.url))

    def open(self, key: str = "") -> Page:
        self.page.goto(f"{self._base}/docs#{key}")
        return self.page

    def _check(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self._base).netloc and not url.startswith("data:"):
            self.problems.append(f"a request to {url}")


@pytest.fixture
def visitor(browser: Browser, base: str) -> Iterator[Visitor]:
    visitor = Visitor(browser, base, viewport={"width": 1400, "height": 900})
    yield visitor
    visitor.context.close()
    assert visitor.problems == []


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def field(page: Page, path: str) -> Locator:
    return page.locator(f'.field[data-path="{path}"]').locator("input, select, textarea")


def last(page: Page) -> Locator:
    return page.get_by_role("log").locator("> li").last


def test_the_page_lists_everything(visitor: Visitor) -> None:
    page = visitor.open()
    expect(page).to_have_title("Tea house")
    expect(page.get_by_role("heading", level=1)).to_have_text("Tea house 1.4")
    contents = page.get_by_role("navigation")
    expect(contents.get_by_role("heading")).to_have_text(["Calls /api", "Websockets", "Requests"])
    expect(contents.get_by_role("link")).to_have_text(
        [
            *("callorder", "calladd", "streamstory", "streamwait", "callfail", "eventsmell", "emittedready"),
            *("websocket/echo/{room}", "GET/teas/{number}", "POST/teas", "DELETE/teas"),
            *("POST/orders", "PUT/sums"),
        ]
    )
    page.get_by_label("Search").fill("call two")
    expect(contents.get_by_role("link")).to_have_text(["calladd"])
    page.get_by_label("Search").press("Enter")
    expect(page.get_by_role("heading", level=2, name="add")).to_be_visible()


def test_a_method_is_explained(visitor: Visitor) -> None:
    page = visitor.open("calls/order")
    expect(page.locator(".prose")).to_contain_text(["Order a cup of tea.", "The price depends on the size."])
    expect(page.get_by_label("Signature")).to_have_text("order(Order) → Receipt")
    expect(page.get_by_label("Types")).to_contain_text('size?: Size = "small"')
    expect(page.locator(".facts")).to_contain_text("100/s")
    expect(page.locator(".facts")).to_contain_text("17: There is no such tea.\n402: It is not paid.")
    expect(page.get_by_text("The name on the card.")).to_be_visible()


def test_a_form_calls_a_method(visitor: Visitor) -> None:
    page = visitor.open("calls/order")
    page.get_by_label("tea").fill("Assam")
    page.get_by_label("size").select_option("large")
    page.get_by_label("cups").fill("3")
    page.get_by_label("with_milk").select_option("true")
    page.get_by_label("notes").fill('["hot"]')
    order = {"tea": "Assam", "size": "large", "cups": 3, "with_milk": True, "notes": ["hot"]}
    message = page.evaluate("JSON.parse(document.querySelector('[aria-label=\"What is sent\"]').textContent)")
    assert message == {"jsonrpc": "2.0", "id": 1, "method": "order", "params": order}
    press(page, "Call")
    log = page.get_by_role("log")
    expect(log.locator("> li")).to_have_count(2)
    expect(log.locator("[data-kind=result]")).to_contain_text('"price": 7.5')
    expect(log.locator("[data-kind=result] .time")).to_have_text(re.compile(r"^(< )?[\d.]+ m?s$"))
    expect(log.locator("[data-kind=event]")).to_contain_text('"tea":"Assam"')
    expect(page.get_by_role("status")).to_have_text(re.compile("^Connected in"))
    press(page, "Disconnect")
    expect(page.get_by_role("status")).to_have_text("Closed with 1000")
    expect(last(page)).to_have_attribute("data-kind", "closed")
    press(page, "Clear")
    expect(log.locator("> li")).to_have_count(0)


def test_faults_are_shown_beside_their_fields(visitor: Visitor) -> None:
    page = visitor.open("calls/add")
    field(page, "a").fill("two")
    press(page, "Call")
    expect(page.locator('.field[data-path="a"] .fault')).to_have_text('expected a number, not "two"')
    expect(field(page, "a")).to_be_focused()
    field(page, "a").fill("1.5")
    press(page, "Call")
    expect(page.locator('.field[data-path="a"] .fault')).to_have_text("Expected `int`, got `float`")
    expect(last(page)).to_contain_text("-32602 Invalid params")
    field(page, "a").fill("2")
    press(page, "Call")
    expect(last(page)).to_have_attribute("data-kind", "result")
    expect(page.locator('.field[data-path="a"] .fault')).to_be_hidden()


def test_parameters_can_be_entered_as_json(visitor: Visitor) -> None:
    page = visitor.open("calls/add")
    press(page, "Edit as JSON")
    whole = page.get_by_label("Parameters as JSON")
    whole.fill('{"a": 20, "b": 3, "c": 1}')
    press(page, "Call")
    expect(page.locator(".faults")).to_have_text("c is unknown")
    whole.fill('{"a": 20, "b": 3}')
    press(page, "Call")
    expect(last(page).locator(".body")).to_have_text("23")
    press(page, "Edit as JSON")
    expect(field(page, "b")).to_have_value("3")
    whole_again = page.get_by_role("button", name="Edit as JSON")
    whole_again.click()
    whole.fill("{")
    whole_again.click()
    expect(page.locator(".faults")).to_contain_text("expected JSON")


def test_streams_can_be_watched_and_cancelled(visitor: Visitor) -> None:
    page = visitor.open("calls/story")
    page.get_by_label("words").fill("3")
    press(page, "Start")
    expect(last(page)).to_have_attribute("data-kind", "ended")
    expect(last(page).locator(".items code")).to_have_text(['"Once"', '"upon"', '"a"'])
    page = visitor.open("calls/wait")
    press(page, "Start")
    expect(last(page).locator(".items code")).to_have_text(['"started"'])
    press(page, "Cancel")
    expect(last(page)).to_have_attribute("data-kind", "error")
    expect(last(page).locator(".body")).to_contain_text("-32800")


def test_events_and_errors_are_shown(visitor: Visitor) -> None:
    page = visitor.open("calls/smell")
    press(page, "Send")
    expect(last(page)).to_contain_text("event")
    expect(last(page)).to_contain_text('{"number":0,"tea":"text"}')
    page = visitor.open("calls/fail")
    press(page, "Call")
    expect(last(page).locator(".body")).to_have_text("-32603 Internal error")
    page = visitor.open("calls/emitted/ready")
    expect(page.get_by_label("Example")).to_contain_text('"method": "ready"')
    expect(page.get_by_text("An order that waits at the counter.")).to_be_visible()


def test_a_refused_handshake_is_shown(visitor: Visitor) -> None:
    page = visitor.open("calls/add")
    page.locator(".where summary").click()
    page.get_by_label("Query").fill("token=wrong")
    press(page, "Call")
    expect(page.get_by_role("status")).to_have_text("Not let in")
    expect(last(page)).to_contain_text("The server refused the handshake, or cannot be reached")
    # Chromium logs it, too.
    assert [problem for problem in visitor.problems if "Unexpected response code: 403" not in problem] == []
    visitor.problems.clear()


@pytest.mark.parametrize("width", [390, 900, 1180, 1280])
def test_new_messages_are_scrolled_into_view(width: int, browser: Browser, base: str) -> None:
    visitor = Visitor(browser, base, viewport={"width": width, "height": 800})
    page = visitor.open("calls/order")
    press(page, "Call")
    expect(page.locator("[data-kind=result]")).to_be_in_viewport()
    visitor.context.close()
    assert visitor.problems == []


def test_a_plain_websocket_can_be_used(visitor: Visitor) -> None:
    page = visitor.open("websocket/echo")
    page.get_by_label("room").fill("green tea")
    page.get_by_role("textbox", name="Message").fill("<b>hi</b>")
    press(page, "Send")
    expect(last(page)).to_contain_text("green tea: <b>hi</b>")
    expect(page.get_by_role("log").locator("b b")).to_have_count(0)
    page.get_by_label("as a binary message").check()
    press(page, "Send")
    expect(last(page)).to_contain_text("3c 62 3e 68 69 3c 2f 62 3e (9 B)")


def test_requests_can_be_sent(visitor: Visitor) -> None:
    page = visitor.open("request/tea/GET")
    page.get_by_label("number").fill("17")
    expect(page.get_by_label("What is sent")).to_have_text("GET /teas/17")
    press(page, "Send GET")
    expect(last(page)).to_have_attribute("data-kind", "result")
    expect(last(page)).to_contain_text('"number": 17')
    page = visitor.open("request/teas/DELETE")
    press(page, "Send DELETE")
    expect(last(page)).to_contain_text("200 OK")
    expect(last(page)).to_contain_text("done")


def test_requests_with_types_can_be_sent(visitor: Visitor) -> None:
    page = visitor.open("request/place/POST")
    field(page, "tea").fill("Assam")
    field(page, "cups").fill("1.5")
    press(page, "Send POST")
    expect(last(page)).to_contain_text("422")
    expect(page.locator('.field[data-path="cups"] .fault')).to_have_text("Expected `int`, got `float`")
    # Chromium logs the status.
    assert "422" in visitor.problems.pop()
    field(page, "cups").fill("2")
    field(page, "gift").select_option("false")
    press(page, "Send POST")
    expect(last(page)).to_have_attribute("data-kind", "result")
    expect(last(page)).to_contain_text('"price": 5')
    expect(page.locator('.field[data-path="cups"] .fault')).to_be_hidden()
    expect(last(page)).to_contain_text("POST /orders?gift=false")
    page = visitor.open("request/total/PUT")
    field(page, "numbers").fill("[1, 2, 39]")
    expect(page.get_by_label("What is sent")).to_have_text("PUT /sums?numbers=1&numbers=2&numbers=39")
    press(page, "Send PUT")
    expect(last(page)).to_contain_text("42")


def test_form_values_are_kept(visitor: Visitor) -> None:
    page = visitor.open("calls/order")
    page.get_by_label("tea").fill("Assam")
    page.get_by_role("link", name="add").click()
    page.get_by_role("link", name="call order").click()
    expect(page.get_by_label("tea")).to_have_value("Assam")


def test_the_page_can_be_used_with_the_keyboard(visitor: Visitor) -> None:
    page = visitor.open("calls/add")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the console")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(field(page, "a")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    expect(last(page)).to_have_attribute("data-kind", "result")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(scheme: str, browser: Browser, base: str) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True, "color_scheme": scheme}
    visitor = Visitor(browser, base, **phone)
    page = visitor.open("calls/order")
    press(page, "Call")
    expect(last(page)).to_be_in_viewport()
    page.get_by_text("Contents: order").click()
    page.get_by_role("link", name="story").click()
    expect(page.get_by_role("heading", level=2, name="story")).to_be_in_viewport()
    expect(page.get_by_role("link", name="story")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for control in page.locator("button:visible, input:visible, select:visible, summary:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH_TARGET, control.text_content()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness < 128) == (scheme == "dark")
    visitor.context.close()
    assert visitor.problems == []
