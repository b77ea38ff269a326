"""The default server behind nginx over a unix socket, and the program that docs/deployment.md shows next to nginx.

test_proxy_recipes.py tests what all proxies must do.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.docs.pages import page
from tests.docs.programs import programs_of
from tests.integration.proxies import Proxy, run_proxy
from tests.integration.proxy_recipes import NAME, PAGE, RECIPES
from tests.integration.servers import run_emmett
from tests.integration.visitors import visitor_app

pytestmark = pytest.mark.needs("nginx")


@contextlib.asynccontextmanager
async def run_behind_unix_socket(folder: Path, *trusted: str) -> AsyncIterator[Proxy]:
    """Run an application on a unix socket, behind nginx."""
    path = str(folder / "web.sock")
    async with run_emmett(visitor_app(*trusted), uds=path), run_proxy("nginx", f"unix:{path}", folder) as proxy:
        yield proxy


async def test_a_unix_socket_works_with_nginx(tmp_path: Path) -> None:
    forged = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example"}
    async with run_behind_unix_socket(tmp_path, "unix") as proxy:
        async with proxy.http(**forged) as client:
            answer = (await client.get("/visitor")).json()
            assert answer == {"client": ["127.0.0.1", 0], "scheme": "https", "host": NAME}
        async with proxy.websocket("/visitor", additional_headers=forged) as websocket:
            answer = json.loads(await websocket.recv())
            assert answer == {"client": ["127.0.0.1", 0], "scheme": "wss", "host": NAME}
        async with proxy.websocket("/echo", compression=None) as websocket:
            for size in (0, 65536, 1024 * 1024):
                await websocket.send(bytes(size))
                assert await websocket.recv() == bytes(size)
        async with proxy.websocket("/leave/4999") as websocket:
            with pytest.raises(ConnectionClosed):
                await websocket.recv()
            assert (websocket.close_code, websocket.close_reason) == (4999, "as you wish")


async def test_without_the_setting_proxy_headers_are_ignored(tmp_path: Path) -> None:
    async with run_behind_unix_socket(tmp_path) as proxy:
        with pytest.raises(InvalidStatus) as refused:
            await proxy.websocket("/echo")
        assert refused.value.response.status_code == 403
        async with proxy.http() as client:
            answer = (await client.get("/visitor")).json()
            assert answer == {"client": None, "scheme": "http", "host": NAME}


async def test_the_program_of_the_document_works(tmp_path: Path) -> None:
    heading = RECIPES["nginx"].heading
    (program,) = (program for program in programs_of(page(PAGE)) if program.blocks[0].heading == heading)
    with program.loaded(tmp_path) as app:
        async with run_emmett(app) as running, run_proxy("nginx", f"127.0.0.1:{running.port}", tmp_path) as proxy:
            async with proxy.http() as client:
                assert (await client.get("/")).text == f"You are 127.0.0.1, at https://{NAME}"
            async with proxy.websocket("/echo") as websocket:
                await websocket.send("Hello")
                assert await websocket.recv() == "Hello"
