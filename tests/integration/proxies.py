"""Real proxies in front of the default server, with the configurations that docs/deployment.md shows."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import trustme
from websockets.asyncio.client import connect as connect_websocket
from websockets.typing import Origin

from tests.docs.pages import page
from tests.integration.servers import connectable
from tests.ports import free_port
from tests.tools import tool

PAGE = "docs/deployment.md"
NAME = "example.com"
ORIGIN = Origin(f"https://{NAME}")
# Seconds without traffic after which the proxies of the tests end a connection, where they have such a deadline.
IDLE = 4
NGINX_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
# Debian's a2enmod links these; the recipe names those that are not on by default.
APACHE_MODULES = ("mpm_event", "authz_core", "socache_shmcb", "headers", "http2", "proxy", "proxy_http", "ssl")


class Proxy(NamedTuple):
    """A proxy that runs.

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


class Site(NamedTuple):
    """What a configuration needs to know.

    Fields:
        folder: for all files of the proxy.
        port: where it has to listen.
        upstream: where emmett listens, `127.0.0.1:…` or `unix:…`.
    """

    folder: Path
    port: int
    upstream: str

    @property
    def certificate(self) -> str:
        """The file with the certificate, and the key."""
        return f"{self.folder}/both.pem"

    @property
    def key(self) -> str:
        """The file with the key."""
        return f"{self.folder}/key.pem"


class Recipe(NamedTuple):
    """How the configuration of a document becomes one that runs in a folder, on a free port, without rights.

    Fields:
        heading: of the section that shows it.
        changes: what is replaced in it; each must be there once.
        complete: adds what the installation of the proxy brings otherwise.
        command: what follows the path of the proxy.
    """

    heading: str
    changes: Callable[[Site], dict[str, str]]
    complete: Callable[[Site, str], str]
    command: Callable[[Site, str], list[str]]


def _nginx(site: Site, part: str) -> str:
    temporary = "\n".join(f"{kind}_temp_path {site.folder}/{kind};" for kind in NGINX_TEMPORARY)
    return f"""
        daemon off; master_process off; pid {site.folder}/nginx.pid; error_log {site.folder}/error.log;
        events {{}}
        http {{
            access_log off; proxy_read_timeout {IDLE}s;
            {temporary}
            {part}
        }}
    """


def _apache(site: Site, part: str) -> str:
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES)
    return f"""
        {modules}
        ServerName localhost
        DefaultRuntimeDir {site.folder}
        PidFile {site.folder}/apache.pid
        ErrorLog {site.folder}/error.log
        Timeout {IDLE}
        Listen 127.0.0.1:{site.port}
        <IfModule unixd_module>
            User www-data
            Group www-data
        </IfModule>
        {part}
    """


RECIPES: dict[str, Recipe] = {
    "nginx": Recipe(
        "Behind nginx",
        lambda site: {
            "listen 443 ssl;": f"listen 127.0.0.1:{site.port} ssl;",
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
            "http://127.0.0.1:8000": f"http://{site.upstream}",
        },
        _nginx,
        lambda site, path: ["-p", str(site.folder), "-e", f"{site.folder}/error.log", "-c", path],
    ),
    "haproxy": Recipe(
        "haproxy",
        lambda site: {
            "bind :443": f"bind 127.0.0.1:{site.port}",
            "/etc/ssl/example.com.pem": site.certificate,
            "127.0.0.1:8000": site.upstream,
            "timeout client 60s": f"timeout client {IDLE}s",
            "timeout server 60s": f"timeout server {IDLE}s",
        },
        lambda _, part: part,
        lambda _, path: ["-db", "-f", path],
    ),
    "apache2": Recipe(
        "Apache",
        lambda site: {
            "*:443": f"127.0.0.1:{site.port}",
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
            "http://127.0.0.1:8000/": f"http://{site.upstream}/",
            "SSLEngine on": "SSLEngine on\n    H2WebSockets on",
        },
        _apache,
        lambda site, path: ["-d", str(site.folder), "-f", path, "-DFOREGROUND"],
    ),
    "caddy": Recipe(
        "Caddy",
        lambda site: {
            "example.com {": f"https://{NAME}:{site.port} {{\n\tbind 127.0.0.1\n\ttls {site.certificate} {site.key}\n",
            "127.0.0.1:8000": site.upstream,
        },
        lambda _, part: "{\n\tadmin off\n\tauto_https off\n}\n" + part,
        lambda _, path: ["run", "--adapter", "caddyfile", "--config", path],
    ),
    "lighttpd": Recipe(
        "lighttpd",
        lambda site: {
            "server.port = 443": f'server.bind = "127.0.0.1"\nserver.port = {site.port}',
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
            '"port" => 8000': f'"port" => {site.upstream.partition(":")[2]}',
        },
        lambda site, part: (
            f'server.document-root = "{site.folder}"\nserver.errorlog = "{site.folder}/error.log"\n'
            f"server.max-read-idle = {IDLE}\nserver.max-write-idle = {IDLE}\n{part}"
        ),
        lambda _, path: ["-D", "-f", path],
    ),
    "nghttpx": Recipe(
        "nghttpx",
        lambda site: {
            "frontend=*,443": f"frontend=127.0.0.1,{site.port}",
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
            "127.0.0.1,8000": site.upstream.replace(":", ","),
        },
        lambda site, part: (
            f"{part}\nfrontend-read-timeout={IDLE}\nbackend-read-timeout={IDLE}\nerrorlog-file={site.folder}/error.log\n"
        ),
        lambda _, path: [f"--conf={path}"],
    ),
}


def configuration_of(name: str, site: Site) -> str:
    """Return the configuration of the document, completed to run at a site."""
    recipe = RECIPES[name]
    (part,) = (block.text for block in page(PAGE).blocks if block.language == name and block.heading == recipe.heading)
    for before, after in recipe.changes(site).items():
        assert part.count(before) == 1, f"{before!r} should be once in the configuration of {name} in {PAGE}"
        part = part.replace(before, after)
    return recipe.complete(site, part)


def make_certificate(folder: Path) -> ssl.SSLContext:
    """Write the certificate of the site and its key; returns what trusts it."""
    authority = trustme.CA()
    certificate = authority.issue_cert(NAME, "127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    tls = ssl.create_default_context()
    authority.configure_trust(tls)
    return tls


@contextlib.asynccontextmanager
async def run_proxy(name: str, upstream: str, folder: Path) -> AsyncIterator[Proxy]:
    """Run a proxy in the foreground, as this user, in front of a server.

    Arguments:
        name: a key of `RECIPES`.
        upstream: where the server listens, `127.0.0.1:…` or, for nginx, `unix:…`.
        folder: an empty one.
    """
    tls = make_certificate(folder)
    site = Site(folder, free_port(), upstream)
    configuration = folder / "configuration"
    configuration.write_text(configuration_of(name, site), "utf-8")
    log = folder / "output.log"
    with log.open("wb") as output:
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
        yield Proxy(site.port, tls)
    finally:
        listening.cancel()
        # The whole group, at once: some have workers, and some wait for open connections.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await ended


def _messages(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8", "replace") for path in sorted(folder.glob("*.log")))
