"""How long it takes until a server answers, and until its framework is imported."""

from __future__ import annotations

import base64
import os
import resource
import socket
import subprocess
import time
from dataclasses import dataclass

from benchmarks.environments import ROOT
from benchmarks.frames import Batch, echo_batch
from benchmarks.handshake import END_OF_HEAD, check_answer, upgrade_request
from benchmarks.machine import cpu_seconds, pinned
from benchmarks.plan import LoadFailed, Outcome
from benchmarks.scenario import Scenario
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import server_environment
from benchmarks.stage import Stage

ECHO_PATH = "/echo/lobby"
IMPORT_TIMEOUT = 60.0


@dataclass(frozen=True)
class StartupScenario(Scenario):
    """From the start of the process to the first message that came back."""

    def measure(self, stage: Stage) -> Outcome:
        """Start a server, and end it when the message is there."""
        batch = echo_batch(0, 1, 64, websocket=not stage.contestant.raw)

        def ask(options: ServerOptions) -> None:
            # A server that listens before it is ready closes the connection, and is asked again.
            with socket.create_connection((options.host, options.port), timeout=5) as connection:
                echo_once(connection, options, batch, raw=stage.contestant.raw)

        began = time.perf_counter()
        with stage.serving(stage.options(), ask) as server:
            seconds = time.perf_counter() - began
            return Outcome(seconds, 1, seconds, cpu_seconds(server.pid), None, len(batch.reply))


@dataclass(frozen=True)
class ImportScenario(Scenario):
    """An interpreter that imports what an application imports, and ends."""

    def measure(self, stage: Stage) -> Outcome:
        """Import twice, and time the second."""
        contestant = stage.contestant
        command = contestant.environment.run_code(stage.runtime, contestant.imports)
        environment = server_environment(stage.options(), isolated=contestant.environment.isolated)
        with pinned(stage.placement.server_cores(1)):
            self._run(command, environment)  # once for the files, which are read from memory from then on
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.perf_counter()
            self._run(command, environment)
            seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Outcome(seconds, 1, seconds, cpu, None, 0)

    def _run(self, command: list[str], environment: dict[str, str]) -> None:
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=IMPORT_TIMEOUT
            )
        except subprocess.TimeoutExpired as error:
            raise LoadFailed(f"it was not done after {IMPORT_TIMEOUT:.0f} s") from error
        if done.returncode != 0:
            raise LoadFailed(done.stderr.strip()[-500:] or f"it ended with status {done.returncode}")


def echo_once(connection: socket.socket, options: ServerOptions, batch: Batch, *, raw: bool) -> None:
    """Open a websocket and get one message back.

    Raises:
        ConnectionError: the server closed the connection.
        HandshakeRefused: the server did not open the websocket.
        LoadFailed: something else came back.
    """
    if not raw:
        key = base64.b64encode(os.urandom(16))
        connection.sendall(upgrade_request(options.host, options.port, ECHO_PATH, key))
        head = b""
        while END_OF_HEAD not in head:
            head += _received(connection)
        check_answer(head, key)
    connection.sendall(batch.request)
    reply = b""
    while len(reply) < len(batch.reply):
        reply += _received(connection)
    if reply != batch.reply:
        raise LoadFailed(f"{reply[:60]!r} came instead of {batch.reply[:60]!r}")


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError("the server closed the connection")
    return data
