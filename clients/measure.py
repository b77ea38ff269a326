"""What is measured of one client, each time with a fresh process and a fresh probe."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clients.catalogue import SCRIPTS, Client
from clients.greetings import greet
from clients.probe import CLOSE, HOST, PING, PONG, TEXT, Connection, Probe

# Seconds for a client to start and connect; a browser on a busy machine is the slowest.
START_TIMEOUT = 60.0
# Seconds for an answer that takes none on its own.
ANSWER_TIMEOUT = 5.0
# Seconds that the program is busy elsewhere while it is pinged, and that are given to a message of many MiB.
PAUSE = 3.0
LARGE_TIMEOUT = 60.0
# Seconds without traffic in which a client may send a Ping of its own, and seconds in which it may come back.
IDLE = 35.0
RETURN_TIMEOUT = 20.0
SENT_SIZE = 1_000_000
KIB, MIB = 1024, 1024 * 1024
SIZES = tuple(size + more for size in (64 * KIB, *(n * MIB for n in (1, 4, 8, 10, 16, 64))) for more in (0, 1))
REASON = "ticket expired"
ENDS = (1000, 1001, 1008, 1011, 1012, 1013, 4001, 4401, "dropped", "403", "503")


@dataclass(slots=True)
class Running:
    """A client while it runs.

    Attributes:
        probe: what it talks to.
        events: what it has printed, or its page has posted.
    """

    probe: Probe
    events: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    async def ending(self) -> dict[str, Any]:
        """Return what the program saw of the end: the code and reason that it got, or the errors before it."""
        seen: dict[str, Any] = {"code": None, "reason": None, "status": None, "text": ""}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_TIMEOUT):
                while True:
                    event = await self.events.get()
                    seen["text"] += event.get("text") or ""
                    seen["status"] = seen["status"] or event.get("status")
                    if event["event"] == "closed":
                        seen["code"], seen["reason"] = event["code"], event["reason"]
                    if event["event"] in ("closed", "exited"):
                        break
        return seen


@contextlib.asynccontextmanager
async def running(client: Client, *names: str) -> AsyncIterator[Running]:
    """Run a client that connects to `/name` of a probe for each name."""
    pages = {
        "/page.html": ("text/html", (SCRIPTS / "node" / "page.html").read_text("utf-8")),
        "/talking.mjs": ("text/javascript", (SCRIPTS / "node" / "talking.mjs").read_text("utf-8")),
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as files:
        async with Probe(pages) as probe:
            if client.is_page:
                urls = [f"http://{HOST}:{probe.port}/page.html?name={name}" for name in names]
            else:
                urls = [f"ws://{HOST}:{probe.port}/{name}" for name in names]
            command = await asyncio.to_thread(client.command, urls, Path(files))
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            one = Running(probe, probe.events if client.is_page else asyncio.Queue())
            reading = asyncio.create_task(_read(process, one))
            try:
                yield one
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                reading.cancel()
                await process.wait()


async def _read(process: asyncio.subprocess.Process, client: Running) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(b"{"):
            client.events.put_nowait(json.loads(line))
    client.events.put_nowait({"event": "exited"})


async def measure_talk(client: Client) -> dict[str, Any]:
    """Return what the handshake says, how large frames are, when Pings are answered, and what a Close frame shows."""
    async with running(client, "talk") as one:
        connection = await one.probe.connection("talk", START_TIMEOUT)
        found: dict[str, Any] = {
            "origin": connection.fields.get("origin"),
            "extensions": connection.fields.get("sec-websocket-extensions"),
            "host": f"{HOST}:{one.probe.port}",
        }
        await connection.accept()
        async with asyncio.timeout(START_TIMEOUT):
            await greet(connection, client.greeting)
        found["pong waiting"] = await _pong(connection, ANSWER_TIMEOUT)
        if not client.greeting:
            await connection.send(f"send {SENT_SIZE}")
            async with asyncio.timeout(LARGE_TIMEOUT):
                found["frames"] = [frame.size for frame in await connection.message()]
            found["pong with message"] = connection.pongs > 0
            await connection.send(f"pause {PAUSE}")
            found["pong busy"] = await _pong(connection, PAUSE - 1)
            async with asyncio.timeout(PAUSE + ANSWER_TIMEOUT):
                await connection.message()
        await _end(connection, 4401, REASON)
        found["close"] = await one.ending()
        return found


async def _end(connection: Connection, code: int, reason: str = "") -> None:
    """Close a connection as a server should: it closes the TCP connection when the client has answered."""
    await connection.close(code, reason)
    with contextlib.suppress(EOFError, OSError, TimeoutError):
        async with asyncio.timeout(ANSWER_TIMEOUT):
            while (await connection.frame()).opcode != CLOSE:
                pass
    connection.drop()


async def _pong(connection: Connection, seconds: float) -> bool:
    """Ping a client; return whether the Pong came in time, and leave other messages aside."""
    await connection.send(b"probe", PING)
    try:
        async with asyncio.timeout(seconds):
            while (await connection.frame()).opcode != PONG:
                pass
    except TimeoutError:
        return False
    return True


async def measure_sizes(client: Client) -> dict[str, Any]:
    """Return the largest message, of `SIZES`, that the client takes, and the code with which it refuses the next."""
    largest = 0
    code: int | str | None = None
    async with running(client, "sizes") as one:
        connection = await one.probe.connection("sizes", START_TIMEOUT)
        await connection.accept()
        for size in SIZES:
            # It is read while it is written: a client may close, and reset the connection, before it has read it all.
            reading = asyncio.create_task(connection.message())
            try:
                async with asyncio.timeout(LARGE_TIMEOUT):
                    with contextlib.suppress(OSError):
                        await connection.send(b"\x00" * size)
                    (frame,) = await reading
            except TimeoutError:
                code = "too slow"
                break
            except (EOFError, OSError):
                break
            if frame.opcode == CLOSE:
                code = int.from_bytes(frame.payload[:2]) if frame.payload else 1005
                break
            if frame.opcode != TEXT or frame.payload != b"got %d" % size:
                break
            largest = size
    return {"largest": largest, "too large": code}


async def measure_refusal(client: Client) -> dict[str, Any]:
    """Return what the program sees of a handshake that is answered with 403."""
    async with running(client, "refused") as one:
        await (await one.probe.connection("refused", START_TIMEOUT)).refuse()
        return await one.ending()


async def measure_idle(client: Client) -> dict[str, Any]:
    """Return after how many idle seconds the client pings by itself, None for not within `IDLE`."""
    async with running(client, "idle") as one:
        connection = await one.probe.connection("idle", START_TIMEOUT)
        await connection.accept()
        async with asyncio.timeout(START_TIMEOUT):
            await greet(connection, client.greeting)
        start = time.monotonic()
        with contextlib.suppress(TimeoutError, EOFError, OSError):
            async with asyncio.timeout(IDLE):
                while (await connection.frame()).opcode != PING:
                    pass
                return {"pings after": time.monotonic() - start}
        return {"pings after": None}


async def measure_return(client: Client) -> dict[str, float | None]:
    """Return after how many seconds the client comes back, for each way to end a connection; None for not at all."""
    names = [f"end-{end}" for end in ENDS]
    async with running(client, *names) as one:
        waits = await asyncio.gather(*(_wait_for_return(client, one.probe, end) for end in ENDS))
    return {str(end): wait for end, wait in zip(ENDS, waits, strict=True)}


async def _wait_for_return(client: Client, probe: Probe, end: int | str) -> float | None:
    connection = await probe.connection(f"end-{end}", START_TIMEOUT)
    if end in ("403", "503"):
        await connection.refuse("403 Forbidden" if end == "403" else "503 Service Unavailable")
    else:
        await connection.accept()
        async with asyncio.timeout(START_TIMEOUT):
            await greet(connection, client.greeting)
        if isinstance(end, int):
            await _end(connection, end)
        else:
            connection.drop()
    start = time.monotonic()
    try:
        again = await probe.connection(f"end-{end}", RETURN_TIMEOUT)
    except TimeoutError:
        return None
    await again.accept()
    return time.monotonic() - start
