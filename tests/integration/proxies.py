"""Real proxies in front of the default server, with the configurations that docs/deployment.md shows."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import trustme
from websockets.asyncio.client import connect as connect_websocket
from websockets.typing import Origin

from tests.integration.proxy_recipes import IDLE, NAME, RECIPES, Site, configuration_of
from tests.integration.servers import connectable
from tests.ports import free_port
from tests.tools import tool

ORIGIN = Origin(f"https://{NAME}")


class Proxy(NamedTuple):
    """A running proxy.

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

    def http(self, local_address: str | None = None, **headers: str) -> httpx.AsyncClient:
        """Return a client for requests, as they are sent to the site."""
        return httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": NAME, **headers},
            transport=httpx.AsyncHTTPTransport(verify=self.tls, local_address=local_address),
        )


def make_certificate(folder: Path) -> ssl.SSLContext:
    """Write the certificate of the site and its key, and return an SSL context that trusts it."""
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME, "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    # Without the authorities of the system, which take 30 ms to read.
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(tls)
    return tls


@contextlib.asynccontextmanager
async def run_proxy(
    name: str, upstream: str, folder: Path, *, bare: bool = False, idle: int | None = IDLE
) -> AsyncIterator[Proxy]:
    """Run a proxy in the foreground, as this user, in front of a server.

    Arguments:
        name: a key of `RECIPES`.
        upstream: where the server listens, `127.0.0.1:…` or, for nginx, `unix:…`.
        folder: an empty one.
        bare: without the lines that set or remove forwarded header fields.
        idle: seconds without traffic after which it ends a websocket, if it can; None for its own default.
    """
    tls = make_certificate(folder)
    async with contextlib.AsyncExitStack() as stack:
        for part in filter(None, (name, RECIPES[name].front)):
            site = Site(folder, free_port(), upstream, idle)
            await stack.enter_async_context(_run(part, site, bare=bare and part == name))
            upstream = f"127.0.0.1:{site.port}"
        proxy = Proxy(site.port, tls)
        if name == "traefik":
            await _routes_read(proxy)
        yield proxy


@contextlib.asynccontextmanager
async def _run(name: str, site: Site, *, bare: bool) -> AsyncIterator[None]:
    """Run one program, once it listens."""
    folder = site.folder
    configuration = folder / f"{name}.conf"
    configuration.write_text(configuration_of(name, site, bare=bare), "utf-8")
    with (folder / f"{name}.log").open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(tool(name), *RECIPES[name].command(site, str(configuration))),
            cwd=folder,
            env={**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    ended = asyncio.create_task(process.wait())
    listening = asyncio.create_task(connectable(site.port))
    try:
        await asyncio.wait((listening, ended), return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), f"{name} ended with {process.returncode}: {_messages(folder)}"
        yield
    finally:
        listening.cancel()
        # The whole process group at once: some have workers, and some wait for open connections.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await ended


async def _routes_read(proxy: Proxy) -> None:
    """Wait for the certificate and the routes of Traefik, which listens before it has read them."""
    async with proxy.http() as client:
        while True:
            with contextlib.suppress(httpx.ConnectError):
                if (await client.get("/")).text != "404 page not found\n":
                    return
            await asyncio.sleep(0.01)


def _messages(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.log")))
