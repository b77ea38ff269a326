"""The default server behind a real nginx, with the configuration that docs/deployment.md shows."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import trustme
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from emmett import App
from tests.docs.pages import page
from tests.docs.programs import programs_of
from tests.integration.servers import Running, connectable, run_emmett
from tests.integration.visitors import visitor_app
from tests.ports import free_port
from tests.tools import tool

pytestmark = [pytest.mark.needs("nginx"), pytest.mark.deadline(60)]

PAGE = "docs/deployment.md"
HEADING = "Behind nginx"
NAME = "example.com"
ORIGIN = Origin(f"https://{NAME}")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Proxy(NamedTuple):
    """An nginx that runs.

    Fields:
        port: where it listens on 127.0.0.1, with TLS.
        tls: trusts its certificate.
    """

    port: int
    tls: ssl.SSLContext

    def websocket(self, path: str, **options: Any) -> connect_websocket:
        """Connect as a page of the site does, with the default port of https in its address."""
        options = {"origin": ORIGIN, "ssl": self.tls, "host": "127.0.0.1", "port": self.port, **options}
        return connect_websocket(f"wss://{NAME}{path}", proxy=None, **options)

    def http(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": NAME, **headers},
            verify=self.tls,
            trust_env=False,
        )


def documented(changes: dict[str, str], folder: Path) -> str:
    """Put the part of the document, with a few changes, into a whole configuration that needs no rights."""
    (part,) = (block.text for block in page(PAGE).blocks if block.language == "nginx" and block.heading == HEADING)
    for before, after in changes.items():
        assert part.count(before) == 1, f"{before!r} should stand once in the configuration of {PAGE}"
        part = part.replace(before, after)
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in TEMPORARY)
    return f"""
        daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{}}
        http {{
            access_log off;
            {temporary}
            {part}
        }}
    """


@contextlib.asynccontextmanager
async def run_nginx(upstream: str, folder: Path) -> AsyncIterator[Proxy]:
    """Run nginx in the foreground, as this user, in front of a server."""
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME, "127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    port = free_port()
    changes = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/ssl/example.com.pem": str(folder / "cert.pem"),
        "/etc/ssl/example.com.key": str(folder / "key.pem"),
        "http://127.0.0.1:8000": upstream,
    }
    configuration = folder / "nginx.conf"
    configuration.write_text(documented(changes, folder), "utf-8")
    errors = folder / "error.log"
    process = await asyncio.create_subprocess_exec(
        *(tool("nginx"), "-p", str(folder), "-e", str(errors), "-c", str(configuration)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    ended = asyncio.create_task(process.wait())
    listening = asyncio.create_task(connectable(port))
    try:
        await asyncio.wait((listening, ended), return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), f"nginx ended with {process.returncode}: {errors.read_text('utf-8')}"
        yield Proxy(port, tls)
    finally:
        listening.cancel()
        if process.returncode is None:
            process.terminate()
        await ended


@contextlib.asynccontextmanager
async def run_behind(kind: str, folder: Path, *trusted: str, app: App | None = None) -> AsyncIterator[Proxy]:
    """Run an application behind nginx, over TCP or over a unix socket."""
    app = app or visitor_app(*trusted)
    path = str(folder / "web.sock")
    server: contextlib.AbstractAsyncContextManager[Running]
    server = run_emmett(app, uds=path) if kind == "unix" else run_emmett(app)
    async with server as running:
        upstream = f"http://unix:{path}" if kind == "unix" else f"http://127.0.0.1:{running.port}"
        async with run_nginx(upstream, folder) as proxy:
            yield proxy


over_both = pytest.mark.parametrize(("kind", "trusted"), [("tcp", "127.0.0.1"), ("unix", "unix")], ids=["tcp", "unix"])


async def receive_visitor(client: ClientConnection) -> Any:
    return httpx.Response(200, content=await client.recv()).json()


@over_both
async def test_client_scheme_and_host(kind: str, trusted: str, tmp_path: Path) -> None:
    async with run_behind(kind, tmp_path, trusted) as proxy:
        async with proxy.http() as client:
            for _ in range(3):
                answer = (await client.get("/visitor")).json()
                assert answer == {"client": ["127.0.0.1", 0], "scheme": "https", "host": NAME}
        async with proxy.websocket("/visitor") as websocket:
            assert await receive_visitor(websocket) == {"client": ["127.0.0.1", 0], "scheme": "wss", "host": NAME}


async def test_a_visitor_with_an_address_of_its_own(tmp_path: Path) -> None:
    """Linux has the whole of 127.0.0.0/8: the visitor is 127.0.0.2, nginx itself 127.0.0.1."""
    async with run_behind("tcp", tmp_path, "127.0.0.1") as proxy:
        async with proxy.websocket("/visitor", local_addr=("127.0.0.2", 0)) as websocket:
            assert (await receive_visitor(websocket))["client"] == ["127.0.0.2", 0]
        transport = httpx.AsyncHTTPTransport(verify=proxy.tls, local_address="127.0.0.2")
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            answer = await client.get(f"https://127.0.0.1:{proxy.port}/visitor")
            assert answer.json() == {"client": ["127.0.0.2", 0], "scheme": "https", "host": f"127.0.0.1:{proxy.port}"}


@over_both
async def test_nothing_of_what_a_visitor_forges_gets_through(kind: str, trusted: str, tmp_path: Path) -> None:
    forged = {
        "X-Forwarded-For": "6.6.6.6, 127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Port": "81",
        "Forwarded": 'for=6.6.6.6;proto=http;host=evil.example, for="',
    }
    async with run_behind(kind, tmp_path, trusted) as proxy:
        source = ("127.0.0.2", 0)
        async with proxy.websocket("/visitor", additional_headers=forged, local_addr=source) as websocket:
            assert await receive_visitor(websocket) == {"client": [source[0], 0], "scheme": "wss", "host": NAME}


@over_both
async def test_messages_of_all_sizes(kind: str, trusted: str, tmp_path: Path) -> None:
    async with run_behind(kind, tmp_path, trusted) as proxy, proxy.websocket("/echo", compression=None) as client:
        for size in (0, 1, 125, 126, 65535, 65536, 1_000_000, 1024 * 1024):
            await client.send("x" * size)
            assert await client.recv() == "x" * size
            await client.send(bytes(size))
            assert await client.recv() == bytes(size)
        await (await client.ping())


@over_both
async def test_close_codes_pass_in_both_directions(kind: str, trusted: str, tmp_path: Path) -> None:
    async with run_behind(kind, tmp_path, trusted) as proxy:
        for code in (1000, 1011, 3000, 4999):
            async with proxy.websocket(f"/leave/{code}") as client:
                with pytest.raises(ConnectionClosed):
                    await client.recv()
                assert (client.close_code, client.close_reason) == (code, "as you wish")
        async with proxy.websocket("/echo") as client:
            await client.close(4001, "enough")
            assert client.close_code == 4001
        async with proxy.websocket("/echo", compression=None) as client:
            await client.send(bytes(1024 * 1024 + 1))
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1009


async def test_pages_of_the_site_may_connect_and_others_not(tmp_path: Path) -> None:
    async with run_behind("tcp", tmp_path, "127.0.0.1") as proxy:
        async with proxy.websocket("/echo", origin=ORIGIN):
            pass
        for origin in (f"http://{NAME}", "https://evil.example", f"https://{NAME}:8443"):
            assert await refusal(proxy, Origin(origin)) == 403


async def test_without_the_setting(tmp_path: Path) -> None:
    async with run_behind("unix", tmp_path) as proxy:
        assert await refusal(proxy, ORIGIN) == 403
        async with proxy.http() as client:
            answer = (await client.get("/visitor")).json()
            assert answer == {"client": None, "scheme": "http", "host": NAME}


async def refusal(proxy: Proxy, origin: Origin) -> int:
    """Connect as a page of an origin that may not; returns the status."""
    with pytest.raises(InvalidStatus) as refused:
        await proxy.websocket("/echo", origin=origin)
    return refused.value.response.status_code


async def test_the_program_of_the_document(tmp_path: Path) -> None:
    (program,) = (program for program in programs_of(page(PAGE)) if program.blocks[0].heading == HEADING)
    with program.loaded(tmp_path) as app:
        async with run_behind("tcp", tmp_path, app=app) as proxy:
            async with proxy.http() as client:
                assert (await client.get("/")).text == f"You are 127.0.0.1, at https://{NAME}"
            async with proxy.websocket("/echo") as websocket:
                await websocket.send("Hello")
                assert await websocket.recv() == "Hello"
