"""The chat in Chromium: its visitors, their messages, and a cluster."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.example_pages import DEADLINE, ROOT, ExampleServer, Visitors
from tests.ports import free_port

# Keeps a page's reference to its connections, so that a test can cut them.
KEEP_SOCKETS = """
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
        constructor(...args) { super(...args); sockets.push(this); }
    };
"""


class ChatServer(ExampleServer):
    """The chat on one node. All nodes have the same key, so a name survives a restart."""

    def __init__(self, port: int = 0) -> None:
        super().__init__("chat", port, {"EMMETT_CHAT_KEY": "only for this test", "EMMETT_BROKER": "memory"})


class ChatCluster:
    """The chat on two nodes, as `make cluster` runs it.

    Attributes:
        url: where nginx listens.
    """

    def __init__(self, *options: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "examples/chat/cluster.py", "--port", str(port), *options]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._output: list[str] = []
        self._changed = threading.Condition()
        self._has_ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for(re.escape(f"The chat is at {self.url}"))

    @property
    def output(self) -> str:
        """The output so far."""
        return "".join(self._output)

    @property
    def processes(self) -> dict[str, int]:
        """The running programs by name, as last printed."""
        found = re.findall(r"^(.+?)(?:: | is back, )process (\d+)$", self.output, re.MULTILINE)
        return {name: int(pid) for name, pid in found}

    def wait_for(self, pattern: str) -> None:
        """Wait until a pattern appears in the output."""
        with self._changed:
            is_there = self._changed.wait_for(lambda: self._has_ended or re.search(pattern, self.output), 2 * DEADLINE)
        if not is_there or not re.search(pattern, self.output):
            self.stop()
            pytest.fail(f"the cluster did not print {pattern!r}:\n{self.output}", pytrace=False)

    def kill(self, name: str) -> None:
        """Kill one of its programs."""
        os.kill(self.processes[name], signal.SIGKILL)

    def stop(self, number: int = signal.SIGINT) -> int:
        """Stop it as Ctrl-C does, and return its exit status."""
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, and return its exit status."""
        try:
            return self._process.wait(2 * DEADLINE)
        finally:
            self._process.kill()
            self._reader.join(DEADLINE)
            assert self._process.stdout is not None
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._output.append(line)
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()


class ChatVisitors(Visitors):
    """The visitors of the chat."""

    def enter(
        self, server: ExampleServer | ChatCluster, name: str, room: str = "tea", script: str = "", **options: Any
    ) -> Page:
        """Let a visitor enter through the form, and wait until the page is live."""
        page = self.visit(server, KEEP_SOCKETS + script, **options)  # type: ignore[arg-type]
        page.get_by_label("Your name").fill(name)
        page.get_by_role("combobox", name="Room").fill(room)
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("heading", name=f"# {room}")).to_be_visible()
        expect_live(page)
        return page


def expect_live(page: Page) -> None:
    expect(page.get_by_role("status")).to_have_text("Live")


def node_of(page: Page) -> str:
    """Return the node that a page is connected to."""
    return (page.locator("#node").text_content() or "").removeprefix("on ")


def texts(page: Page) -> Locator:
    """Return the texts of the messages."""
    return page.locator("#messages .message .text")


def people(page: Page) -> Locator:
    """Return the names of those who are present."""
    return page.locator("#people li")


def say(page: Page, text: str) -> None:
    field = page.get_by_label("Message", exact=True)
    field.fill(text)
    field.press("Enter")


def cut(page: Page) -> None:
    """End the connection of a page like a broken network; the page reconnects by itself."""
    page.evaluate("sockets.at(-1).close()")


def take_picture(page: Page, name: str) -> None:
    """Save a screenshot of the page if a folder for it is set."""
    folder = os.environ.get("EMMETT_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"chat_{name}.png", animations="disabled")
