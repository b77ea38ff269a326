"""Who takes part: each server, what it is, how it is installed and started, and what it cannot do.

Commands run in the project's root, so the modules of `benchmarks/servers/` are found there. Those that are scripts read
the options from their environment variables: see `ServerOptions`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.environments import BENCH_FOLDER, OWN, AnyEnvironment, Environment, NodeEnvironment
from benchmarks.server_options import ServerOptions

OURS = "ours"
LIMIT = "raw"
SERVERS = Path(__file__).resolve().parent / "servers"

# Makes a command line from the interpreter and what the scenario wants.
Command = Callable[[str, ServerOptions], list[str]]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server to measure.

    Attributes:
        name: what the command line and the JSON call it.
        title: what tables call it.
        command: makes its command line.
        packages: distributions whose versions belong into the results.
        imports: what an application of it imports, as code; the scenario of import times runs it.
        environment: where it is installed.
        raw: it is no websocket server but sends bytes back as they come.
        lacks: features that scenarios need and it has not, each with the reason.
        calls: the dialect of its calls, a key of `loads.json_messages.DIALECTS`; None if it has none.
    """

    name: str
    title: str
    command: Command
    packages: tuple[str, ...]
    imports: str
    environment: AnyEnvironment = OWN
    raw: bool = False
    lacks: Mapping[str, str] = field(default_factory=dict)
    calls: str | None = None

    @property
    def missing(self) -> dict[str, str]:
        """What it lacks, calls included."""
        return {**self.lacks, **({} if self.calls else {"calls": "has no calls with parameters and a result"})}

    def prepare(self) -> str:
        """Install what is missing, and return the interpreter to start it with.

        Raises:
            EnvironmentUnavailable: it cannot be installed here.
        """
        return str(self.environment.prepare())


def _command(words: str, tls: str = "") -> Command:
    """Return what makes a command line.

    Arguments:
        words: its arguments, with fields of `str.format` for what the scenario wants.
        tls: those that are added for TLS.
    """

    def command(runtime: str, options: ServerOptions) -> list[str]:
        line = [runtime, *words.split(), *(tls.split() if options.certificate else ())]
        fields = {"deflate": "true" if options.deflate else "false", "servers": SERVERS, "bench": BENCH_FOLDER}
        return [word.format(options, **fields) for word in line]

    return command


def _script(module: str) -> Command:
    return _command(f"-m benchmarks.servers.{module}")


def _uvicorn(module: str, websockets: str = "websockets") -> Command:
    return _command(
        f"-m uvicorn benchmarks.servers.{module}:app {ADDRESS} --no-access-log --log-level warning --loop uvloop "
        f"--http httptools --ws {websockets} --ws-per-message-deflate {{deflate}}",
        SSL_FILES,
    )


def _granian(module: str) -> Command:
    return _command(
        f"-m granian benchmarks.servers.{module}:app {ADDRESS} --log-level warning --no-access-log --loop uvloop "
        "--interface asgi",
        "--ssl-certificate {0.certificate} --ssl-keyfile {0.key}",
    )


def _hypercorn(module: str) -> Command:
    return _command(
        f"-m hypercorn benchmarks.servers.{module}:app --bind {{0.host}}:{{0.port}} --workers {{0.workers}} "
        "--worker-class uvloop --log-level warning",
        "--certfile {0.certificate} --keyfile {0.key}",
    )


