"""The assistant in Chromium: answers that stream, stop and wait, and tools of the page."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from examples.assistant.model import STORY
from tests.integration.example_pages import ExampleServer, Visitors

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture(scope="module")
def server() -> Iterator[ExampleServer]:
    running = ExampleServer("assistant")
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.output


@pytest.fixture
def page(browser: Browser, server: ExampleServer) -> Iterator[Page]:
    visitors = Visitors(browser)
    with contextlib.closing(visitors):
        opened = visitors.visit(server, color_scheme="light", timezone_id="Europe/Rome")
        expect(opened.locator("#state")).to_have_text("Live")
        yield opened
        assert visitors.problems == []


def ask(page: Page, words: str) -> None:
    page.get_by_label("Question", exact=True).fill(words)
    page.get_by_role("button", name="Ask", exact=True).click()


def test_an_answer_can_be_stopped(page: Page) -> None:
    page.get_by_role("button", name="Tell me a long story").click()
    answer = page.locator(".answer")
    expect(answer).to_have_text(re.compile("A frame left the browser"))
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".fate")).to_have_text(
        re.compile(r"^\d+ tokens in [\d.]+ s · the call was cancelled$|stopped$")
    )
    text = answer.inner_text().strip()
    assert STORY.startswith(text)
    assert len(text) < len(STORY)
    # The page still works.
    ask(page, "Are you there?")
    expect(page.locator(".asked").last).to_have_text("Are you there?")
    expect(page.locator(".answer").last).to_have_text(re.compile("a small model"))


def test_the_model_uses_tools_of_the_page(page: Page) -> None:
    ask(page, "What time is it?")
    expect(page.locator(".answer").last).to_have_text(
        re.compile(r"^On your side it is \w+day at \d\d:\d\d .M\.$|^On your side it is \w+day")
    )
    expect(page.locator(".tool")).to_have_text(["reads your clock"])
    expect(page.locator(".fate")).to_have_count(1)
    ask(page, "Make the page dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator(".fate")).to_have_count(2)


def test_a_tool_may_ask_the_visitor(page: Page) -> None:
    ask(page, "Forget this conversation")
    page.get_by_role("button", name="No").click()
    expect(page.locator(".answer")).to_have_text(["Then I keep it."])
    expect(page.locator(".fate")).to_have_count(1)
    ask(page, "Forget this conversation")
    page.get_by_role("button", name="Yes").click()
    expect(page.locator(".answer")).to_have_text(["It is forgotten."])
    expect(page.locator(".asked")).to_have_count(0)
    expect(page.locator(".fate")).to_have_count(1)


def test_an_answer_can_be_stopped_while_the_visitor_is_asked(page: Page) -> None:
    ask(page, "Forget this conversation")
    expect(page.locator(".question")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".question")).to_have_count(0)
    expect(page.locator(".fate")).to_have_count(1)


def test_the_page_fits_a_phone(browser: Browser, server: ExampleServer) -> None:
    visitors = Visitors(browser)
    with contextlib.closing(visitors):
        page = visitors.visit(server, viewport={"width": 360, "height": 640}, has_touch=True, color_scheme="dark")
        expect(page.locator("#state")).to_have_text("Live")
        page.get_by_role("button", name="Tell me a long story").click()
        expect(page.locator(".answer")).to_have_text(re.compile("A frame left"))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for button in page.locator("button:visible").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
        page.keyboard.press("Escape")
        expect(page.locator(".fate")).to_have_count(1)
        assert visitors.problems == []
