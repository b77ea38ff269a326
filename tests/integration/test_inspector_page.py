"""The page of the inspector in Chromium, over two nodes with Valkey between them: it shows, filters, closes, drains."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.integration.example_pages import TOUCH_TARGET
from tests.integration.served_module import served_module
from tests.valkey import running_valkey

pytestmark = pytest.mark.needs("chromium")
MODULE = "tests.integration.inspector_app"


class Service(NamedTuple):
    """Two nodes of a service: the first one allows payloads, and serves the page."""

    first: str
    second: str

    @contextlib.contextmanager
    def connect(self, base: str, path: str) -> Iterator[ClientConnection]:
        """Connect; for a room, wait until it has begun."""
        with connect(base.replace("http", "ws") + path) as peer:
            if path.startswith("/rooms"):
                assert peer.recv(30) == "ready"
            yield peer


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with pytest.MonkeyPatch.context() as environment, running_valkey() as valkey:
        environment.setenv("EMMETT_BROKER", valkey.url)
        environment.setenv("TEST_PAYLOADS", "1")
        with served_module(MODULE) as first, served_module(MODULE) as second:
            yield Service(first, second)


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

    def open(self, view: str = "") -> Page:
        self.page.goto(f"{self._base}/inspector#{view}")
        return self.page

    def _check(self, url: str) -> None:
        if urlsplit(url).netloc != urlsplit(self._base).netloc and not url.startswith("data:"):
            self.problems.append(f"a request to {url}")


@pytest.fixture
def visitor(browser: Browser, service: Service) -> Iterator[Visitor]:
    visitor = Visitor(browser, service.first, viewport={"width": 1400, "height": 900})
    yield visitor
    visitor.context.close()
    assert visitor.problems == []


def rows(page: Page) -> Any:
    return page.locator("tbody tr")


def test_the_page_shows_both_nodes(visitor: Visitor) -> None:
    page = visitor.open()
    expect(page).to_have_title("Tea house: inspector")
    expect(page.locator(".node dl")).to_have_count(2)
    expect(page.locator(".node").filter(has_text="this page")).to_have_count(1)
    expect(page.locator(".node").first).to_contain_text("running")
    expect(page.locator(".node").first).to_contain_text(re.compile(r"Redis \d"))
    expect(page.locator("#summary")).to_have_text(re.compile(r"^2 nodes, \d+ connections?$"))
    expect(page.get_by_text("Every peer keeps up.")).to_be_visible()
    expect(page.get_by_role("button", name="Drain")).to_have_count(2)


def test_connections_of_both_nodes_are_filtered(visitor: Visitor, service: Service) -> None:
    page = visitor.open("connections")
    with (
        service.connect(service.first, "/rooms/mint/ann"),
        service.connect(service.second, "/rooms/mint/bob"),
        service.connect(service.second, "/echo") as echo,
    ):
        echo.send("x")
        assert echo.recv(30) == "x"
        page.get_by_label("Route").fill("room")
        expect(rows(page)).to_have_count(2)
        expect(page.get_by_text(re.compile(r"^2 of \d+ connections match$"))).to_be_visible()
        page.get_by_label("User").fill("bob")
        expect(rows(page)).to_have_count(1)
        expect(rows(page).first).to_contain_text("/rooms/mint/bob")
        page.get_by_label("Address").fill("198.51.100.")
        expect(page.get_by_text("No connection matches.")).to_be_visible()
        page.get_by_label("Address").fill("127.")
        page.get_by_label("User").fill("")
        page.get_by_label("Route").fill("echo")
        expect(rows(page)).to_have_count(1)
        expect(rows(page).locator('[data-label="Received"]')).to_have_text("1")
        page.get_by_label("Age from, s").fill("100000")
        expect(page.get_by_text("No connection matches.")).to_be_visible()


def test_a_connection_of_the_other_node_is_watched_and_closed(visitor: Visitor, service: Service) -> None:
    page = visitor.open("connections")
    with service.connect(service.second, "/rooms/oolong/chen") as peer:
        page.get_by_label("User").fill("chen")
        expect(rows(page)).to_have_count(1)
        # Clicking anywhere in the row works like the link.
        rows(page).first.locator('[data-label="User"]').click()
        expect(page.get_by_text("Listening")).to_be_visible()
        log = page.get_by_role("log")
        peer.send("one pot")
        assert peer.recv(30) == "one pot"
        expect(log.locator("li")).to_have_count(2)
        expect(log.locator("li").first).to_contain_text("→ in")
        expect(log.locator("li").last).to_contain_text("text, 7 characters")
        expect(log).not_to_contain_text("one pot")
        page.get_by_label("Payloads").check()
        expect(page.get_by_text("Listening")).to_be_visible()
        peer.send("<b>two</b> pots")
        assert peer.recv(30) == "<b>two</b> pots"
        expect(log.locator("pre")).to_have_text(["<b>two</b> pots", "<b>two</b> pots"])
        page.get_by_role("button", name="Hold").click()
        peer.send("unseen")
        assert peer.recv(30) == "unseen"
        page.get_by_role("button", name="Clear").click()
        expect(log.locator("li")).to_have_count(0)
        page.get_by_role("button", name="Close it").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Code").fill("1006")
        dialog.get_by_role("button", name="Close it").click()
        expect(dialog.get_by_role("alert")).to_contain_text("1006")
        dialog.get_by_label("Code").fill("4001")
        dialog.get_by_label("Reason").fill("closing time")
        dialog.get_by_role("button", name="Close it").click()
        expect(dialog).to_be_hidden()
        with pytest.raises(ConnectionClosed) as closed:
            peer.recv(30)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "closing time")
        expect(page.get_by_text("it has ended with 4001: closing time")).to_be_visible()
    # A refused code is a 409, which browsers log.
    visitor.problems[:] = [each for each in visitor.problems if "409" not in each]


def test_the_page_shows_channels_with_members_and_history(visitor: Visitor, service: Service) -> None:
    page = visitor.open("channels")
    with (
        service.connect(service.first, "/rooms/green/dana") as dana,
        service.connect(service.second, "/rooms/green/eve") as eve,
    ):
        dana.send("hello")
        assert [dana.recv(30), eve.recv(30)] == ["hello", "hello"]
        page.get_by_label("Name").fill("green")
        expect(rows(page)).to_have_count(1)
        row = rows(page).first
        expect(row.locator('[data-label="Subscribers"]')).to_have_text("2")
        expect(row.locator('[data-label="Nodes"]')).to_have_text("2")
        row.get_by_role("link").click()
        expect(page.locator(".members li b")).to_have_text(["dana", "eve"])
        expect(page.get_by_label("History").locator("pre")).to_have_text(["hello"])
        expect(page.get_by_text("Listening")).to_be_visible()
        # The websocket opens before the channel is subscribed, so later publications are certainly shown.
        log = page.get_by_role("log")
        for _ in range(50):
            eve.send("again")
            assert eve.recv(30) == "again"
            if log.locator("li").count():
                break
            page.wait_for_timeout(100)
        expect(log.locator("li").first).to_contain_text("pub")
        page.get_by_role("link", name="All channels").click()
        page.get_by_label("emmett's own").check()
        page.get_by_label("Name").fill("emmett-inspector:all")
        expect(rows(page)).to_have_count(1)


def test_the_page_shows_settings_without_secrets(visitor: Visitor) -> None:
    page = visitor.open("settings")
    expect(page.get_by_role("heading", level=2)).to_have_text(
        ["websocket", "http", "server", "calls", "centrifuge", "application"]
    )
    page.get_by_label("Only what was changed").check()
    expect(page.get_by_text("database_url")).to_be_visible()
    expect(page.get_by_text("postgresql://(hidden)")).to_be_visible()
    page.get_by_label("Name").fill("max_conn")
    expect(page.get_by_text("No setting matches.")).to_be_visible()
    page.get_by_label("Only what was changed").uncheck()
    expect(page.locator(".settings dt")).to_have_text(["max_connections"])
    assert "hush" not in page.content()


def test_the_page_can_be_used_with_the_keyboard(visitor: Visitor, service: Service) -> None:
    page = visitor.open()
    with service.connect(service.second, "/rooms/mint/finn") as peer:
        expect(page.locator(".node dl")).to_have_count(2)
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.get_by_role("link", name="Connections").focus()
        page.keyboard.press("Enter")
        page.get_by_label("User").focus()
        page.keyboard.type("finn")
        expect(rows(page)).to_have_count(1)
        rows(page).get_by_role("link").focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Close it").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog").get_by_label("Code")).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        page.get_by_role("button", name="Close it").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_hidden()
        with pytest.raises(ConnectionClosed) as closed:
            peer.recv(30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(scheme: str, browser: Browser, service: Service) -> None:
    phone: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "color_scheme": scheme}
    visitor = Visitor(browser, service.first, is_mobile=True, **phone)
    with service.connect(service.second, "/rooms/mint/gus"):
        for view in ("overview", "connections", "channels", "settings", "channels/room%3Amint"):
            page = visitor.open(view)
            expect(page.locator("main .card").first).to_be_visible()
            expect(page.locator(".node dl, tbody tr, .settings dt, .members li").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") == 360, view
            for control in page.locator("button:visible, input:visible, select:visible, .tabs a").all():
                box = control.bounding_box()
                assert box is not None
                if control.get_attribute("type") != "checkbox":
                    assert box["height"] >= TOUCH_TARGET, control.text_content()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness < 128) == (scheme == "dark")
    visitor.context.close()
    assert visitor.problems == []


def test_a_node_can_be_drained(browser: Browser, service: Service) -> None:
    with served_module(MODULE) as third:
        visitor = Visitor(browser, service.first, viewport={"width": 1400, "height": 900})
        with service.connect(third, "/echo") as peer:
            page = visitor.open()
            expect(page.locator(".node dl")).to_have_count(3)
            listed = page.evaluate(
                """async () => {
                    const body = JSON.stringify({ ask: "connections", filter: { route: "echo" } });
                    const headers = { "content-type": "application/json" };
                    const response = await fetch("/inspector/ask", { method: "POST", body, headers });
                    return (await response.json()).connections.rows.map((row) => row.id);
                }"""
            )
            node = next(id.partition("-")[0] for id in listed)
            card = page.locator(f'.node[data-node="{node}"]')
            card.get_by_role("button", name="Drain").click()
            page.get_by_role("dialog").get_by_role("button", name="Drain").click()
            with pytest.raises(ConnectionClosed) as closed:
                peer.recv(30)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            expect(page.locator(".node")).to_have_count(2)
        visitor.context.close()
        assert visitor.problems == []
