"""Sessions over real servers: a websocket reads the values of a request; a logout closes the user's websockets."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from emmett import App, abort, redirect, request, session, websocket
from emmett.sessions import SessionManager, SessionPipe
from tests.integration.raw_client import connect as connect_raw
from tests.integration.servers import SERVERS, Running, gone, run_emmett

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning"),
]

PIPES = {"cookies": lambda: SessionManager.cookies("a secret of many characters"), "memory": SessionManager.memory}


def make_app(sessions: SessionPipe) -> App:
    app = App(__name__)
    app.pipeline = [sessions]
    app.on_shutdown(sessions.shutdown)

    @app.route("/login", methods="post")
    async def login() -> None:
        await sessions.renew()
        session.user = (await request.body_params).name
        redirect("/me")

    @app.route("/me")
    async def me() -> str:
        if not session.user:
            abort(403)
        return str(session.user)

    @app.route("/logout", methods="post")
    async def logout() -> str:
        await sessions.end()
        return "goodbye"

    @app.route("/ban/<str:name>", methods="post")
    async def ban(name: str) -> str:
        return str(await sessions.close_websockets(lambda known: known.user == name, code=4003, reason="banned"))

    @app.websocket("/live")
    async def live() -> None:
        await websocket.send(f"hello {session.user}")
        while True:
            await websocket.send(f"{session.user}: {await websocket.receive_text()}")

    return app


def browser(running: Running) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{running.port}", follow_redirects=True, verify=False)


def cookies_of(client: httpx.AsyncClient) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def live(running: Running, client: httpx.AsyncClient) -> connect:
    cookies = cookies_of(client)
    return connect(f"{running.url}/live", additional_headers={"Cookie": cookies} if cookies else {})


async def closed(client: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as raised:
        await client.recv()
    assert raised.value.rcvd is not None
    return raised.value.rcvd.code, raised.value.rcvd.reason


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("kind", PIPES)
async def test_a_session_lasts_from_login_to_logout(server: str, kind: str) -> None:
    async with SERVERS[server](make_app(PIPES[kind]())) as running, browser(running) as ann, browser(running) as bob:
        assert (await ann.get("/me")).status_code == 403
        for client, name in ((ann, "ann"), (bob, "bob")):
            answer = await client.post("/login", data={"name": name})
            assert (answer.status_code, answer.text) == (200, name)
        async with live(running, ann) as one, live(running, ann) as two, live(running, bob) as other:
            for websocket_client, name in ((one, "ann"), (two, "ann"), (other, "bob")):
                assert await websocket_client.recv() == f"hello {name}"
            answer = await ann.post("/logout")
            assert (answer.text, dict(ann.cookies)) == ("goodbye", {})
            assert await closed(one) == await closed(two) == (1008, "logged out")
            assert (await ann.get("/me")).status_code == 403
            await other.send("still here")
            assert await other.recv() == "bob: still here"
            assert (await ann.post("/ban/bob")).text == "1"
            assert await closed(other) == (4003, "banned")
        async with live(running, ann) as nobody:
            assert await nobody.recv() == "hello None"


@pytest.mark.loops("asyncio", "uvloop")
@pytest.mark.parametrize("kind", PIPES)
async def test_visitors_on_one_connection_have_separate_sessions(kind: str) -> None:
    """A proxy sends the requests of many visitors over one connection."""
    async with run_emmett(make_app(PIPES[kind]())) as running, connect_raw(running.port) as proxy:
        cookies = []
        for body in (b"name=ann", b"name=bob"):
            form = b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
            proxy.write(b"POST /login HTTP/1.1\r\nHost: localhost\r\n" + form + body)
            status, fields, _ = await proxy.read_response()
            assert status == 303
            cookies.append(fields["set-cookie"].partition(";")[0].encode())
        for cookie in (*cookies, b"a=b", *cookies):
            proxy.write(b"GET /me HTTP/1.1\r\nHost: localhost\r\nCookie: " + cookie + b"\r\n\r\n")
        seen = [(await proxy.read_response())[::2] for _ in range(5)]
        assert seen == [(200, b"ann"), (200, b"bob"), (403, b"Forbidden"), (200, b"ann"), (200, b"bob")]


@pytest.mark.loops("asyncio", "uvloop")
async def test_a_logout_closes_many_websockets_and_one_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emmett.sessions.sockets.GRACE", 0.05)
    sessions = SessionManager.memory()
    app = make_app(sessions)

    @app.websocket("/flood")
    async def flood() -> None:
        while True:
            await websocket.send(b"x" * 100_000)

    async with run_emmett(app) as running, browser(running) as ann, connect_raw(running.port) as deaf:
        await ann.post("/login", data={"name": "ann"})
        await deaf.upgrade("/flood", f"Cookie: {cookies_of(ann)}".encode())
        clients = [await live(running, ann) for _ in range(20)]
        await asyncio.gather(*(client.recv() for client in clients))
        assert len(sessions._live.sockets) == 21
        assert (await ann.post("/logout")).text == "goodbye"
        assert [await closed(client) for client in clients] == [(1008, "logged out")] * 20
        # It continues to read: messages sent before, and then the Close frame.
        assert await deaf.read_close() == (1008, "logged out")
        deaf.writer.close()
        await ann.aclose()
        await gone(running)
        assert len(sessions._live.sockets) == 0
