"""Who takes part: how each server is installed and started."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.environments import Environment

SERVERS = Path(__file__).resolve().parent / "servers"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server to measure.

    Attributes:
        name: what the command line and the JSON call it.
        title: what the table calls it.
        command: makes its command line from its Python interpreter and a port.
        packages: distributions whose versions belong into the results.
        environment: where it is installed; None means the project's own environment.
        path: path of its echo; None means that it is no websocket server but sends bytes back as they come.
    """

    name: str
    title: str
    command: Callable[[str, int], list[str]]
    packages: tuple[str, ...]
    environment: Environment | None = None
    path: str | None = "/echo/lobby"

    def prepare(self) -> str:
        """Install what is missing, and return the interpreter to start it with.

        Raises:
            EnvironmentUnavailable: it cannot be installed here.
        """
        return sys.executable if self.environment is None else str(self.environment.prepare())


def _raw(python: str, port: int) -> list[str]:
    return [python, str(SERVERS / "raw_tcp.py"), HOST, str(port)]


def _ours(python: str, port: int) -> list[str]:
    options = ["--host", HOST, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    return [python, "-m", "emmett", "-a", str(SERVERS / "ours.py"), "serve", *options]


def _starlette(python: str, port: int) -> list[str]:
    options = ["--host", HOST, "--port", str(port), "--no-access-log", "--log-level", "warning"]
    implementations = ["--loop", "uvloop", "--http", "httptools", "--ws", "websockets"]
    return [python, "-m", "uvicorn", "--app-dir", str(SERVERS), "starlette_echo:app", *options, *implementations]


STARLETTE = Environment(
    "starlette",
    ("starlette==1.10.0", "uvicorn==0.54.0", "uvloop==0.23.0", "httptools==0.8.0", "websockets==17.4"),
)

OURS = "ours"
LIMIT = "raw"

CONTESTANTS = {
    contestant.name: contestant
    for contestant in (
        Contestant(LIMIT, "raw TCP (limit)", _raw, ("uvloop",), path=None),
        Contestant(OURS, "emmett", _ours, ("emmett", "uvicorn", "uvloop", "httptools", "websockets")),
        Contestant(
            "starlette",
            "Starlette, uvicorn",
            _starlette,
            ("starlette", "uvicorn", "uvloop", "httptools", "websockets"),
            STARLETTE,
        ),
    )
}

_VERSIONS = """
import importlib.metadata, json, platform, sys
versions = {"python": platform.python_version()}
for name in sys.argv[1:]:
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        versions[name] = "not installed"
print(json.dumps(versions))
"""


def installed_versions(contestant: Contestant, python: str) -> dict[str, str]:
    """Return the versions of Python and of the contestant's packages.

    Arguments:
        python: the interpreter that `Contestant.prepare` returned.
    """
    command = [python, "-c", _VERSIONS, *contestant.packages]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    versions: dict[str, str] = json.loads(output)
    return versions
