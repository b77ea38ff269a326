"""Real clients against the probe: the measurements show their behaviour."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from clients import measure
from clients.catalogue import SCRIPTS, Client
from tests.tools import tool


def python(script: str, greeting: str = "") -> Client:
    """Return a client that runs on the Python of the tests, where its library is installed too."""

    def command(urls: list[str], files: Path) -> list[str]:
        return [sys.executable, str(SCRIPTS / "python" / f"{script}.py"), *urls]

    return Client(script, script, command, greeting)


WEBSOCKETS = python("websockets_client")
AIOHTTP = python("aiohttp_client")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause only for a moment: whether a frame is in time follows from the order of frames."""
    monkeypatch.setattr(measure, "PAUSE", 1.1)


@pytest.mark.parametrize("client", [WEBSOCKETS, AIOHTTP], ids=lambda client: client.name)
async def test_the_messages_pings_and_closes_of_a_client_are_measured(client: Client) -> None:
    found = await measure.measure_talk(client)
    assert found["origin"] is None
    assert ("permessage-deflate" in (found["extensions"] or "")) == (client is WEBSOCKETS)
    assert found["pong waiting"]
    assert found["frames"] == [1_000_000]
    assert (found["close"]["code"], found["close"]["reason"]) == (4401, measure.REASON)


async def test_aiohttp_answers_no_ping_while_the_program_is_busy() -> None:
    assert (await measure.measure_talk(AIOHTTP))["pong busy"] is False


async def test_a_message_over_the_limit_is_refused_with_a_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SIZES", (65_536, 1024 * 1024, 1024 * 1024 + 1))
    assert await measure.measure_sizes(WEBSOCKETS) == {"largest": 1024 * 1024, "too large": 1009}


async def test_a_program_sees_the_status_of_a_refusal() -> None:
    assert (await measure.measure_refusal(WEBSOCKETS))["status"] == 403
    assert (await measure.measure_refusal(AIOHTTP))["status"] == 403


async def test_a_client_that_sends_no_ping_in_time_sends_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "IDLE", 0.05)
    assert await measure.measure_idle(AIOHTTP) == {"pings after": None}


async def test_a_loop_over_connections_reconnects_after_every_code_but_not_after_403(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure, "ENDS", (1000, 4401, "dropped", "403"))
    monkeypatch.setattr(measure, "RETURN_TIMEOUT", 4.0)
    found = await measure.measure_return(python("websockets_return"))
    assert found.pop("403") is None
    assert {end for end, wait in found.items() if wait is not None} == {"1000", "4401", "dropped"}


@pytest.mark.needs("chromium")
async def test_a_page_sees_codes_but_not_the_status_of_a_refusal() -> None:
    def command(urls: list[str], files: Path) -> list[str]:
        flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={files}")
        return [tool("chromium"), *flags, *urls]

    page = Client("chromium", "Chromium", command, is_page=True)
    found = await measure.measure_talk(page)
    assert found["origin"] == f"http://{found['host']}"
    assert (found["close"]["code"], found["close"]["reason"]) == (4401, measure.REASON)
    refused = await measure.measure_refusal(page)
    assert (refused["status"], refused["code"], refused["reason"]) == (None, 1006, "")