ADDRESS = "--host {0.host} --port {0.port} --workers {0.workers}"
SSL_FILES = "--ssl-certfile {0.certificate} --ssl-keyfile {0.key}"
EMMETT = _command(f"-m emmett -a {{servers}}/ours.py serve {ADDRESS} --no-access-log --log-level warning", SSL_FILES)
EMMETT_2 = _command(
    f"-m emmett -a benchmarks/servers/emmett2_app.py serve {ADDRESS} --log-level warning --loop uvloop "
    "--interface rsgi",
    SSL_FILES,
)
UVLOOP, MSGSPEC = "uvloop==0.23.0", "msgspec==0.22.0"
UVICORN = ("uvicorn==0.54.0", UVLOOP, "httptools==0.9.0", "websockets==17.4")
UVICORN_PACKAGES = ("uvicorn", "uvloop", "httptools", "websockets")
STARLETTE = Environment("starlette", ("starlette==1.10.0", MSGSPEC, *UVICORN))
FASTAPI = Environment("fastapi", ("fastapi==0.165.0", "pydantic==2.14.3", "starlette==1.10.0", *UVICORN))
EMMETT2 = Environment("emmett2", ("emmett==2.8.*", "granian==2.8.7", UVLOOP, MSGSPEC))
GRANIAN = Environment("granian", ("granian==2.8.7", "starlette==1.10.0", UVLOOP, MSGSPEC))
QUART = Environment("quart", ("quart==0.22.0", "hypercorn==0.18.0", "starlette==1.10.0", UVLOOP, MSGSPEC))
SANIC = Environment("sanic", ("sanic==25.12.1", UVLOOP, "websockets==17.4", MSGSPEC))
AIOHTTP = Environment("aiohttp", ("aiohttp==3.14.5", UVLOOP, MSGSPEC))
TORNADO = Environment("tornado", ("tornado==6.6.1", MSGSPEC))
WEBSOCKETS = Environment("websockets", ("websockets==17.4", "werkzeug==3.1.9", UVLOOP, MSGSPEC))
PICOWS = Environment("picows", ("picows==2.3.1", UVLOOP, MSGSPEC))
SOCKETIFY = Environment("socketify", ("socketify==0.0.31", MSGSPEC))
WS = NodeEnvironment("ws", ("ws==8.23.0",))
WSE = Environment("wse", ("wse-server==2.5.1",), python="3.12")
CHANX = Environment("chanx", ("chanx[fast-channels]==2.13.0", "pydantic==2.14.4", "starlette==1.10.0", *UVICORN))
SOCKETIO = Environment("socketio", ("python-socketio==5.18.1", MSGSPEC, *UVICORN))

NO_DEFLATE = {"deflate": "does not take permessage-deflate"}
NO_HTTP = {"http": "serves websockets only"}
NO_WORKERS = {"workers": "starts no workers by itself"}
SAME_HTTP = {"http": "HTTP is the same code with either websocket implementation"}
OTHERS = ("json", "funnel", "connects", "deflate", "tls", "memory", "startup", "import", "http", "workers")
ECHO_AND_BROADCAST = dict.fromkeys(OTHERS, "measured for echo and broadcast")
CALLS_ONLY = dict.fromkeys(("echo", "broadcast", *OTHERS), "measured for its calls, which its messages are")
ECHO_AND_CONNECTS = dict.fromkeys(
    ("broadcast", *(name for name in OTHERS if name != "connects")),
    "measured for echo and connects; for the rest see its other API",
)
ECHO_ONLY = dict.fromkeys(("broadcast", *OTHERS), "measured for echo, which shows what a server of ASGI adds")
OUR_IMPORTS = "from emmett import App, request, websocket"
OUR_PACKAGES = ("emmett", *UVICORN_PACKAGES)
STARLETTE_IMPORTS = "import starlette.applications, starlette.routing, "

