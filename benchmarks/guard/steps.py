"""The way of one message in steps, each alone, so that its instructions can be counted.

A step is a coroutine that does one thing so many times, on uvloop as in a server. `PARTS` shows how the steps make up
the whole: what a part costs is the difference between steps that have it and those that have not.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT), str(ROOT / "src")]

import uvloop
from websockets.speedups import apply_mask

from benchmarks.guard.workload import MASK, Sink, open_echo
from emmett import websocket
from emmett.ctx import current_websocket
from emmett.websockets.inbox import Inbox
from emmett.websockets.outbox import Outbox
from emmett.wire.encoding import encode_message
from emmett.wire.frames import FRAMES_A_TURN, FrameReader

TEXT = "x" * 64
READ = b"\x81" + bytes((0x80 | 64,)) + MASK + apply_mask(TEXT.encode(), MASK)

Step = Callable[[int], Coroutine[Any, Any, None]]
_steps: dict[str, Step] = {}


def step(function: Step) -> Step:
    """Make a function a step, under its own name."""
    _steps[function.__name__] = function
    return function


@step
async def repeat(times: int) -> None:
    for _ in range(times):
        pass


@step
async def turn(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


@step
async def unmask(times: int) -> None:
    data = READ
    for _ in range(times):
        apply_mask(data[6:70], data[2:6])


@step
async def decode(times: int) -> None:
    payload = TEXT.encode()
    for _ in range(times):
        payload.decode()


@step
async def pop(times: int) -> None:
    messages: list[Any] = []
    for _ in range(times):
        messages.append(TEXT)
        messages.pop(0)


@step
async def feed(times: int) -> None:
    messages: list[str | bytes] = []
    reader = FrameReader(
        messages, _ignore, max_message_size=2**20, max_fragments=1024, max_messages=16, max_bytes=2**20
    )
    data = READ
    while times > 0:
        # As many as one connection may have of a turn of the loop.
        reader.begin_turn()
        for _ in range(min(times, FRAMES_A_TURN)):
            reader.feed(data)
            messages.pop(0)
        times -= FRAMES_A_TURN


@step
async def wake(times: int) -> None:
    loop = asyncio.get_running_loop()
    inbox = Inbox(loop, _ignore)

    async def wait() -> None:
        while True:
            await inbox.arrival()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    for _ in range(times):
        inbox.wake()
        await asyncio.sleep(0)
    task.cancel()


@step
async def receive(times: int) -> None:
    async with open_echo() as (_, connection, _):
        current_websocket.set(connection)
        messages = connection._messages
        for _ in range(times):
            messages.append(TEXT)
            await websocket.receive()


@step
async def encode(times: int) -> None:
    for _ in range(times):
        encode_message(TEXT)


@step
async def write(times: int) -> None:
    outbox = Outbox(asyncio.get_running_loop(), Sink(), 65536)
    for _ in range(times):
        outbox.write(TEXT, False)


@step
async def send(times: int) -> None:
    async with open_echo() as (_, connection, _):
        current_websocket.set(connection)
        for _ in range(times):
            await websocket.send(TEXT)


@step
async def whole(times: int) -> None:
    async with open_echo() as (protocol, _, _):
        for _ in range(times):
            protocol.data_received(READ)
            await asyncio.sleep(0)


# What a part costs: the steps to add and those to take away.
PARTS = {
    "unmask: two slices, `apply_mask`": (("unmask",), ("repeat",)),
    "decode UTF-8": (("decode",), ("repeat",)),
    "parse: header, bounds, into the inbox": (("feed", "repeat", "repeat"), ("unmask", "decode", "pop")),
    "wake: future, callback, step of the task": (("wake",), ("turn",)),
    "receive: handle, coroutine, out of the inbox": (("receive",), ("pop",)),
    "encode: UTF-8, header": (("encode",), ("repeat",)),
    "write: checks, `transport.write` into nothing": (("write",), ("encode",)),
    "send: handle, coroutine": (("send",), ("write",)),
}


def explain(counts: dict[str, float]) -> dict[str, float]:
    """Return the instructions of each part, of the rest, and of the whole.

    Arguments:
        counts: instructions that one time of each step takes.
    """
    parts = {
        name: sum(counts[step] for step in plus) - sum(counts[step] for step in minus)
        for name, (plus, minus) in PARTS.items()
    }
    total = counts["whole"] - counts["turn"]
    rest = total - sum(parts.values())
    return {**parts, "the rest: `data_received`, the loop of the handler": rest, "all": total}


def step_names() -> list[str]:
    """Return the names of all steps."""
    return list(_steps)


def _ignore(*_: object) -> None:
    pass


def main() -> None:
    name, times = sys.argv[1], int(sys.argv[2])
    # A collection in the middle would depend on all that was imported.
    gc.disable()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_steps[name](times))


if __name__ == "__main__":
    main()
