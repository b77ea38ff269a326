"""Clients behind proxies, on the default server; the proxy is played by the test (reliability, line 19)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emmett import App, websocket
from emmett.errors import ConfigurationError
from tests.integration.hostile import request_of
from tests.integration.raw_client import RawClient, connect, upgrade_request
from tests.integration.servers import gone, run_emmett
from tests.integration.visitors import visitor_app

pytestmark = pytest.mark.loops("asyncio", "uvloop")

TLS_PROXY = (b"X-Forwarded-For: 192.0.2.1", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: shop.example")
SPOOFS = [
    (b"X-Forwarded-For: 6.6.6.6", b"X-Forwarded-Proto: https", b"X-Forwarded-Host: evil.example"),
    (b"Forwarded: for=6.6.6.6;proto=https;host=evil.example",),
]


async def ask(client: RawClient, *fields: bytes) -> dict[str, Any]:
    """Return how the application sees this client, according to a request."""
    client.write(request_of(*fields, line=b"GET /visitor HTTP/1.1"))
    status, _, body = await client.read_response()
    assert status == 200
    answer: dict[str, Any] = json.loads(body)
    return answer


async def ask_both(port: int, *fields: bytes, uds: str | None = None) -> dict[str, Any]:
    """Ask by a request and by a websocket; they must agree. The port of the client is left out where it is its own."""
    async with connect(port, uds=uds) as client:
        answer = await ask(client, *fields)
        own = client.writer.get_extra_info("sockname")
        await client.upgrade("/visitor", *fields)
        told: dict[str, Any] = json.loads((await client.read_frame())[1])
    assert told == {**answer, "scheme": {"http": "ws", "https": "wss"}[answer["scheme"]]}
    if answer["client"] == list(own):
        answer["client"] = "itself"
    return answer


@pytest.mark.parametrize("fields", [*SPOOFS, TLS_PROXY])
@pytest.mark.parametrize("trusted", [(), ("10.0.0.0/8", "unix", "127.0.0.2")], ids=["nobody", "others"])
async def test_an_untrusted_peer_is_not_believed(trusted: tuple[str, ...], fields: tuple[bytes, ...]) -> None:
    async with run_emmett(visitor_app(*trusted)) as running:
        assert await ask_both(running.port, *fields) == {"client": "itself", "scheme": "http", "host": "localhost"}


async def test_a_trusted_peer_is_believed() -> None:
    visitor = {"client": ["192.0.2.1", 0], "scheme": "https", "host": "shop.example"}
    element = b'Forwarded: for="192.0.2.1:4711";proto=https;host=shop.example'
    direct = {"client": "itself", "scheme": "http", "host": "localhost"}
    async with run_emmett(visitor_app("127.0.0.0/8")) as running:
        assert await ask_both(running.port, *TLS_PROXY) == visitor
        assert await ask_both(running.port, *SPOOFS[1], *TLS_PROXY) == visitor
        assert await ask_both(running.port, *SPOOFS[1]) == direct
        assert await ask_both(running.port) == direct
    async with run_emmett(visitor_app("127.0.0.0/8", headers="forwarded")) as running:
        assert await ask_both(running.port, element) == {**visitor, "client": ["192.0.2.1", 4711]}
        assert await ask_both(running.port, *SPOOFS[0], element) == {**visitor, "client": ["192.0.2.1", 4711]}
        assert await ask_both(running.port, *SPOOFS[0]) == direct


async def test_a_client_cannot_forge_its_address_through_the_proxy() -> None:
    forged = [
        (b"X-Forwarded-For: 127.0.0.1, 10.0.0.1, 192.0.2.1",),
        (b"X-Forwarded-For: 6.6.6.6, ,unknown", b"X-Forwarded-For: 192.0.2.1, 10.0.0.7"),
    ]
    async with run_emmett(visitor_app("127.0.0.1", "10.0.0.0/8")) as running:
        for fields in forged:
            assert (await ask_both(running.port, *fields))["client"] == ["192.0.2.1", 0], fields
    forged = [
        (b"Forwarded: for=127.0.0.1, for=192.0.2.1",),
        (b'Forwarded: for="', b"Forwarded: for=192.0.2.1"),
        (b'Forwarded: for="\\, for=192.0.2.1, for=10.0.0.7',),
    ]
    async with run_emmett(visitor_app("127.0.0.1", "10.0.0.0/8", headers="forwarded")) as running:
        for fields in forged:
            assert (await ask_both(running.port, *fields))["client"] == ["192.0.2.1", 0], fields


async def test_invalid_fields_are_ignored() -> None:
    broken = (b"X-Forwarded-For: \xe9,,;", b"X-Forwarded-Proto: gopher", b"X-Forwarded-Host: a b", b'Forwarded: ;;="')
    for headers in ("x-forwarded", "forwarded"):
        async with run_emmett(visitor_app("127.0.0.1", headers=headers)) as running:
            assert await ask_both(running.port, *broken) == {"client": "itself", "scheme": "http", "host": "localhost"}


async def test_requests_of_one_connection_may_have_different_visitors() -> None:
    """A proxy that keeps its connections open sends such requests."""
    async with run_emmett(visitor_app("127.0.0.1")) as running, connect(running.port) as client:
        assert (await ask(client, *TLS_PROXY))["client"] == ["192.0.2.1", 0]
        assert (await ask(client, b"X-Forwarded-For: 192.0.2.2"))["client"] == ["192.0.2.2", 0]
        assert (await ask(client))["client"][0] == "127.0.0.1"
        pipelined = [request_of(field, line=b"GET /visitor HTTP/1.1") for field in TLS_PROXY]
        client.write(b"".join(pipelined) + upgrade_request("/visitor", b"X-Forwarded-For: 192.0.2.3"))
        answers = [json.loads((await client.read_response())[2]) for _ in TLS_PROXY]
        assert [answer["client"][0] for answer in answers] == ["192.0.2.1", "127.0.0.1", "127.0.0.1"]
        assert [answer["scheme"] for answer in answers] == ["http", "https", "http"]
        assert [answer["host"] for answer in answers] == ["localhost", "localhost", "shop.example"]
        assert (await client.read_head())[0] == 101
        assert json.loads((await client.read_frame())[1])["client"] == ["192.0.2.3", 0]


async def test_another_upgrade_uses_the_visitor_too() -> None:
    async with run_emmett(visitor_app("127.0.0.1")) as running, connect(running.port) as client:
        answer = await ask(client, b"Connection: Upgrade", b"Upgrade: h2c", *TLS_PROXY)
        assert answer == {"client": ["192.0.2.1", 0], "scheme": "https", "host": "shop.example"}


async def test_the_peer_of_a_unix_socket_can_be_a_proxy(tmp_path: Path) -> None:
    path = str(tmp_path / "server.sock")
    async with run_emmett(visitor_app("unix"), uds=path) as running:
        visitor = {"client": ["192.0.2.1", 0], "scheme": "https", "host": "shop.example"}
        assert await ask_both(0, *TLS_PROXY, uds=path) == visitor
        nobody = {"client": None, "scheme": "http", "host": "localhost"}
        assert await ask_both(0, b"X-Forwarded-For: unknown", uds=path) == nobody
        await gone(running)
    async with run_emmett(visitor_app("0.0.0.0/0"), uds=path):
        assert await ask_both(0, *TLS_PROXY, uds=path) == {"client": None, "scheme": "http", "host": "localhost"}


async def test_the_origin_is_compared_with_the_host_that_the_visitor_used() -> None:
    async def status(port: int, origin: bytes, *fields: bytes) -> int:
        async with connect(port) as client:
            client.write(upgrade_request("/echo", b"Origin: " + origin, *fields, host=b"shop.example"))
            return (await client.read_head())[0]

    async with run_emmett(visitor_app("127.0.0.1")) as running:
        assert await status(running.port, b"https://shop.example", *TLS_PROXY) == 101
        assert await status(running.port, b"http://shop.example", *TLS_PROXY) == 403
        assert await status(running.port, b"https://shop.example") == 403
        elsewhere = (b"X-Forwarded-Proto: https", b"X-Forwarded-Host: other.example:8443")
        assert await status(running.port, b"https://other.example:8443", *elsewhere) == 101
        assert await status(running.port, b"https://shop.example", *elsewhere) == 403
    async with run_emmett(visitor_app()) as running:
        assert await status(running.port, b"https://shop.example", *TLS_PROXY) == 403


async def test_routes_use_the_host_and_scheme_of_the_visitor() -> None:
    app = visitor_app("127.0.0.1")
    module = app.module(__name__, "shop", hostname="shop.example")

    @module.route("/where")
    async def where() -> str:
        return "the shop"

    @module.websocket("/where", schemes="wss")
    async def talk() -> None:
        await websocket.send("the shop")

    async with run_emmett(app) as running:
        async with connect(running.port) as client:
            client.write(request_of(*TLS_PROXY, line=b"GET /where HTTP/1.1"))
            assert (await client.read_response())[2] == b"the shop"
            client.write(request_of(line=b"GET /where HTTP/1.1"))
            assert (await client.read_response())[0] == 404
            await client.upgrade("/where", *TLS_PROXY)
            assert (await client.read_frame())[1] == b"the shop"
        async with connect(running.port) as client:
            client.write(upgrade_request("/where", TLS_PROXY[2]))
            assert (await client.read_response())[0] == 404


async def test_the_access_logs_show_the_visitor(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "emmett.access")
    caplog.set_level("INFO", "uvicorn.access")
    async with run_emmett(visitor_app("127.0.0.1")) as running:
        await ask_both(running.port, *TLS_PROXY)
        await gone(running)
    lines = {record.name: record.getMessage() for record in caplog.records if record.name.endswith(".access")}
    assert lines["uvicorn.access"].startswith("192.0.2.1:0 - ")
    assert lines["emmett.access"].startswith('192.0.2.1:0 - "WEBSOCKET /visitor" closed')


def test_the_setting_is_checked() -> None:
    app = App(__name__)
    for value in ("*", ["localhost"], ["10.0.0.1/8"], [127], 7, None):
        with pytest.raises(ConfigurationError, match=r"server\.trusted_proxies = .*allowed are addresses such as"):
            app.config.server.trusted_proxies = value  # type: ignore[assignment]
    assert app.config.server.trusted_proxies == ()
    app.config.server.trusted_proxies = ["10.0.0.0/8", "::1", "unix"]
