"""The behaviour of proxies: each cell of the table in docs/deployment.md is measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import page
from tests.integration import proxy_probes
from tests.integration.proxy_recipes import PAGE, RECIPES, with_tools

every_proxy = pytest.mark.parametrize("name", [with_tools(name) for name in RECIPES])
TITLES = ("proxy", "version", "a visitor can set", "HTTP/2", "a quiet websocket ends after", "holds back")


def row_of(name: str) -> dict[str, str]:
    """Return the row of a proxy, by column."""
    rows = {cells[0].strip("`"): dict(zip(TITLES, cells, strict=True)) for cells in page(PAGE).table(*TITLES)}
    return rows[{"apache2": "Apache", "varnishd": "Varnish"}.get(name, name)]


def listed(cell: str) -> set[str]:
    return set() if cell in ("nothing", "") else {part.strip() for part in cell.split(",")}


@every_proxy
async def test_fields_that_a_visitor_can_set_by_default_are_as_documented(name: str, tmp_path: Path) -> None:
    passed = await proxy_probes.passed_fields(name, tmp_path / "bare", bare=True)
    assert {field.removeprefix("X-Forwarded-") for field in passed} == listed(row_of(name)["a visitor can set"]) | {
        "Forwarded"
    }


@every_proxy
async def test_the_recipe_removes_fields_that_a_visitor_has_set(name: str, tmp_path: Path) -> None:
    passed = await proxy_probes.passed_fields(name, tmp_path / "recipe", bare=False)
    if name == "stunnel":
        assert len(passed) == 5
    elif RECIPES[name].headers == "forwarded":
        assert "Forwarded" not in passed
    else:
        assert passed == {"Forwarded"}


@every_proxy
async def test_support_of_websockets_over_http2_is_as_documented(name: str, tmp_path: Path) -> None:
    taken = await proxy_probes.takes_websockets_over_http2(name, tmp_path / "proxy")
    assert row_of(name)["HTTP/2"].partition(",")[0] == ("yes" if taken else "no")


@every_proxy
async def test_buffering_is_as_documented(name: str, tmp_path: Path) -> None:
    held = set()
    if await proxy_probes.holds_back_responses(name, tmp_path / "responses"):
        held.add("responses")
    if await proxy_probes.holds_back_requests(name, tmp_path / "requests"):
        held.add("request bodies")
    assert held == listed(row_of(name)["holds back"])


@every_proxy
async def test_passing_on_departures_is_as_documented(name: str, tmp_path: Path) -> None:
    await proxy_probes.passes_on_departure_of_visitor(name, tmp_path / "visitor")
    await proxy_probes.passes_on_departure_of_server(name, tmp_path / "server")


@pytest.mark.parametrize("name", [with_tools(name) for name in RECIPES if name not in ("caddy", "traefik")])
async def test_ending_quiet_websockets_is_as_documented(name: str, tmp_path: Path) -> None:
    assert row_of(name)["a quiet websocket ends after"] != "never"
    await proxy_probes.ends_quiet_websockets(name, tmp_path / "proxy")
