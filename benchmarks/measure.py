"""One measurement: a fresh server, a fresh load generator, each on its core."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass

from benchmarks.contestants import HOST, Contestant
from benchmarks.environments import ROOT
from benchmarks.placement import Placement, pinned
from benchmarks.plan import LoadFailed, LoadPlan, LoadResult
from benchmarks.report import Sample
from benchmarks.scenarios import EchoScenario
from benchmarks.server_process import free_port, running_server

# Beyond warm-up and measurement: starting Python, connecting, the last replies.
GENERATOR_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a measurement takes.

    Attributes:
        warm_up: seconds of load before it.
        seconds: seconds that count.
    """

    warm_up: float
    seconds: float


def measure(
    contestant: Contestant, python: str, scenario: EchoScenario, timing: Timing, placement: Placement, round_number: int
) -> Sample:
    """Start the contestant, load it, end it.

    Arguments:
        python: the interpreter that `Contestant.prepare` returned.
        round_number: goes into the sample; samples of one round are compared with each other.

    Raises:
        ServerFailed: the server did not start or did not stay.
        LoadFailed: it did not answer as it should.
    """
    port = free_port(HOST)
    command = contestant.command(python, port)
    isolated = contestant.environment is not None
    with running_server(command, HOST, port, core=placement.server, isolated=isolated) as server:
        plan = LoadPlan(
            host=HOST,
            port=port,
            path=contestant.path,
            connections=scenario.connections,
            in_flight=scenario.in_flight,
            size=scenario.size,
            warm_up=timing.warm_up,
            seconds=timing.seconds,
            server_pid=server.pid,
        )
        try:
            result = _generate(plan, placement.generator)
        except LoadFailed as error:
            raise LoadFailed(f"{error}\nThe server wrote: {server.tail() or 'nothing'}") from error
    return Sample(
        scenario=scenario.name,
        contestant=contestant.name,
        round_number=round_number,
        messages=result.messages,
        seconds=result.seconds,
        server_cpu=result.server_cpu,
        generator_cpu=result.generator_cpu,
        checked_bytes=result.checked_bytes,
    )


def _generate(plan: LoadPlan, core: int | None) -> LoadResult:
    command = [sys.executable, "-m", "benchmarks.load", json.dumps(asdict(plan))]
    timeout = plan.warm_up + plan.seconds + GENERATOR_TIMEOUT
    with pinned(core):
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
