"""Who takes part: each server, what it is, how it is installed and started, and what it cannot do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from benchmarks import commands
from benchmarks.environments import OWN, CompiledEnvironment, Environment, NodeEnvironment, OwnEnvironment
from benchmarks.server_options import ServerOptions

OURS = "ours"
LIMIT = "raw"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server to measure.

    Attributes:
        name: what the command line and the JSON call it.
        title: what tables call it.
        command: makes its command line from its interpreter and what the scenario wants.
        packages: distributions whose versions belong into the results.
        imports: what an application of it imports, as code; the scenario of import times runs it.
        environment: where it is installed.
        raw: it is no websocket server but sends bytes back as they come.
        lacks: features that scenarios need and it has not, each with the reason.
    """

    name: str
    title: str
    command: Callable[[str, ServerOptions], list[str]]
    packages: tuple[str, ...]
    imports: str
    environment: OwnEnvironment | CompiledEnvironment | Environment | NodeEnvironment = OWN
    raw: bool = False
    lacks: Mapping[str, str] = field(default_factory=dict)

    def prepare(self) -> str:
        """Install what is missing, and return the interpreter to start it with.

        Raises:
            EnvironmentUnavailable: it cannot be installed here.
        """
        return str(self.environment.prepare())


UVICORN = ("uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.9.0", "websockets==17.4")
UVICORN_PACKAGES = ("uvicorn", "uvloop", "httptools", "websockets")
STARLETTE = Environment("starlette", ("starlette==1.10.0", "msgspec==0.22.0", *UVICORN))
FASTAPI = Environment("fastapi", ("fastapi==0.165.0", "pydantic==2.14.3", "starlette==1.10.0", *UVICORN))
EMMETT2 = Environment("emmett2", ("emmett==2.8.*", "granian==2.8.7", "uvloop==0.23.0", "msgspec==0.22.0"))
GRANIAN = Environment("granian", ("granian==2.8.7", "starlette==1.10.0", "uvloop==0.23.0", "msgspec==0.22.0"))
QUART = Environment("quart", ("quart==0.22.0", "hypercorn==0.18.0", "uvloop==0.23.0", "msgspec==0.22.0"))
SANIC = Environment("sanic", ("sanic==25.12.1", "uvloop==0.23.0", "websockets==17.4", "msgspec==0.22.0"))
AIOHTTP = Environment("aiohttp", ("aiohttp==3.14.5", "uvloop==0.23.0", "msgspec==0.22.0"))
TORNADO = Environment("tornado", ("tornado==6.6.1", "msgspec==0.22.0"))
WEBSOCKETS = Environment("websockets", ("websockets==17.4", "werkzeug==3.1.9", "uvloop==0.23.0", "msgspec==0.22.0"))
PICOWS = Environment("picows", ("picows==2.3.1", "uvloop==0.23.0", "msgspec==0.22.0"))
SOCKETIFY = Environment("socketify", ("socketify==0.0.31", "msgspec==0.22.0"))
WS = NodeEnvironment("ws", ("ws==8.23.0",))

NO_DEFLATE = {"deflate": "does not take permessage-deflate"}
NO_HTTP = {"http": "serves websockets only"}
NO_WORKERS = {"workers": "starts no workers by itself"}
SAME_HTTP = {"http": "HTTP is the same code with either websocket implementation"}

CONTESTANTS = {
    contestant.name: contestant
    for contestant in (
        Contestant(
            LIMIT,
            "raw TCP (limit)",
            commands.raw,
            ("uvloop",),
            "import uvloop",
            raw=True,
            lacks={"deflate": "does not compress"},
        ),
        Contestant(
            OURS,
            "emmett",
            commands.ours,
            ("emmett", *UVICORN_PACKAGES),
            "import emmett",
        ),
        Contestant(
            "ours-compiled",
            "emmett, compiled",
            commands.ours,
            ("emmett", *UVICORN_PACKAGES),
            "import emmett",
            CompiledEnvironment("ours-compiled"),
            lacks={"http": "HTTP is not compiled"},
        ),
        Contestant(
            "ours-asgi",
            "emmett as ASGI, uvicorn",
            commands.ours_asgi,
            ("emmett", *UVICORN_PACKAGES),
            "import emmett, uvicorn",
        ),
        Contestant(
            "starlette",
            "Starlette, uvicorn",
            commands.starlette,
            ("starlette", *UVICORN_PACKAGES),
            "import starlette.applications, starlette.routing, uvicorn",
            STARLETTE,
        ),
        Contestant(
            "starlette-sansio",
            "Starlette, uvicorn (sansio)",
            commands.starlette_sansio,
            ("starlette", *UVICORN_PACKAGES),
            "import starlette.applications, starlette.routing, uvicorn",
            STARLETTE,
            lacks=SAME_HTTP,
        ),
        Contestant(
            "fastapi",
            "FastAPI, uvicorn",
            commands.fastapi,
            ("fastapi", "pydantic", *UVICORN_PACKAGES),
            "import fastapi, uvicorn",
            FASTAPI,
        ),
        Contestant(
            "fastapi-sansio",
            "FastAPI, uvicorn (sansio)",
            commands.fastapi_sansio,
            ("fastapi", "pydantic", *UVICORN_PACKAGES),
            "import fastapi, uvicorn",
            FASTAPI,
            lacks=SAME_HTTP,
        ),
        Contestant(
            "emmett2",
            "Emmett 2.8, Granian",
            commands.emmett2,
            ("emmett", "granian", "uvloop"),
            "import emmett",
            EMMETT2,
            lacks=NO_DEFLATE,
        ),
        Contestant(
            "starlette-granian",
            "Starlette, Granian",
            commands.starlette_granian,
            ("starlette", "granian", "uvloop"),
            "import starlette.applications, starlette.routing, granian",
            GRANIAN,
            lacks=NO_DEFLATE,
        ),
        Contestant(
            "quart",
            "Quart, hypercorn",
            commands.quart,
            ("quart", "hypercorn", "uvloop"),
            "import quart, hypercorn",
            QUART,
        ),
        Contestant(
            "sanic", "Sanic", commands.sanic, ("sanic", "uvloop", "websockets"), "import sanic", SANIC, lacks=NO_DEFLATE
        ),
        Contestant(
            "aiohttp",
            "aiohttp",
            commands.aiohttp,
            ("aiohttp", "uvloop"),
            "import aiohttp.web",
            AIOHTTP,
            lacks=NO_WORKERS,
        ),
        Contestant(
            "tornado", "Tornado", commands.tornado, ("tornado",), "import tornado.web, tornado.websocket", TORNADO
        ),
        Contestant(
            "websockets",
            "websockets",
            commands.websockets,
            ("websockets", "uvloop"),
            "import websockets.asyncio.server",
            WEBSOCKETS,
            lacks=NO_HTTP | NO_WORKERS,
        ),
        Contestant(
            "picows",
            "picows (websockets API)",
            commands.picows,
            ("picows", "uvloop"),
            "import picows.websockets.asyncio.server",
            PICOWS,
            lacks=NO_HTTP | NO_WORKERS,
        ),
        Contestant(
            "socketify",
            "socketify (uWebSockets)",
            commands.socketify,
            ("socketify",),
            "import socketify",
            SOCKETIFY,
            lacks=NO_WORKERS,
        ),
        Contestant("ws", "ws, Node.js", commands.ws, ("ws",), "require('ws')", WS),
    )
}
