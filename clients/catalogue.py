"""The clients: what they are called, where they come from, and how they are started."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import ROOT, Environment, EnvironmentUnavailable, NodeEnvironment, make_folder

FOLDER = ROOT / ".clients"
SCRIPTS = Path(__file__).parent

PYTHON = Environment(
    "python",
    (
        "aiohttp==3.14.5",
        "aiomqtt==2.5.1",
        "autobahn==26.10.2",
        "curl_cffi==0.17.0",
        "httpx-ws==0.9.0",
        "niquests[ws]==3.21.2",
        "paho-mqtt==2.2.0",
        "picows==2.3.1",
        "python-engineio==4.15.1",
        "python-socketio==5.18.1",
        "signalrcore==1.0.2",
        "tornado==6.6.1",
        "websocket-client==1.9.2",
        "websockets==17.4",
        "ws4py==0.6.0",
    ),
)
NODE = NodeEnvironment(
    "node",
    (
        "@rails/actioncable==8.1.400",
        "faye-websocket==0.11.4",
        "graphql==16.15.0",
        "graphql-ws==6.4.2",
        "partysocket==1.3.0",
        "phoenix==1.8.16",
        "reconnecting-websocket==4.4.0",
        "sockette==2.0.6",
        "undici==7.30.2",
        "websocket==1.0.35",
        "ws==8.23.0",
        "y-websocket==3.1.0",
        "yjs==13.6.33",
    ),
)

# Gives the command of a client from its URLs; the second argument is a folder for its files.
Command = Callable[[list[str], Path], list[str]]


@dataclass(frozen=True, slots=True)
class Client:
    """A client to measure.

    Attributes:
        name: what the command line calls it.
        title: what the tables call it, with its version.
        command: makes its command line.
        greeting: the protocol that it speaks above websockets: see `greetings.py`.
        is_page: it is a browser, which gets a page and reports through it.
    """

    name: str
    title: str
    command: Command
    greeting: str = ""
    is_page: bool = False


def _version(requirement: str, environment: Environment | NodeEnvironment) -> str:
    pins = dict(each.split("==") for each in environment.requirements)
    found = next(pin for name, pin in pins.items() if name.partition("[")[0] == requirement)
    return f"{requirement} {found}"


def _python(script: str) -> Command:
    def command(urls: list[str], files: Path) -> list[str]:
        return [str(PYTHON.prepare(FOLDER)), str(SCRIPTS / "python" / f"{script}.py"), *urls]

    return command


def _node(script: str) -> Command:
    def command(urls: list[str], files: Path) -> list[str]:
        node = NODE.prepare(FOLDER)
        # An import is resolved from where the script is.
        for source in (SCRIPTS / "node").glob("*.mjs"):
            shutil.copy(source, FOLDER / NODE.name)
        return [str(node), str(FOLDER / NODE.name / f"{script}.mjs"), *urls]

    return command


def program(*names: str) -> str:
    """Return the path of the first of these programs that is installed.

    Raises:
        EnvironmentUnavailable: none is.
    """
    for name in names:
        path = shutil.which(name)
        if path is not None:
            return path
    raise EnvironmentUnavailable(f"{' or '.join(names)} is not installed")


def _build(output: Path, *command: str) -> str:
    """Compile a program, unless it is newer than its source."""
    source = Path(command[-1])
    if not output.exists() or output.stat().st_mtime < source.stat().st_mtime:
        make_folder(FOLDER)
        with tempfile.TemporaryDirectory() as cache:
            variables = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": cache, "PATH": "/usr/bin:/bin"}
            built = subprocess.run(command, capture_output=True, text=True, timeout=300, env=variables)
        if built.returncode != 0:
            raise EnvironmentUnavailable(built.stderr.strip().splitlines()[-1])
    return str(output)


def _gorilla(urls: list[str], files: Path) -> list[str]:
    output = FOLDER / "gorilla"
    return [_build(output, program("go"), "build", "-o", str(output), str(SCRIPTS / "native" / "gorilla.go")), *urls]


def _beast(urls: list[str], files: Path) -> list[str]:
    output = FOLDER / "beast"
    flags = ("-std=c++17", "-O1", "-pthread", "-o", str(output))
    return [_build(output, program("g++"), *flags, str(SCRIPTS / "native" / "beast.cpp")), *urls]


def _java(urls: list[str], files: Path) -> list[str]:
    return [program("java"), str(SCRIPTS / "native" / "JavaClient.java"), *urls]


def _chromium(urls: list[str], files: Path) -> list[str]:
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={files}")
    return [program("chromium", "chromium-browser", "google-chrome"), *flags, *urls]


def _firefox(urls: list[str], files: Path) -> list[str]:
    return [program("firefox-esr", "firefox"), "--headless", "--no-remote", "--profile", str(files), *urls]


def _debian(package: str) -> str:
    """Return the upstream version of an installed Debian package, or an empty text."""
    if shutil.which("dpkg-query") is None:
        return ""
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True, text=True, timeout=60
    )
    return shown.stdout.partition("-")[0].rpartition(":")[2].partition("+")[0]


def _java_version() -> str:
    """Return the major version of the Java that is installed, or an empty text."""
    if shutil.which("java") is None:
        return ""
    shown = subprocess.run(["java", "-version"], capture_output=True, text=True, timeout=60).stderr
    return shown.partition('"')[2].partition(".")[0]


# Clients that talk: the first table.
TALKING = (
    Client("chromium", f"Chromium {_debian('chromium').partition('.')[0]}", _chromium, is_page=True),
    Client("firefox", f"Firefox {_debian('firefox-esr').partition('.')[0]}", _firefox, is_page=True),
    Client("websockets", _version("websockets", PYTHON), _python("websockets_client")),
    Client("aiohttp", _version("aiohttp", PYTHON), _python("aiohttp_client")),
    Client("websocket-client", _version("websocket-client", PYTHON), _python("websocket_client")),
    Client("httpx-ws", _version("httpx-ws", PYTHON), _python("httpx_ws_client")),
    Client("niquests", _version("niquests", PYTHON), _python("niquests_client")),
    Client("curl_cffi", _version("curl_cffi", PYTHON), _python("curl_cffi_client")),
    Client("picows", _version("picows", PYTHON), _python("picows_client")),
    Client("tornado", _version("tornado", PYTHON), _python("tornado_client")),
    Client("autobahn", _version("autobahn", PYTHON), _python("autobahn_client")),
    Client("ws4py", _version("ws4py", PYTHON), _python("ws4py_client")),
    Client("aiomqtt", f"{_version('aiomqtt', PYTHON)} (MQTT)", _python("aiomqtt_client"), "mqtt"),
    Client("engineio", f"{_version('python-engineio', PYTHON)}", _python("engineio_client"), "engineio"),
    Client("signalrcore", _version("signalrcore", PYTHON), _python("signalr_return"), "signalr"),
    Client("ws", f"npm {_version('ws', NODE)}", _node("ws_client")),
    Client("websocket", f"npm {_version('websocket', NODE)}", _node("websocket_client")),
    Client("undici", f"{_version('undici', NODE)} (Node.js)", _node("undici_client")),
    Client("faye-websocket", _version("faye-websocket", NODE), _node("faye_client")),
    Client("java", f"java.net.http, JDK {_java_version()}", _java),
    Client("gorilla", f"gorilla {_debian('golang-github-gorilla-websocket-dev')} (Go)", _gorilla),
    Client("beast", f"Boost.Beast {_debian('libboost-dev').removesuffix('.0')} (C++)", _beast),
)

# Clients that come back by themselves: the second table.
RETURNING = (
    Client("websockets", f"{_version('websockets', PYTHON)}, `async for`", _python("websockets_return")),
    Client(
        "websocket-client", f"{_version('websocket-client', PYTHON)}, `reconnect=1`", _python("websocket_client_return")
    ),
    Client("socketio", _version("python-socketio", PYTHON), _python("socketio_return"), "socketio"),
    Client("signalrcore", f"{_version('signalrcore', PYTHON)}, every second", _python("signalr_return"), "signalr"),
    Client("paho", f"{_version('paho-mqtt', PYTHON)}, `loop_start`", _python("paho_return"), "mqtt"),
    Client("reconnecting-websocket", _version("reconnecting-websocket", NODE), _node("reconnecting_return")),
    Client("partysocket", _version("partysocket", NODE), _node("partysocket_return")),
    Client("sockette", _version("sockette", NODE), _node("sockette_return")),
    Client("graphql-ws", _version("graphql-ws", NODE), _node("graphql_ws_return"), "graphql"),
    Client("phoenix", _version("phoenix", NODE), _node("phoenix_return")),
    Client("actioncable", _version("@rails/actioncable", NODE), _node("actioncable_return"), "actioncable"),
    Client("y-websocket", _version("y-websocket", NODE), _node("y_websocket_return")),
)
