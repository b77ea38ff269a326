"""What a scenario needs to measure one contestant: a fresh server, a fresh load generator, each on its cores."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import trustme

from benchmarks.channels.plan import ChannelPlan
from benchmarks.contestants import Contestant
from benchmarks.environments import BENCH_FOLDER, ROOT, make_folder
from benchmarks.machine import Placement, pinned
from benchmarks.plan import LoadFailed, LoadPlan, Outcome
from benchmarks.server_options import ServerOptions
from benchmarks.server_process import HOST, Server, free_port, running_server

T = TypeVar("T")

# Beyond warm-up and measurement: starting Python, connecting, the last replies.
GENERATOR_TIMEOUT = 120.0
# Files that a server and the generator have open beside their connections.
OTHER_FILES = 200


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a measurement takes: seconds of load before it, and seconds that count."""

    warm_up: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario is measured: `runtime` is the interpreter that `Contestant.prepare` returned."""

    contestant: Contestant
    runtime: str
    timing: Timing
    placement: Placement

    def options(self, *, secure: bool = False, **others: Any) -> ServerOptions:
        """Return options for a server on a free port, with TLS if it is to be secure."""
        files = certificate(BENCH_FOLDER) if secure else (None, None)
        return ServerOptions(HOST, free_port(HOST), *files, **others)

    @contextmanager
    def serving(self, options: ServerOptions, ask: Callable[[ServerOptions], None] | None = None) -> Iterator[Server]:
        """Run the contestant for the time of the body; `ask` is as of `running_server`.

        Raises:
            ServerFailed: it did not start or did not stay.
            LoadFailed: the body raised it; what the server wrote is added to it.
        """
        command = self.contestant.command(self.runtime, options)
        cores, isolated = self.placement.server_cores(options.workers), self.contestant.environment.isolated
        with running_server(command, options, cores=cores, isolated=isolated, ask=ask) as server:
            try:
                yield server
            except LoadFailed as error:
                raise LoadFailed(f"{error}\nThe server wrote: {server.tail() or 'nothing'}") from error

    def load(self, server: Server, options: ServerOptions, fields: dict[str, Any]) -> Outcome:
        """Run a load generator against a server, with more fields of `LoadPlan` than every plan has."""
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
        cores = self.placement.generator_cores(options.workers)
        return run_generator("benchmarks.loads.generator", plan, cores, Outcome)


@cache
def certificate(folder: Path) -> tuple[str, str]:
    """Make a certificate for 127.0.0.1 and return the files with it and its key, PEM."""
    make_folder(folder)
    made = trustme.CA().issue_cert(HOST)
    certificate_file, key_file = folder / "certificate.pem", folder / "key.pem"
    made.cert_chain_pems[0].write_to_path(certificate_file)
    made.private_key_pem.write_to_path(key_file)
    return str(certificate_file), str(key_file)


def run_generator(module: str, plan: LoadPlan | ChannelPlan, cores: set[int] | None, result: type[T]) -> T:
    """Run a load generator on some cores, a module that takes its plan as JSON and prints its result as JSON.

    Raises:
        LoadFailed: it ended with an error, which it has printed, or not in time.
    """
    timeout = plan.warm_up + plan.seconds + GENERATOR_TIMEOUT
    try:
        with pinned(cores):
            done = subprocess.run(
                [sys.executable, "-m", module, msgspec.json.encode(plan)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                timeout=timeout,
            )
    except subprocess.TimeoutExpired:
        raise LoadFailed(f"the load generator was not done after {timeout:.0f} s") from None
    if done.returncode != 0:
        raise LoadFailed(done.stderr.strip() or f"the load generator ended with status {done.returncode}")
    return msgspec.json.decode(done.stdout, type=result)


def allow_files(connections: int) -> int:
    """Raise this process's limit of open files, which the server and the generator inherit.

    Return how many connections a server can have; that may be less than was asked for.
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
