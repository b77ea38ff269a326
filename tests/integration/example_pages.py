"""The pages of an example in Chromium, served by a separate process, as users run it."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.tools import chromium_for_pages

ROOT = Path(__file__).parents[2]
DEADLINE = 20.0
CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# What a finger can hit (WCAG 2.2, 2.5.5), in CSS pixels.
TOUCH_TARGET = 44

expect.set_options(timeout=DEADLINE * 1000)


class ExampleServer:
    """An example in a process of its own.

    Arguments:
        name: the folder of the example.
        port: where it listens; 0 for a free one.
        environment: variables for the process, beside those of the test run.
        path: the application, if it is no example.

    Attributes:
        url: where its page is.
    """

    def __init__(
        self, name: str, port: int = 0, environment: dict[str, str] | None = None, path: str | None = None
    ) -> None:
        command = [sys.executable, "-m", "emmett", "-a", path or f"examples/{name}/app.py", "serve"]
        self._process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1", **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._output: list[str] = []
        self._started = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        in_time = self._started.wait(DEADLINE)
        found = re.search(r"http://127\.0\.0\.1:\d+", self.output)
        if not in_time or found is None:
            self.stop()
            pytest.fail(f"the {name} did not start:\n{self.output}", pytrace=False)
        self.url = found.group()

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 0

    @property
    def output(self) -> str:
        """The output so far."""
        return "".join(self._output)

    def stop(self) -> int:
        """Stop it as a service manager does, and return its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(DEADLINE)
        finally:
            self._process.kill()
            self._reader.join(DEADLINE)
            assert self._process.stdout is not None
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._output.append(line)
            if "http://127.0.0.1:" in line:
                self._started.set()
        self._started.set()


class Visitors:
    """Opens the pages of an example for several people, and records problems of the pages.

    Attributes:
        problems: errors in the console, uncaught errors, requests to other hosts.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.problems: list[str] = []

    def visit(self, server: ExampleServer, script: str = "", **options: Any) -> Page:
        """Open the page of a server for one more person.

        Arguments:
            server: whose page.
            script: runs before those of the page.
            options: of the browser context, as playwright takes them.
        """
        context = self._browser.new_context(**options)
        self._contexts.append(context)
        if script:
            context.add_init_script(script)
        context.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        context.on("weberror", lambda error: self._note(True, str(error.error)))
        context.on("request", lambda request: self._check_host(server, request.url))
        page = context.new_page()
        page.on("websocket", lambda websocket: self._check_host(server, websocket.url))
        page.goto(server.url)
        return page

    def forgive(self, text: str) -> None:
        """Forget the problems that contain a text: the browser's reports of a fault that the test caused."""
        self.problems = [problem for problem in self.problems if text not in problem]

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()

    def _check_host(self, server: ExampleServer, url: str) -> None:
        self._note(urlsplit(url).netloc != urlsplit(server.url).netloc, f"a request to {url}")

    def _note(self, is_problem: bool, text: str) -> None:
        if is_problem:
            self.problems.append(text)


def stop_clock(page: Page) -> None:
    """Stop the timers of a page, so that only the test decides when it tries again."""
    page.clock.install()
    # Far enough ahead to be still in the future when the browser gets it.
    page.clock.pause_at(page.evaluate("Date.now()") + 60_000)


@contextlib.contextmanager
def run_chromium() -> Iterator[Browser]:
    """Run Chromium without a window."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_for_pages(), args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()
