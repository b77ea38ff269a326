"""Fixtures of the tests with real peers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.integration.example_pages import run_chromium
from tests.nats import running_nats
from tests.valkey import running_valkey


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, closed after each module, because the event loops of tests cannot run at the same time."""
    with run_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module", params=["valkey", "nats"])
def broker(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of a real broker, for each kind of broker."""
    with running_valkey() if request.param == "valkey" else running_nats() as server:
        yield server.url
