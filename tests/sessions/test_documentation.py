"""The parts of docs/sessions.md besides its transcripts: the login, and the tables of options."""

from __future__ import annotations

import inspect
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from emmett.sessions import SessionManager
from tests.docs.pages import page
from tests.docs.programs import programs_of
from tests.integration.servers import Running, run_emmett

PAGE = page("docs/sessions.md")


def visitor(running: Running) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", verify=False)


async def test_the_login_and_the_logout_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSWORD", "open sesame")
    (program,) = [each for each in programs_of(PAGE) if "PASSWORD" in each.files["app.py"]]
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running, visitor(running) as client:
            for name, password in (("ann", "guessed"), ("bob", "open sesame"), ("ann", "é"), ("", "")):
                await client.post("/login", data={"name": name, "password": password})
                assert (await client.get("/")).text == "Who are you?"
            await client.post("/login", data={"name": "ann", "password": "open sesame"})
            assert (await client.get("/")).text == "Hello, ann"
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            async with connect(f"{running.url}/news", additional_headers={"Cookie": cookie}) as news:
                assert await news.recv() == "Welcome, ann"
                await client.post("/logout")
                with pytest.raises(ConnectionClosed, match=r"1008 .*logged out"):
                    await news.recv()
            assert (await client.get("/")).text == "Who are you?"


async def test_a_function_runs_on_all_nodes(tmp_path: Path) -> None:
    (program,) = [each for each in programs_of(PAGE) if "/minimum-age" in each.files["app.py"]]
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running, visitor(running) as client:
            cookies = []
            for age in (12, 30):
                client.cookies.clear()
                await client.post(f"/login/{age}")
                cookies.append("; ".join(f"{name}={value}" for name, value in client.cookies.items()))
            url = f"{running.url}/adults"
            async with (
                connect(url, additional_headers={"Cookie": cookies[0]}) as child,
                connect(url, additional_headers={"Cookie": cookies[1]}) as adult,
            ):
                assert (await client.post("/minimum-age/18")).text == "announced"
                with pytest.raises(ConnectionClosed, match=r"4403 .*too young"):
                    await child.recv()
                await (await adult.ping())


def defaults_of(name: str) -> dict[str, object]:
    return {key: each.default for key, each in inspect.signature(getattr(SessionManager, name)).parameters.items()}


def test_the_common_options_are_documented() -> None:
    rows = PAGE.table("option", "default", "meaning")
    documented = {option.strip("`"): default.strip("`") for option, default, _ in rows}
    for kind in ("cookies", "memory", "redis"):
        defaults = defaults_of(kind)
        assert documented == {option: str(defaults[option]).replace("Lax", '"Lax"') for option in documented}


def test_the_bounds_of_stores_are_documented() -> None:
    documented: dict[str, set[str]] = {"memory": set(), "redis": set()}
    for option, default, kinds, _ in PAGE.table("option", "default", "of", "what it bounds"):
        for kind in documented if kinds == "both" else [kinds.strip("`")]:
            name = option.strip("`")
            documented[kind].add(name)
            assert default.replace(",", "").strip('`"') == str(defaults_of(kind)[name])
    common = set(defaults_of("cookies")) | {"url"}
    assert documented == {kind: set(defaults_of(kind)) - common for kind in documented}
