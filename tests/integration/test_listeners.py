"""Listening of the default server: TLS, unix sockets, and as many connections as the process can have open files."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import trustme

from emmett import App, request, websocket
from tests.integration.hostile import echo_app, request_of
from tests.integration.raw_client import RawClient, connect, upgrade_request
from tests.integration.servers import Running, gone, run_emmett
from tests.wire.frame_maker import BINARY, TEXT, client_frame

pytestmark = pytest.mark.loops("asyncio", "uvloop")

TIMEOUT = 0.2
# Well below the defaults of asyncio, 60 seconds, and of emmett, ten.
SOON = 5.0


class Certificate:
    """A certificate for localhost, and a client that trusts it."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        self.certfile, self.keyfile = folder / "cert.pem", folder / "key.pem"
        issued.cert_chain_pems[0].write_to_path(self.certfile)
        issued.private_key_pem.write_to_path(self.keyfile)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        authority.configure_trust(self.client)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path)


@contextlib.asynccontextmanager
async def run_tls(app: App, certificate: Certificate) -> AsyncIterator[Running]:
    files = {"ssl_certfile": str(certificate.certfile), "ssl_keyfile": str(certificate.keyfile)}
    async with run_emmett(app, **files) as running:
        yield running


def telling_app() -> App:
    """Return an application that reports how it sees its peers."""
    app = echo_app()
    app.config.http.head_timeout = TIMEOUT

    @app.websocket("/scheme")
    async def scheme() -> None:
        await websocket.send(f"{websocket.scheme} {websocket.client and websocket.client[0]}")

    @app.route("/scheme")
    async def request_scheme() -> str:
        return f"{request.scheme} {request.client and request.client[0]}"

    return app


async def check_echo(client: RawClient) -> None:
    large = b"x" * 500_000
    await client.upgrade("/echo", behind=client_frame(TEXT, b"hello") + client_frame(BINARY, large))
    assert await client.read_frame() == (TEXT, b"hello")
    assert await client.read_frame() == (BINARY, large)
    assert await client.close() == (1000, "")


async def test_websockets_work_over_tls(certificate: Certificate) -> None:
    async with run_tls(telling_app(), certificate) as running:
        async with connect(running.port, tls=certificate.client) as client:
            await check_echo(client)
        async with connect(running.port, tls=certificate.client) as client:
            client.write(request_of(line=b"GET /scheme HTTP/1.1"))
            assert (await client.read_response())[2] == b"https 127.0.0.1"
            await client.upgrade("/scheme")
            assert await client.read_frame() == (TEXT, b"wss 127.0.0.1")
        await gone(running)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x16",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 32,
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16" * 99,
    ],
    ids=["nothing", "a byte", "half a hello", "plain HTTP", "garbage"],
)
async def test_an_endless_tls_handshake_is_dropped(sent: bytes, certificate: Certificate) -> None:
    async with run_tls(telling_app(), certificate) as running, connect(running.port) as client:
        client.write(sent)
        await client.read_end()
        async with connect(running.port, tls=certificate.client) as other:
            await check_echo(other)


async def test_an_endless_head_over_tls_is_408(certificate: Certificate) -> None:
    async with run_tls(telling_app(), certificate) as running, connect(running.port, tls=certificate.client) as client:
        client.write(upgrade_request("/echo")[:-2])
        assert (await client.read_response())[0] == 408
        await gone(running)


@pytest.mark.parametrize("attack", [request_of(host=None), b"garbage", request_of(b"X: " + b"x" * 65536)])
async def test_a_refused_peer_over_tls_that_does_not_close_is_dropped(attack: bytes, certificate: Certificate) -> None:
    """TLS ends with a message from each side; if the peer's never comes, the connection must still end."""
    async with run_tls(telling_app(), certificate) as running, connect(running.port, tls=certificate.client) as client:
        client.write(attack)
        assert (await client.read_head())[0] in {400, 431}
        cast(asyncio.Transport, client.writer.transport).pause_reading()
        await gone(running)


async def test_a_unix_socket_is_served(tmp_path: Path) -> None:
    path = str(tmp_path / "server.sock")
    async with run_emmett(telling_app(), uds=path) as running:
        async with connect(0, uds=path) as client:
            await check_echo(client)
        async with connect(0, uds=path) as client:
            client.write(request_of(line=b"GET /scheme HTTP/1.1"))
            assert (await client.read_response())[2] == b"http None"
            await client.upgrade("/scheme")
            assert await client.read_frame() == (TEXT, b"ws None")
        async with connect(0, uds=path) as client:
            client.write(b"garbage\r\n\r\n")
            assert (await client.read_response())[0] == 400
        await gone(running)


FEW_FILES = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
import sys
from emmett.server import serve
from tests.integration.hostile import echo_app
serve(echo_app(), uds=sys.argv[1], loop=sys.argv[2], log_level="warning")
"""


async def connectable(path: str) -> None:
    while True:  # the deadline is that of the test
        try:
            _, writer = await asyncio.open_unix_connection(path)
        except OSError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            await writer.wait_closed()
            return


async def test_connections_beyond_the_limit_of_files_get_503(loop_name: str, tmp_path: Path) -> None:
    """The cap is below the limit of files; earlier connections are not affected, and the server recovers."""
    path = str(tmp_path / "server.sock")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", FEW_FILES, path, loop_name, stderr=pipe)
    try:
        await connectable(path)
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connect(0, uds=path)) for _ in range(400)]
            first, late = clients[0], clients[180]
            await first.upgrade("/echo")
            late.write(request_of())
            assert (await late.read_response())[0] == 503
            # Connections far over the cap are dropped at once.
            assert await clients[-1].read_end() == b""
            first.write(client_frame(TEXT, b"hello"))
            assert await first.read_frame() == (TEXT, b"hello")
        async with connect(0, uds=path) as client:
            client.write(request_of(b"Content-Length: 0", line=b"POST /echo HTTP/1.1"))
            assert (await client.read_response())[0] == 200
            await check_echo(client)
    finally:
        process.terminate()
        _, errors = await process.communicate()
    assert process.returncode == 0
    assert b"Traceback" not in errors
    assert b"as many as the server takes" in errors
