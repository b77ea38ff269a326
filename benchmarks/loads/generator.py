"""The load generator's command: `python -m benchmarks.loads.generator PLAN`, with the plan and the result in JSON.

Connections write prebuilt bytes, compare what comes back with prebuilt bytes (one C call a read), and write again when
the reply is whole. No coroutine runs while it measures.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

import msgspec
import uvloop

from benchmarks.handshake import HandshakeRefused
from benchmarks.loads.broadcast import BroadcastLoad
from benchmarks.loads.connects import ConnectsLoad
from benchmarks.loads.deflate import DeflateLoad
from benchmarks.loads.echo import EchoLoad
from benchmarks.loads.funnel import FunnelLoad
from benchmarks.loads.http import HTTPLoad
from benchmarks.loads.idle import IdleLoad
from benchmarks.loads.load import Load, Watch
from benchmarks.machine import cpu_seconds
from benchmarks.plan import LoadFailed, LoadPlan, Outcome

P = TypeVar("P")

LOADS: dict[str, type[Load]] = {
    "echo": EchoLoad,
    "broadcast": BroadcastLoad,
    "funnel": FunnelLoad,
    "connects": ConnectsLoad,
    "deflate": DeflateLoad,
    "idle": IdleLoad,
    "http": HTTPLoad,
}


class Moment(NamedTuple):
    """All counters at one moment; times in seconds."""

    time: float
    done: int
    server_cpu: float | None
    generator_cpu: float


async def generate(plan: LoadPlan) -> Outcome:
    """Carry out a plan; raise `LoadFailed`, `HandshakeRefused` or `OSError` if the server does not as it should."""
    watch = Watch()
    load_class = LOADS[plan.kind]
    load = load_class(plan, watch)
    try:
        start = _read_counters(plan, load)
        try:
            async with asyncio.timeout(load_class.connect_timeout):
                await load.open()
        except TimeoutError:
            complaint = f"{plan.connections} connections were not open within {load_class.connect_timeout:.0f} s"
            raise LoadFailed(complaint) from None
        if load.memory is None:
            load.check_open()
            load.start()
            await watch.run_for(plan.warm_up)
            start = _read_counters(plan, load)
            await watch.run_for(plan.seconds)
        end = _read_counters(plan, load)
        await load.finish()
    finally:
        load.close()
        watch.close()
    return _result(start, end, load)


def _read_counters(plan: LoadPlan, load: Load) -> Moment:
    return Moment(time.perf_counter(), load.count, cpu_seconds(plan.server_pid), time.process_time())


def _result(start: Moment, end: Moment, load: Load) -> Outcome:
    if end.done <= start.done:
        raise LoadFailed("nothing came back within the measured time")
    server_cpu = None if start.server_cpu is None or end.server_cpu is None else end.server_cpu - start.server_cpu
    count, seconds = end.done - start.done, end.time - start.time
    value = count / seconds if load.memory is None else load.memory / count
    generator_cpu = end.generator_cpu - start.generator_cpu
    return Outcome(value, count, seconds, server_cpu, generator_cpu, load.checked_bytes)


def run(generate: Callable[[P], Coroutine[Any, Any, object]], plan: type[P]) -> int:
    """Carry out the plan of the command line; print the result as JSON, or what went wrong, and return the status."""
    gc.disable()  # the load makes no cycles, and a collection would delay what is measured
    try:
        result = uvloop.run(generate(msgspec.json.decode(sys.argv[1], type=plan)))
    except (LoadFailed, HandshakeRefused, OSError, TimeoutError) as error:
        print(str(error) or type(error).__name__, file=sys.stderr)
        return 1
    print(msgspec.json.encode(result).decode())
    return 0


if __name__ == "__main__":
    sys.exit(run(generate, LoadPlan))
