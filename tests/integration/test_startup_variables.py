"""Context variables of start-up functions are set in every handler, on every server and in the test client."""

from __future__ import annotations

from contextvars import ContextVar

import httpx
import pytest
from websockets.asyncio.client import connect

from emmett import App, websocket
from tests.integration.servers import SERVERS

trail: ContextVar[str] = ContextVar("trail", default="-")


def make_app() -> App:
    app = App(__name__)

    @app.on_startup
    def set_trail() -> None:
        trail.set("start-up")

    @app.on_startup
    async def go_on() -> None:
        trail.set(f"{trail.get()}, twice")

    @app.route("/page")
    async def page() -> str:
        before = trail.get()
        trail.set("a request")
        return before

    @app.websocket("/live")
    async def live() -> None:
        await websocket.send(trail.get())

    return app


# uvicorn's older implementation uses an API of websockets that is deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning")
@pytest.mark.parametrize("server", SERVERS)
async def test_variables_are_set_on_every_server(server: str) -> None:
    async with SERVERS[server](make_app()) as running:
        async with httpx.AsyncClient(verify=False) as client:
            for _ in range(2):
                assert (await client.get(f"http://127.0.0.1:{running.port}/page")).text == "start-up, twice"
        async with connect(f"{running.url}/live") as live:
            assert await live.recv() == "start-up, twice"


async def test_variables_are_set_in_the_test_client() -> None:
    async with make_app().test_client_async() as client:
        for _ in range(2):
            assert (await client.get("/page")).text == "start-up, twice"
        async with client.websocket("/live") as live:
            assert await live.receive() == "start-up, twice"
