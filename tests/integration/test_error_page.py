"""The error page of `emmett develop` in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, expect

from tests.cli.project import SOURCE
from tests.cli.running import run_emmett
from tests.cli.test_processes import APP, READY, port_of, write

pytestmark = pytest.mark.needs("chromium")

FAILING = (
    APP
    + """
    @app.route("/total/<str:order>")
    async def total(order):
        prices = {"tea": 2, "milk": 1}
        try:
            return str(prices[order])
        except KeyError as error:
            raise LookupError(f"<img src=x onerror=alert(1)> there is no {order}") from error
"""
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(SOURCE))
    monkeypatch.delenv("EMMETT_APP", raising=False)
    write(tmp_path, FAILING)
    return tmp_path.resolve()


def test_the_page_shows_the_error_and_loads_nothing(folder: Path, browser: Browser) -> None:
    with run_emmett(folder, "develop", "--port", "0") as running:
        address = f"http://127.0.0.1:{port_of(running)}"
        running.wait_for(READY)
        page = browser.new_page(viewport={"width": 1000, "height": 800})
        asked: list[str] = []
        dialogs: list[str] = []

        def dismiss(dialog: Dialog) -> None:
            dialogs.append(dialog.message)
            dialog.dismiss()

        page.on("request", lambda request: asked.append(request.url))
        page.on("dialog", dismiss)
        response = page.goto(f"{address}/total/coffee")
        assert response is not None
        assert response.status == 500
        expect(page.get_by_role("heading", level=1)).to_contain_text("there is no coffee")
        expect(page.get_by_role("heading", level=2)).to_contain_text("Caused by KeyError: 'coffee'")
        expect(page.locator(".failed").first).to_contain_text("raise LookupError")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert [url for url in asked if not url.startswith(f"{address}/")] == []
        assert dialogs == []
        page.close()


def test_serve_never_shows_the_page(folder: Path, browser: Browser) -> None:
    with run_emmett(folder, "serve", "--port", "0") as running:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port_of(running)}/total/coffee")
        expect(page.locator("body")).to_have_text("Internal Server Error")
        page.close()
