"""Logouts on one of two nodes close websockets on the other, with Valkey and NATS between them."""

from __future__ import annotations

import pytest

from emmett import App, Channels, WebsocketClosed, session, websocket
from emmett.sessions import SessionManager

KEY = "a key that both nodes know, for this test"


def make(broker: str) -> App:
    app = App(__name__)
    sessions = SessionManager.cookies(KEY)
    sessions.connect(app, Channels(app, broker))
    app.pipeline = [sessions]

    @app.route("/login/<str:name>")
    async def login(name: str) -> str:
        session.user = name
        return "welcome"

    @app.route("/logout")
    async def logout() -> str:
        await sessions.end()
        return "bye"

    @app.route("/close/<str:name>")
    async def close(name: str) -> str:
        await sessions.close_websockets({"user": name}, 4401, "closed")
        return "closed"

    @app.websocket("/live")
    async def live() -> None:
        await websocket.send(f"hello {session.user}")
        await websocket.wait_closed()

    return app


@pytest.mark.parametrize(("path", "ending"), [("/logout", (1008, "logged out")), ("/close/ann", (4401, "closed"))])
async def test_a_logout_reaches_the_other_node(broker: str, path: str, ending: tuple[int, str]) -> None:
    async with make(broker).test_client_async() as here, make(broker).test_client_async() as there:
        await here.get("/login/ann")
        async with there.websocket("/live", cookies=dict(here.cookies)) as elsewhere:
            assert await elsewhere.receive() == "hello ann"
            await here.get(path)
            with pytest.raises(WebsocketClosed) as closed:
                await elsewhere.receive()
            assert (closed.value.code, closed.value.reason) == ending
