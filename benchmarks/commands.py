"""The command line of each server, from its interpreter and what the scenario wants.

Commands run in the project's root, so the modules of `benchmarks/servers/` are found there. Those that are scripts read
the options from their environment variables: see `ServerOptions`.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.environments import BENCH_FOLDER
from benchmarks.server_options import ServerOptions

SERVERS = Path(__file__).resolve().parent / "servers"


def raw(python: str, options: ServerOptions) -> list[str]:
    return _script(python, "raw_tcp")


def ours(python: str, options: ServerOptions) -> list[str]:
    quiet = ["--no-access-log", "--log-level", "warning"]
    return [python, "-m", "emmett", "-a", str(SERVERS / "ours.py"), "serve", *_address(options), *quiet, *_tls(options)]


def ours_asgi(python: str, options: ServerOptions) -> list[str]:
    return _uvicorn(python, "ours", options, "websockets")


def starlette(python: str, options: ServerOptions) -> list[str]:
    return _uvicorn(python, "starlette_app", options, "websockets")


def starlette_sansio(python: str, options: ServerOptions) -> list[str]:
    return _uvicorn(python, "starlette_app", options, "websockets-sansio")


def fastapi(python: str, options: ServerOptions) -> list[str]:
    return _uvicorn(python, "fastapi_app", options, "websockets")


def fastapi_sansio(python: str, options: ServerOptions) -> list[str]:
    return _uvicorn(python, "fastapi_app", options, "websockets-sansio")


def emmett2(python: str, options: ServerOptions) -> list[str]:
    tls = ["--ssl-certfile", options.certificate, "--ssl-keyfile", options.key or ""] if options.certificate else []
    quiet = ["--log-level", "warning", "--loop", "uvloop", "--interface", "rsgi"]
    application = ["-a", "benchmarks/servers/emmett2_app.py"]
    return [python, "-m", "emmett", *application, "serve", *_address(options), *quiet, *tls]


def starlette_granian(python: str, options: ServerOptions) -> list[str]:
    tls = ["--ssl-certificate", options.certificate, "--ssl-keyfile", options.key or ""] if options.certificate else []
    quiet = ["--log-level", "warning", "--no-access-log", "--loop", "uvloop", "--interface", "asgi"]
    return [python, "-m", "granian", *_address(options), *quiet, *tls, "benchmarks.servers.starlette_app:app"]


def quart(python: str, options: ServerOptions) -> list[str]:
    tls = ["--certfile", options.certificate, "--keyfile", options.key or ""] if options.certificate else []
    bound = ["--bind", f"{options.host}:{options.port}", "--workers", str(options.workers)]
    quiet = ["--worker-class", "uvloop", "--log-level", "warning"]
    return [python, "-m", "hypercorn", *bound, *quiet, *tls, "benchmarks.servers.quart_app:app"]


def sanic(python: str, options: ServerOptions) -> list[str]:
    return _script(python, "sanic_app")


def aiohttp(python: str, options: ServerOptions) -> list[str]:
    return _script(python, "aiohttp_app")


def tornado(python: str, options: ServerOptions) -> list[str]:
    return _script(python, "tornado_app")


def websockets(python: str, options: ServerOptions) -> list[str]:
    return _script(python, "websockets_app")


def picows(python: str, options: ServerOptions) -> list[str]:
    return _script(python, "picows_app")


def socketify(python: str, options: ServerOptions) -> list[str]:
    return _script(python, "socketify_app")


def ws(node: str, options: ServerOptions) -> list[str]:
    return [node, str(SERVERS / "ws_app.mjs"), str(BENCH_FOLDER / "ws")]


def _script(python: str, module: str) -> list[str]:
    return [python, "-m", f"benchmarks.servers.{module}"]


def _uvicorn(python: str, module: str, options: ServerOptions, websockets: str) -> list[str]:
    quiet = ["--no-access-log", "--log-level", "warning"]
    deflate = ["--ws-per-message-deflate", "true" if options.deflate else "false"]
    implementations = ["--loop", "uvloop", "--http", "httptools", "--ws", websockets, *deflate]
    application = f"benchmarks.servers.{module}:app"
    return [python, "-m", "uvicorn", application, *_address(options), *quiet, *implementations, *_tls(options)]


def _address(options: ServerOptions) -> list[str]:
    return ["--host", options.host, "--port", str(options.port), "--workers", str(options.workers)]


def _tls(options: ServerOptions) -> list[str]:
    """As uvicorn and ours name it."""
    if options.certificate is None:
        return []
    return ["--ssl-certfile", options.certificate, "--ssl-keyfile", options.key or ""]
