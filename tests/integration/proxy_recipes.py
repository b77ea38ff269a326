"""How the configurations of docs/deployment.md become ones that run in a folder, on free ports, as this user."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from _pytest.mark import ParameterSet

from tests.docs.pages import page

PAGE = "docs/deployment.md"
NAME = "example.com"
# Seconds without traffic after which proxies of the tests end a connection, if they support such a deadline.
IDLE = 4
NGINX_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
# Debian's a2enmod links these modules; the recipe names those that are off by default.
APACHE_MODULES = ("mpm_event", "authz_core", "socache_shmcb", "headers", "http2", "proxy", "proxy_http", "ssl")


class Site(NamedTuple):
    """The parameters of a configuration.

    Fields:
        folder: for all files of the proxy.
        port: where it has to listen.
        upstream: where emmett listens, `127.0.0.1:…` or `unix:…`.
        idle: seconds without traffic after which it has to end a websocket, if it can; None for its own default.
    """

    folder: Path
    port: int
    upstream: str
    idle: int | None = IDLE

    @property
    def certificate(self) -> str:
        """The file with the certificate, and the key."""
        return f"{self.folder}/both.pem"

    def limits(self, *lines: str) -> str:
        """Return lines of a configuration with the limit in place of `{}`, or none."""
        return "" if self.idle is None else "".join(line.format(self.idle) + "\n" for line in lines)

    @property
    def key(self) -> str:
        """The file with the key."""
        return f"{self.folder}/key.pem"


class Recipe(NamedTuple):
    """How to turn the configuration of a document into one that runs in a folder, on a free port, without privileges.

    Fields:
        heading: of the section that shows it.
        changes: what is replaced in it; each must be there once.
        complete: adds what the installation of the proxy brings otherwise.
        command: what follows the path of the proxy.
        clearing: the beginnings of the lines that set or remove forwarded header fields; without them, the proxy does
            what it does by default.
        front: the proxy of the same section that speaks TLS with the visitors, where this one does not.
        headers: the setting `proxy_headers` that the section asks for.
    """

    heading: str
    changes: Callable[[Site], dict[str, str]]
    complete: Callable[[Site, str], str]
    command: Callable[[Site, str], list[str]]
    clearing: tuple[str, ...] = ()
    front: str | None = None
    headers: Literal["x-forwarded", "forwarded"] = "x-forwarded"


def _nginx(site: Site, part: str) -> str:
    temporary = "\n".join(f"{kind}_temp_path {site.folder}/{kind};" for kind in NGINX_TEMPORARY)
    return f"""
        daemon off; master_process off; pid {site.folder}/nginx.pid; error_log {site.folder}/error.log;
        events {{}}
        http {{
            access_log off;
            {site.limits("proxy_read_timeout {}s;")}
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
        {site.limits("Timeout {}")}
        Listen 127.0.0.1:{site.port}
        <IfModule unixd_module>
            User www-data
            Group www-data
        </IfModule>
        {part}
    """


def _traefik(site: Site, part: str) -> str:
    """Write the two files that the document shows in one block: Traefik wants names that end so."""
    static, _, dynamic = part.partition("---\n")
    (site.folder / "traefik.yml").write_text(static, "utf-8")
    (site.folder / "emmett.yml").write_text(dynamic, "utf-8")
    return part


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
        clearing=("proxy_set_header X-Forwarded-",),
    ),
    "haproxy": Recipe(
        "haproxy",
        lambda site: {
            "bind :443": f"bind 127.0.0.1:{site.port}",
            "/etc/ssl/example.com.pem": site.certificate,
            "127.0.0.1:8000": site.upstream,
            "    timeout client 60s\n": site.limits("    timeout client {}s"),
            "    timeout server 60s\n": site.limits("    timeout server {}s"),
        },
        lambda _, part: part,
        lambda _, path: ["-db", "-f", path],
        clearing=("http-request ",),
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
        clearing=("RequestHeader ",),
    ),
    "caddy": Recipe(
        "Caddy",
        lambda site: {
            "example.com {": f"https://{NAME}:{site.port} {{\n\tbind 127.0.0.1\n\ttls {site.certificate} {site.key}\n",
            "127.0.0.1:8000": site.upstream,
        },
        lambda _, part: "{\n\tadmin off\n\tauto_https off\n}\n" + part,
        lambda _, path: ["run", "--adapter", "caddyfile", "--config", path],
        clearing=("header_up ",),
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
            f"{site.limits('server.max-read-idle = {}', 'server.max-write-idle = {}')}{part}"
        ),
        lambda _, path: ["-D", "-f", path],
        clearing=("setenv.set-request-header ",),
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
            f"{part}\n{site.limits('frontend-read-timeout={}', 'backend-read-timeout={}')}"
            f"errorlog-file={site.folder}/error.log\n"
        ),
        lambda _, path: [f"--conf={path}"],
        clearing=("add-forwarded=", "forwarded-for=", "strip-incoming-forwarded="),
        headers="forwarded",
    ),
    "traefik": Recipe(
        "Traefik",
        lambda site: {
            '":443"': f"127.0.0.1:{site.port}",
            "/etc/traefik/emmett.yml": f"{site.folder}/emmett.yml",
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
            "http://127.0.0.1:8000": f"http://{site.upstream}",
        },
        _traefik,
        lambda site, _: [f"--configFile={site.folder}/traefik.yml"],
    ),
    "h2o": Recipe(
        "H2O",
        lambda site: {
            "port: 443": f"host: 127.0.0.1\n  port: {site.port}",
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
            "http://127.0.0.1:8000/": f"http://{site.upstream}/",
        },
        lambda site, part: f"{site.limits('proxy.websocket.timeout: {}000')}{part}",
        lambda _, path: ["--mode=worker", "--conf", path],
        clearing=("proxy.header.",),
    ),
    "squid": Recipe(
        "Squid",
        lambda site: {
            "https_port 443": f"https_port 127.0.0.1:{site.port}",
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
            "127.0.0.1 parent 8000": f"127.0.0.1 parent {site.upstream.partition(':')[2]}",
        },
        lambda site, part: (
            f"pid_filename none\ncache_log /dev/null\naccess_log none\ncoredump_dir none\nvisible_hostname localhost\n"
            f"shutdown_lifetime 0 seconds\n{site.limits('read_timeout {} seconds')}{part}"
        ),
        lambda _, path: ["-N", "-d", "1", "-f", path],
        clearing=("request_header_",),
    ),
    "varnishd": Recipe(
        "Varnish",
        lambda site: {'"127.0.0.1"': '"127.0.0.1"', '"8000"': f'"{site.upstream.partition(":")[2]}"'},
        lambda _, part: part,
        lambda site, path: [
            *("-F", "-j", "none", "-n", f"{site.folder}/varnish", "-s", "default,16m", "-f", path),
            *("-a", f"127.0.0.1:{site.port},PROXY", "-p", "thread_pool_min=10"),
            *(() if site.idle is None else ("-p", f"pipe_timeout={site.idle}")),
        ],
        clearing=("unset req.http.X-Forwarded-", "set req.http.X-Forwarded-"),
        front="stunnel",
    ),
    "stunnel": Recipe(
        "Varnish",
        lambda site: {
            "accept = 443": f"accept = 127.0.0.1:{site.port}",
            "127.0.0.1:6081": site.upstream,
            "/etc/ssl/example.com.pem": site.certificate,
            "/etc/ssl/example.com.key": site.key,
        },
        lambda site, part: f"foreground = yes\npid =\n{site.limits('TIMEOUTidle = {}')}{part}",
        lambda _, path: [path],
        clearing=("protocol = proxy",),
    ),
}


def with_tools(name: str) -> ParameterSet:
    """Return a parameter of a test that needs the programs of a recipe."""
    programs = [program for program in (name, RECIPES[name].front) if program is not None]
    return pytest.param(name, marks=pytest.mark.needs(*programs))


def configuration_of(name: str, site: Site, *, bare: bool = False) -> str:
    """Return the configuration of the document, completed to run at a site.

    Arguments:
        name: a key of `RECIPES`.
        site: where it runs.
        bare: without the lines that set or remove forwarded header fields.
    """
    recipe = RECIPES[name]
    (part,) = (block.text for block in page(PAGE).blocks if block.language == name and block.heading == recipe.heading)
    for before, after in recipe.changes(site).items():
        assert part.count(before) == 1, f"{before!r} should be once in the configuration of {name} in {PAGE}"
        part = part.replace(before, after)
    if bare:
        part = "".join(
            line for line in part.splitlines(keepends=True) if not line.lstrip().startswith(recipe.clearing or "\0")
        )
    return recipe.complete(site, part)
