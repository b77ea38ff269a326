"""The load generator's command: `python -m benchmarks.channels.generator PLAN`, with plan and result in JSON."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import NamedTuple

from benchmarks.channels.load import ChannelLoad
from benchmarks.channels.plan import ChannelPlan, ChannelResult
from benchmarks.loads.generator import run
from benchmarks.loads.load import Watch
from benchmarks.machine import cpu_seconds, kernel_bytes, memory_bytes
from benchmarks.plan import LoadFailed

# Seconds between two looks at the servers' memory.
LOOK_INTERVAL = 0.25


class Moment(NamedTuple):
    """All counters at one moment; `time` in nanoseconds, the others in seconds."""

    time: int
    deliveries: int
    servers: float
    broker: float | None
    generator: float


async def generate(plan: ChannelPlan) -> ChannelResult:
    """Carry out a plan; raise `LoadFailed`, `HandshakeRefused` or `OSError` if the server does not as it should."""
    watch = Watch()
    load = ChannelLoad(plan, watch)
    memory = {"empty": _memory(plan), "kernel_empty": kernel_bytes()}
    try:
        await load.open()
        memory["full"] = memory["peak"] = _memory(plan)
        memory["kernel_full"] = kernel_bytes()
        load.start()
        await watch.run_for(plan.warm_up)
        if plan.pace:
            load.note_delays()
        start = _moment(plan, load)
        deadline = asyncio.get_running_loop().time() + plan.seconds
        while (left := deadline - asyncio.get_running_loop().time()) > 0:
            await watch.run_for(min(left, LOOK_INTERVAL))
            if plan.slow:
                memory["peak"] = max(memory["peak"], _memory(plan))
        end = _moment(plan, load)
        memory["end"] = _memory(plan)
        memory["peak"] = max(memory["peak"], memory["end"])
        await load.finish()
        stats = await load.stats()
        # With that answer, what came once too often has had time to come.
        load.check_whole()
        delays = load.delays(start.time, end.time)
    finally:
        load.close()
        watch.close()
    if end.deliveries <= start.deliveries:
        raise LoadFailed("nothing was delivered within the measured time")
    return ChannelResult(
        deliveries=end.deliveries - start.deliveries,
        seconds=(end.time - start.time) / 1e9,
        server_cpu=end.servers - start.servers,
        broker_cpu=None if start.broker is None or end.broker is None else end.broker - start.broker,
        generator_cpu=end.generator - start.generator,
        processes=len(load.streams),
        delays=delays,
        memory=memory,
        stats=stats,
    )


def _moment(plan: ChannelPlan, load: ChannelLoad) -> Moment:
    return Moment(
        time.perf_counter_ns(),
        load.deliveries,
        sum(cpu_seconds(server) or 0.0 for server in plan.servers),
        None if plan.broker is None else cpu_seconds(plan.broker),
        time.process_time(),
    )


def _memory(plan: ChannelPlan) -> int:
    return sum(memory_bytes(server) or 0 for server in plan.servers)


if __name__ == "__main__":
    sys.exit(run(generate, ChannelPlan))
