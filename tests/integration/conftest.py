"""Fixtures of the tests with real peers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.integration.example_pages import run_chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; no longer than a module, since event loops of tests cannot run while it does."""
    with run_chromium() as chromium:
        yield chromium
