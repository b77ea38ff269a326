"""npm centrifuge on Node.js and in Chromium, on two nodes behind nginx: one node is killed, and nothing is lost.

Each scenario runs twice: with websockets, and with an nginx that blocks them.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.integration.example_pages import DEADLINE
from tests.integration.sdk_cluster import running_cluster
from tests.integration.sdk_node import API_KEY
from tests.tools import NODE_FOLDER, tool

# The transports that the SDK may use, and the one that it chooses if nginx blocks websockets.
WAYS = (
    pytest.param(["websocket"], False, id="websocket"),
    pytest.param(["websocket", "http_stream"], True, id="http_stream"),
    pytest.param(["websocket", "sse"], True, id="sse"),
)
FILES = {
    "centrifuge.js": NODE_FOLDER / "node_modules" / "centrifuge" / "dist" / "centrifuge.js",
    "sdk_story.mjs": NODE_FOLDER / "sdk_story.mjs",
}
TELL = """async ([transports, key]) => {
    const { story } = await import("/page/sdk_story.mjs");
    const late = new Promise((_, reject) => AbortSignal.timeout(40_000).addEventListener("abort", reject));
    return await Promise.race([story(Centrifuge, location.origin, transports, key), late]);
}"""

pytestmark = pytest.mark.needs("nginx", "centrifuge")


def check(found: dict[str, Any], transports: list[str]) -> None:
    numbers = list(range(100))
    assert found.pop("nodes") in (["one", "two"], ["two", "one"])
    assert found == {
        "seen": numbers,
        "kept": numbers,
        "present": [True, True],
        "recovered": [False, True],
        "afterwards": True,
        "joined": 2,
        "users": 1,
        "used": [transports[-1]] * 2,
        "tokens": True,
    }


@contextlib.contextmanager
def open_page(browser: Browser, base: str) -> Iterator[Page]:
    """Open an empty page of the application, which finds the SDK and the story."""
    page = browser.new_page()
    page.route("**/page/*", lambda route: route.fulfill(path=FILES[Path(route.request.url).name]))
    page.goto(f"{base}/page")
    page.add_script_tag(url="/page/centrifuge.js")
    try:
        yield page
    finally:
        page.close()


@pytest.mark.parametrize(("transports", "blocks"), WAYS)
def test_nothing_is_lost_on_node(transports: list[str], blocks: bool) -> None:
    with running_cluster(blocks_websockets=blocks) as base:
        command = [tool("centrifuge"), "sdk_story_node.mjs", base, API_KEY, *transports]
        result = subprocess.run(
            command, cwd=NODE_FOLDER, capture_output=True, text=True, timeout=2 * DEADLINE, check=False
        )
    assert result.returncode == 0, result.stderr
    check(json.loads(result.stdout), transports)


@pytest.mark.needs("chromium")
@pytest.mark.parametrize(("transports", "blocks"), WAYS)
def test_nothing_is_lost_in_a_page(browser: Browser, transports: list[str], blocks: bool) -> None:
    with running_cluster(blocks_websockets=blocks) as base, open_page(browser, base) as page:
        found = page.evaluate(TELL, [transports, API_KEY])
    check(found, transports)