# fmt: off
CONTESTANTS = {
    one.name: one
    for one in (
        Contestant(LIMIT, "raw TCP (limit)", _script("raw_tcp"), ("uvloop",), "import uvloop",
                   raw=True, lacks={"deflate": "does not compress"}),
        Contestant(OURS, "emmett", EMMETT, OUR_PACKAGES, OUR_IMPORTS, calls="jsonrpc"),
        Contestant("ours-asgi", "emmett as ASGI, uvicorn", _uvicorn("ours"), OUR_PACKAGES,
                   OUR_IMPORTS + "; import uvicorn", calls="jsonrpc"),
        Contestant("ours-asgi-sansio", "emmett as ASGI (sansio)", _uvicorn("ours", "websockets-sansio"),
                   OUR_PACKAGES, OUR_IMPORTS + "; import uvicorn", lacks=SAME_HTTP, calls="jsonrpc"),
        Contestant("ours-granian", "emmett as ASGI, Granian", _granian("ours"), ("emmett", "granian", "uvloop"),
                   OUR_IMPORTS, lacks=ECHO_ONLY),
        Contestant("ours-hypercorn", "emmett as ASGI, hypercorn", _hypercorn("ours"), ("emmett", "hypercorn", "uvloop"),
                   OUR_IMPORTS, lacks=ECHO_ONLY),
        Contestant("starlette", "Starlette, uvicorn", _uvicorn("starlette_app"),
                   ("starlette", *UVICORN_PACKAGES), STARLETTE_IMPORTS + "uvicorn", STARLETTE),
        Contestant("starlette-sansio", "Starlette, uvicorn (sansio)", _uvicorn("starlette_app", "websockets-sansio"),
                   ("starlette", *UVICORN_PACKAGES), STARLETTE_IMPORTS + "uvicorn", STARLETTE, lacks=SAME_HTTP),
        Contestant("fastapi", "FastAPI, uvicorn", _uvicorn("fastapi_app"),
                   ("fastapi", "pydantic", *UVICORN_PACKAGES), "import fastapi, uvicorn", FASTAPI),
        Contestant("fastapi-sansio", "FastAPI, uvicorn (sansio)", _uvicorn("fastapi_app", "websockets-sansio"),
                   ("fastapi", "pydantic", *UVICORN_PACKAGES), "import fastapi, uvicorn", FASTAPI, lacks=SAME_HTTP),
        Contestant("emmett2", "Emmett 2.8, Granian", EMMETT_2, ("emmett", "granian", "uvloop"), "import emmett",
                   EMMETT2, lacks=NO_DEFLATE),
        Contestant("starlette-granian", "Starlette, Granian", _granian("starlette_app"),
                   ("starlette", "granian", "uvloop"), STARLETTE_IMPORTS + "granian", GRANIAN, lacks=NO_DEFLATE),
        Contestant("starlette-hypercorn", "Starlette, hypercorn", _hypercorn("starlette_app"),
                   ("starlette", "hypercorn", "uvloop"), STARLETTE_IMPORTS + "hypercorn", QUART, lacks=ECHO_ONLY),
        Contestant("quart", "Quart, hypercorn", _hypercorn("quart_app"), ("quart", "hypercorn", "uvloop"),
                   "import quart, hypercorn", QUART),
        Contestant("sanic", "Sanic", _script("sanic_app"), ("sanic", "uvloop", "websockets"), "import sanic", SANIC,
                   lacks=NO_DEFLATE),
        Contestant("aiohttp", "aiohttp", _script("aiohttp_app"), ("aiohttp", "uvloop"), "import aiohttp.web", AIOHTTP,
                   lacks=NO_WORKERS),
        Contestant("tornado", "Tornado", _script("tornado_app"), ("tornado",),
                   "import tornado.web, tornado.websocket", TORNADO),
        Contestant("websockets", "websockets", _script("websockets_app"), ("websockets", "uvloop"),
                   "import websockets.asyncio.server", WEBSOCKETS, lacks=NO_HTTP | NO_WORKERS),
        Contestant("picows", "picows (websockets API)", _script("picows_app"), ("picows", "uvloop"),
                   "import picows.websockets.asyncio.server", PICOWS, lacks=NO_HTTP | NO_WORKERS),
        Contestant("picows-callbacks", "picows (callbacks)", _script("picows_callbacks_app"), ("picows", "uvloop"),
                   "import picows", PICOWS, lacks=ECHO_AND_CONNECTS),
        Contestant("socketify", "socketify (uWebSockets)", _script("socketify_app"), ("socketify",),
                   "import socketify", SOCKETIFY, lacks=NO_WORKERS),
        Contestant("ws", "ws, Node.js", _command("{servers}/ws_app.mjs {bench}/ws"), ("ws",), "require('ws')", WS),
        Contestant("wse", "wse-server (Rust)", _script("wse_app"), ("wse-server",), "import wse_server", WSE,
                   lacks=ECHO_AND_BROADCAST),
        Contestant("chanx", "chanx, Starlette, uvicorn", _uvicorn("chanx_app"),
                   ("chanx", "starlette", "pydantic", *UVICORN_PACKAGES), "import chanx", CHANX, lacks=CALLS_ONLY,
                   calls="chanx"),
        Contestant("socketio", "python-socketio, uvicorn", _uvicorn("socketio_app"),
                   ("python-socketio", *UVICORN_PACKAGES), "import socketio", SOCKETIO, lacks=CALLS_ONLY,
                   calls="socketio"),
    )
}
# fmt: on
