"""What a scenario needs to measure one contestant: a fresh server, a fresh load generator, each on its cores."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.certificate import certificate
from benchmarks.contestants import Contestant
from benchmarks.environments import ROOT
from benchmarks.placement import Placement, pinned
from benchmarks.plan import LoadFailed, LoadPlan, LoadResult
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import Server, free_port, running_server

HOST = "127.0.0.1"
# Beyond warm-up and measurement: starting Python, connecting, the last replies.
GENERATOR_TIMEOUT = 120.0
# Files that a server and the generator have open beside their connections.
OTHER_FILES = 200


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a measurement takes.

    Attributes:
        warm_up: seconds of load before it.
        seconds: seconds that count.
    """

    warm_up: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario is measured.

    Attributes:
        contestant: the server to measure.
        runtime: the interpreter that `Contestant.prepare` returned.
        timing: how long to measure.
        placement: cores of the server and of the load generator.
    """

    contestant: Contestant
    runtime: str
    timing: Timing
    placement: Placement

    def options(self, *, secure: bool = False, **others: Any) -> ServerOptions:
        """Return options for a server on a free port.

        Arguments:
            secure: with TLS.
            others: as of `ServerOptions`.
        """
        files = certificate() if secure else None
        port = free_port(HOST)
        if files is None:
            return ServerOptions(HOST, port, **others)
        return ServerOptions(HOST, port, str(files.certificate), str(files.key), **others)

    @contextmanager
    def serving(self, options: ServerOptions) -> Iterator[Server]:
        """Run the contestant for the time of the body.

        Raises:
            ServerFailed: it did not start or did not stay.
            LoadFailed: the body raised it; what the server wrote is added to it.
        """
        command = self.contestant.command(self.runtime, options)
        cores = self.placement.server_cores(options.workers)
        with running_server(command, options, cores=cores, isolated=self.contestant.environment.isolated) as server:
            try:
                yield server
            except LoadFailed as error:
                raise LoadFailed(f"{error}\nThe server wrote: {server.tail() or 'nothing'}") from error

    def load(self, server: Server, options: ServerOptions, fields: dict[str, Any]) -> LoadResult:
        """Run a load generator against a server.

        Arguments:
            fields: of `LoadPlan`; those that every plan has come from the stage.

        Raises:
            LoadFailed: the server did not answer as it should.
        """
        plan = LoadPlan(
            host=options.host,
            port=options.port,
            raw=self.contestant.raw,
            secure=options.certificate is not None,
            warm_up=self.timing.warm_up,
            seconds=self.timing.seconds,
            server_pid=server.pid,
            **fields,
        )
        return generate(plan, self.placement.generator_cores(options.workers))


def generate(plan: LoadPlan, cores: set[int] | None) -> LoadResult:
    """Run the load generator in a process of its own.

    Arguments:
        cores: logical cores to pin it to; None for any.

    Raises:
        LoadFailed: the server did not answer as it should.
    """
    command = [sys.executable, "-m", "benchmarks.loads.generator", json.dumps(asdict(plan))]
    timeout = plan.warm_up + plan.seconds + GENERATOR_TIMEOUT
    with pinned(cores):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise LoadFailed(f"the load generator was not done after {timeout:.0f} s") from error
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise LoadFailed(errors.strip() or f"the load generator ended with status {process.returncode}")
    return LoadResult(**json.loads(output))


def allow_files(connections: int) -> int:
    """Raise this process's limit of open files, which the server and the generator inherit.

    Returns:
        How many connections a server can have; that may be less than was asked for.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Servers keep some for the files of their applications: ours gives two thirds to connections.
    wanted = connections * 3 // 2 + OTHER_FILES
    for limits in ((wanted, max(hard, wanted)), (hard, hard)):  # only root may raise the hard limit
        if soft == resource.RLIM_INFINITY or wanted <= soft:
            return connections
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(connections, (soft - OTHER_FILES) * 2 // 3)
