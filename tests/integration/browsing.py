"""httpx as the client of an application that runs on a real server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx

from emmett import App
from tests.integration.servers import SERVERS


@contextlib.asynccontextmanager
async def visit(server: str, app: App) -> AsyncIterator[httpx.AsyncClient]:
    """Run an application on one of `SERVERS` and return a client that takes paths for URLs; it keeps cookies.

    It has no timeout of its own; the deadline is that of the test.
    """
    async with (
        SERVERS[server](app) as running,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{running.port}", timeout=None, trust_env=False, verify=False
        ) as client,
    ):
        yield client
