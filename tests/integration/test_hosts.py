"""Requests and handshakes for hosts that are not served: refused before the application runs (reliability, line 90)."""

from __future__ import annotations

import pytest

from emmett import App, request, websocket
from emmett.environment import DEVELOP
from tests.asgi.peers import WebsocketPeer, fetch
from tests.integration.raw_client import connect, upgrade_request
from tests.integration.servers import SERVERS, run_emmett


def make_app(visits: list[str]) -> App:
    app = App(__name__)

    @app.route("/", methods=["get", "post"])
    async def index() -> str:
        visits.append(request.host)
        return "index"

    @app.websocket("/ws")
    async def talk() -> None:
        visits.append(websocket.headers["host"])
        await websocket.accept()

    return app


async def statuses(port: int, host: bytes, *fields: bytes) -> tuple[int, int]:
    """Return the statuses of a request and of a handshake from a page of the same name."""
    status = await request_status(port, host, *fields)
    async with connect(port) as client:
        client.write(upgrade_request("/ws", b"Origin: http://" + host, *fields, host=host))
        return status, (await client.read_head())[0]


async def request_status(port: int, host: bytes, *fields: bytes) -> int:
    lines = b"".join(field + b"\r\n" for field in fields)
    async with connect(port) as client:
        client.write(b"GET / HTTP/1.1\r\nHost: %b\r\n%b\r\n" % (host, lines))
        return (await client.read_head())[0]


async def test_development_serves_this_machine_but_no_rebound_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DEVELOP, "app:app")
    visits: list[str] = []
    async with run_emmett(make_app(visits)) as running:
        for host in (b"evil", b"evil:%d" % running.port, b"127.0.0.1.evil.com", b"192.0.2.1"):
            assert await statuses(running.port, host) == (421, 421)
        assert not visits
        for host in (b"127.0.0.1:%d" % running.port, b"localhost", b"app.localhost"):
            assert await statuses(running.port, host) == (200, 101)


async def test_production_serves_the_listed_hosts() -> None:
    visits: list[str] = []
    app = make_app(visits)
    app.config.server.allowed_hosts = ["example.com"]
    async with run_emmett(app) as running:
        assert await statuses(running.port, b"evil") == (421, 421)
        assert await statuses(running.port, b"127.0.0.1") == (421, 421)
        assert not visits
        assert await statuses(running.port, b"example.com") == (200, 101)


async def test_with_a_proxy_the_host_is_that_of_the_visitor() -> None:
    visits: list[str] = []
    app = make_app(visits)
    app.config.server.allowed_hosts = ["example.com"]
    app.config.server.trusted_proxies = ["127.0.0.1"]
    async with run_emmett(app) as running:
        assert await statuses(running.port, b"backend", b"X-Forwarded-Host: evil") == (421, 421)
        assert await statuses(running.port, b"example.com", b"X-Forwarded-Host: evil") == (421, 421)
        assert not visits
        # The origin check also uses the visitor's host, so this handshake has no Origin.
        async with connect(running.port) as client:
            client.write(upgrade_request("/ws", b"X-Forwarded-Host: example.com", host=b"backend"))
            assert (await client.read_head())[0] == 101
        assert visits == ["example.com"]


async def test_each_request_of_a_connection_is_checked() -> None:
    visits: list[str] = []
    app = make_app(visits)
    app.config.server.allowed_hosts = ["example.com"]
    async with run_emmett(app) as running, connect(running.port) as client:
        good, bad = (b"GET / HTTP/1.1\r\nHost: %b\r\n\r\n" % host for host in (b"example.com", b"evil"))
        client.write(good + good + bad + good)
        assert [(await client.read_response())[0] for _ in range(3)] == [200, 200, 421]
        assert await client.read_end() == b""
    assert visits == ["example.com", "example.com"]


async def test_a_body_for_another_host_is_not_read_as_a_request() -> None:
    visits: list[str] = []
    app = make_app(visits)
    app.config.server.allowed_hosts = ["example.com"]
    inner = b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"
    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(b"POST / HTTP/1.1\r\nHost: evil\r\nContent-Length: %d\r\n\r\n%b" % (len(inner), inner))
        assert (await client.read_response())[0] == 421
        assert await client.read_end() == b""
    assert not visits


async def test_hosts_are_checked_over_asgi() -> None:
    visits: list[str] = []
    app = make_app(visits)
    app.config.server.allowed_hosts = ["example.com"]
    assert (await fetch(app, headers=[("host", "evil")])).status == 421
    assert (await WebsocketPeer(app, "/ws", [("host", "evil")]).refused())[0] == 421
    assert not visits
    assert (await fetch(app, headers=[("host", "example.com")])).status == 200


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::uvicorn.config.UvicornDeprecationWarning")
@pytest.mark.parametrize("server", SERVERS)
async def test_hosts_are_checked_on_every_server(server: str) -> None:
    visits: list[str] = []
    app = make_app(visits)
    app.config.server.allowed_hosts = ["example.com"]
    async with SERVERS[server](app) as running:
        status, upgrade = await statuses(running.port, b"evil")
        assert status == 421
        # Servers without denial responses respond with 403 in any case.
        assert upgrade in (421, 403)
        assert not visits
        assert await request_status(running.port, b"example.com") == 200
