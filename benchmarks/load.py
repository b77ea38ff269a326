"""The load generator, a process of its own: `python -m benchmarks.load PLAN`, with the plan and the result in JSON.

A connection writes a prebuilt batch, compares what comes back with the prebuilt reply (one C call a read), and writes
the batch again when the reply is whole. Nothing is parsed, no coroutine runs while it measures.
"""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

import uvloop

from benchmarks.echo import EchoConnection
from benchmarks.frames import echo_batch
from benchmarks.handshake import END_OF_HEAD, HandshakeRefused, check_answer, upgrade_request
from benchmarks.plan import LoadFailed, LoadPlan, LoadResult
from benchmarks.process_tree import cpu_seconds

CONNECT_TIMEOUT = 20.0
DRAIN_TIMEOUT = 10.0


class Handshake(asyncio.Protocol):
    """Collects the server's answer to the upgrade request."""

    def __init__(self) -> None:
        self.head = b""
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.head += data
        if END_OF_HEAD in self.head and not self.answer.done():
            self.answer.set_result(self.head)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.answer.done():
            self.answer.set_exception(LoadFailed(f"the server closed during the handshake: {error or self.head!r}"))


class Moment(NamedTuple):
    """All counters at one moment; times in seconds."""

    time: float
    messages: int
    server_cpu: float | None
    generator_cpu: float


async def generate(plan: LoadPlan) -> LoadResult:
    """Carry out a plan.

    Raises:
        LoadFailed: a connection was lost, a reply was wrong, or none came.
        HandshakeRefused: the server did not open the websocket.
        TimeoutError: the connections were not open in time.
    """
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def failed(reason: str) -> None:
        if not failure.done():
            failure.set_exception(LoadFailed(reason))

    connections = [
        EchoConnection(echo_batch(number, plan.in_flight, plan.size, websocket=plan.path is not None), failed)
        for number in range(plan.connections)
    ]
    async with asyncio.timeout(CONNECT_TIMEOUT):
        transports = await asyncio.gather(*(_connect(plan) for _ in connections))
    try:
        for connection, transport in zip(connections, transports, strict=True):
            connection.start(transport)
        await _run_for(plan.warm_up, failure)
        start = _read_counters(plan, connections)
        await _run_for(plan.seconds, failure)
        end = _read_counters(plan, connections)
        await _finish(connections, failure)
    finally:
        for connection in connections:
            connection.close()
    return _result(start, end, connections)


async def _connect(plan: LoadPlan) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    if plan.path is None:
        transport, _ = await loop.create_connection(asyncio.Protocol, plan.host, plan.port)
        return transport
    transport, handshake = await loop.create_connection(Handshake, plan.host, plan.port)
    key = base64.b64encode(os.urandom(16))
    transport.write(upgrade_request(plan.host, plan.port, plan.path, key))
    check_answer(await handshake.answer, key)
    return transport


async def _run_for(seconds: float, failure: asyncio.Future[None]) -> None:
    done, _ = await asyncio.wait([failure], timeout=seconds)
    for future in done:
        future.result()


async def _finish(connections: Sequence[EchoConnection], failure: asyncio.Future[None]) -> None:
    for connection in connections:
        connection.stop()
    deadline = time.monotonic() + DRAIN_TIMEOUT
    while not all(connection.finished for connection in connections):
        if time.monotonic() > deadline:
            raise LoadFailed(f"messages were still unanswered {DRAIN_TIMEOUT:.0f} s after the last one was sent")
        await _run_for(0.01, failure)


def _read_counters(plan: LoadPlan, connections: Sequence[EchoConnection]) -> Moment:
    return Moment(
        time.perf_counter(),
        sum(connection.messages for connection in connections),
        cpu_seconds(plan.server_pid),
        time.process_time(),
    )


def _result(start: Moment, end: Moment, connections: Sequence[EchoConnection]) -> LoadResult:
    if end.messages == start.messages:
        raise LoadFailed("no message came back within the measured time")
    server_cpu = None if start.server_cpu is None or end.server_cpu is None else end.server_cpu - start.server_cpu
    return LoadResult(
        messages=end.messages - start.messages,
        seconds=end.time - start.time,
        server_cpu=server_cpu,
        generator_cpu=end.generator_cpu - start.generator_cpu,
        checked_bytes=sum(connection.checked_bytes for connection in connections),
    )


def main() -> int:
    """Run the plan on the command line; print the result, or what went wrong."""
    plan = LoadPlan(**json.loads(sys.argv[1]))
    gc.disable()  # the load makes no cycles
    try:
        result = uvloop.run(generate(plan))
    except TimeoutError:
        print(f"{plan.connections} connections were not open within {CONNECT_TIMEOUT:.0f} s", file=sys.stderr)
    except (LoadFailed, HandshakeRefused, OSError) as error:
        print(error, file=sys.stderr)
    else:
        print(json.dumps(asdict(result)))
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
