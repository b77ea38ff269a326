"""The probe: it shows frames as they arrive, and selects connections by their path."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.typing import Subprotocol

from clients.greetings import greet
from clients.probe import CLOSE, HOST, PONG, TEXT, Probe


async def test_frames_and_codes_are_shown_as_they_arrive() -> None:
    async with Probe() as probe, asyncio.TaskGroup() as group:
        url = f"ws://{HOST}:{probe.port}/one?x=1"
        opening = group.create_task(
            connect(url, compression=None, subprotocols=[Subprotocol("a"), Subprotocol("b")]).__aenter__()
        )
        connection = await probe.connection("one", 10)
        assert connection.path == "/one?x=1"
        await connection.accept()
        client = await opening
        assert client.subprotocol == "a"
        await client.send(["x" * 200, "y" * 70_000])
        frames = await connection.message()
        assert [(frame.opcode, frame.final, frame.size) for frame in frames[:1]] == [(TEXT, False, 200)]
        assert frames[-1].final
        assert b"".join(frame.payload for frame in frames) == b"x" * 200 + b"y" * 70_000
        for size in (5, 126, 70_000):
            await connection.send("z" * size)
            assert await client.recv() == "z" * size
        await connection.send(b"?", 9)
        assert (await connection.frame()).opcode == PONG
        await connection.close(4401, "gone")
        assert (await connection.frame()).opcode == CLOSE
        connection.drop()
        with pytest.raises(ConnectionClosedError, match="4401"):
            await client.recv()


async def test_a_handshake_can_be_refused() -> None:
    async with Probe() as probe, asyncio.TaskGroup() as group:

        async def visit() -> int:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://{HOST}:{probe.port}/no")
            return refused.value.response.status_code

        visiting = group.create_task(visit())
        await (await probe.connection("no", 10)).refuse("401 Unauthorized")
        assert await visiting == 401


async def test_a_page_is_served_and_its_events_are_received() -> None:
    async with Probe({"/page": ("text/html", "<p>Grüße")}) as probe:
        reader, writer = await asyncio.open_connection(HOST, probe.port)
        writer.write(b"GET /page?name=x HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.read()
        assert answer.endswith("\r\n\r\n<p>Grüße".encode())
        writer.close()
        _, writer = await asyncio.open_connection(HOST, probe.port)
        writer.write(b'POST /events HTTP/1.1\r\nContent-Length: 17\r\n\r\n{"event":"closed"}'.replace(b"17", b"18"))
        assert await probe.events.get() == {"event": "closed"}
        writer.close()


async def test_a_protocol_gets_its_greeting() -> None:
    async with Probe() as probe, asyncio.TaskGroup() as group:
        url = f"ws://{HOST}:{probe.port}/graphql"
        opening = group.create_task(connect(url).__aenter__())
        connection = await probe.connection("graphql", 10)
        await connection.accept()
        client = await opening
        await client.send('{"type":"connection_init"}')
        await greet(connection, "graphql")
        assert await client.recv() == '{"type":"connection_ack"}'
        connection.drop()


async def test_waiting_for_a_client_has_a_deadline() -> None:
    async with Probe() as probe:
        with pytest.raises(TimeoutError):
            await probe.connection("nobody", 0.01)
