"""Peers that stall, flood, leave or pile up (reliability: Handshake 12 and 14, Exhaustion 49)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import pytest

from emmett import App, request
from tests.integration.hostile import Visits, attacked, check_alive, echo_app, refusal, request_of, victim_app
from tests.integration.raw_client import RawClient, connect, upgrade_request
from tests.integration.servers import Running, gone, run_emmett, settle
from tests.wire.frame_maker import TEXT, client_frame

pytestmark = pytest.mark.loops("asyncio", "uvloop")

Log = pytest.LogCaptureFixture

TIMEOUT = 0.2
# Well below the default of ten seconds, and long enough on a busy machine.
SOON = 5.0


def impatient(app: App) -> App:
    app.config.http.head_timeout = TIMEOUT
    return app


async def drip(client: RawClient, data: bytes) -> bytes:
    """Send a byte at intervals until the server has closed, and return its response."""
    answer = asyncio.ensure_future(client.read_end())
    for number in range(len(data)):
        client.write(data[number : number + 1])
        await asyncio.wait((answer,), timeout=TIMEOUT / 20)
        if answer.done():
            break
    return await answer


@pytest.mark.parametrize(
    "sent", [b"", b"\r\n", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n", upgrade_request("/")[:-2]]
)
async def test_an_endless_head_is_408(sent: bytes, caplog: Log) -> None:
    async with attacked(impatient(victim_app()), caplog) as running, connect(running.port) as client:
        if sent:
            client.write(sent)
        answer = await client.read_end()
        # A client that has sent nothing gets no response.
        assert answer.startswith(b"HTTP/1.1 408 ") if sent.strip() else answer == b""
        await gone(running)


@pytest.mark.parametrize(
    "data", [upgrade_request("/"), request_of(), b"\r\n" * 80], ids=["upgrade", "request", "empty lines"]
)
async def test_single_bytes_do_not_extend_the_deadline_of_a_head(data: bytes, caplog: Log) -> None:
    """The deadline applies to the whole head."""
    async with attacked(impatient(victim_app()), caplog) as running, connect(running.port) as client:
        assert (await drip(client, data)).startswith(b"HTTP/1.1 408 ") or data.isspace()
        await gone(running)


async def test_an_endless_second_head_is_408(caplog: Log) -> None:
    visits = Visits()
    async with attacked(impatient(victim_app(visits)), caplog) as running, connect(running.port) as client:
        client.write(request_of())
        assert (await client.read_response())[0] == 200
        assert (await drip(client, request_of())).startswith(b"HTTP/1.1 408 ")
        await gone(running)
    assert visits == [("request", "/")]


async def test_a_slow_response_is_not_a_slow_head(caplog: Log) -> None:
    app = impatient(echo_app())

    @app.route("/slow")
    async def slow() -> str:
        await asyncio.sleep(3 * TIMEOUT)
        return "slow"

    async with attacked(app, caplog) as running, connect(running.port) as client:
        client.write(request_of(line=b"GET /slow HTTP/1.1"))
        assert (await client.read_response())[::2] == (200, b"slow")


async def test_a_flood_of_pipelined_requests_takes_bounded_memory(caplog: Log) -> None:
    """Some requests wait, and the others are refused; memory stays bounded, whatever the handlers do."""
    app = echo_app()
    visits = 0

    @app.route("/")
    async def visit() -> bytes:
        nonlocal visits
        visits += 1
        return await request.body

    async with attacked(app, caplog) as running, connect(running.port, limit=1 << 20) as client:
        assert running.server is not None
        client.write(request_of() * 20_000)
        statuses: list[int] = []
        while not statuses or statuses[-1] == 200:
            statuses.append((await client.read_response())[0])
        assert statuses[-1] == 429
        assert await client.read_end() == b""
        assert visits == len(statuses) - 1
        assert 64 < visits < 5000


async def test_garbage_after_a_running_request_is_refused(caplog: Log) -> None:
    app = echo_app()
    answer = asyncio.Event()

    @app.route("/slow")
    async def slow() -> str:
        await answer.wait()
        return "slow"

    broken = request_of(b"Transfer-Encoding: chunked", line=b"POST /echo HTTP/1.1") + b"5\r\nhelloXX"
    good = request_of(b"Content-Length: 5", line=b"POST /echo HTTP/1.1") + b"hello"
    async with attacked(app, caplog) as running:
        for garbage in (b"\0", b"garbage\r\n\r\n", broken, request_of(host=None)):
            for between in (b"", good):
                answer.clear()
                async with connect(running.port) as client:
                    client.write(request_of(line=b"GET /slow HTTP/1.1") + between + garbage + good)
                    await settle()
                    answer.set()
                    assert (await client.read_response())[::2] == (200, b"slow")
                    if between:
                        assert (await client.read_response())[::2] == (200, b"hello")
                    assert (await client.read_response())[0] == 400
                    assert await client.read_end() == b""


async def test_an_invalid_body_during_its_response_ends_the_connection(caplog: Log) -> None:
    app = echo_app()

    @app.route("/stream", methods=["post"])
    async def stream() -> AsyncIterator[bytes]:
        async def chunks() -> AsyncIterator[bytes]:
            yield b"begun"
            await request.body
            yield b"never"

        return chunks()

    async with attacked(app, caplog) as running, connect(running.port) as client:
        client.write(request_of(b"Transfer-Encoding: chunked", line=b"POST /stream HTTP/1.1") + b"5\r\nhello")
        assert (await client.read_head())[0] == 200
        assert await client.reader.readuntil(b"begun\r\n") == b"5\r\nbegun\r\n"
        client.write(b"XX")
        # Not even the final chunk, which would make the stream look complete.
        assert await client.read_end() == b""


async def test_a_request_has_only_one_response(caplog: Log) -> None:
    """This holds even if its body becomes invalid, or ends, after the response."""
    head = request_of(b"Transfer-Encoding: chunked", line=b"POST /visit HTTP/1.1")
    async with attacked(victim_app(), caplog) as running:
        for rest, status in (
            (b"XX", None),
            (b"5\r\nhello\r\n0\r\n\r\nXX", 400),
            (b"0\r\n\r\n" + request_of(host=None), 400),
        ):
            async with connect(running.port) as client:
                client.write(head)
                assert (await client.read_response())[0] == 200
                client.write(rest)
                if status is not None:
                    assert (await client.read_response())[0] == status
                assert await client.read_end() == b""


@pytest.mark.parametrize("kind", ["busy", "waiting"])
@pytest.mark.parametrize("pipelined", [False, True])
async def test_a_stream_ends_when_its_reader_leaves(kind: str, pipelined: bool, caplog: Log) -> None:
    app = impatient(echo_app())
    closed = asyncio.Event()

    @app.route("/stream")
    async def stream() -> AsyncIterator[bytes]:
        async def chunks() -> AsyncIterator[bytes]:
            try:
                yield b"begun"
                while kind == "busy":
                    await asyncio.sleep(0.001)
                    yield b"more"
                await asyncio.Event().wait()
            finally:
                closed.set()

        return chunks()

    async with attacked(app, caplog) as running:
        async with connect(running.port) as client:
            client.write(request_of(line=b"GET /stream HTTP/1.1") * (2 if pipelined else 1))
            assert (await client.read_head())[0] == 200
            await client.reader.readuntil(b"begun")
        await closed.wait()
        await gone(running)


async def test_a_peer_may_leave_with_half_a_body(caplog: Log) -> None:
    async with attacked(victim_app(), caplog) as running:
        for field, part in ((b"Content-Length: 10", b"half"), (b"Transfer-Encoding: chunked", b"a\r\nhalf")):
            async with connect(running.port) as client:
                client.write(request_of(field, line=b"POST /echo HTTP/1.1") + part)
                await settle()
            await gone(running)


async def test_an_upgrade_after_a_request_is_dropped_with_its_peer(caplog: Log) -> None:
    app = victim_app()
    answer = asyncio.Event()

    @app.route("/slow", methods=["post"])
    async def slow() -> str:
        await answer.wait()
        return "slow"

    async with attacked(app, caplog) as running:
        async with connect(running.port) as client:
            client.write(request_of(line=b"POST /slow HTTP/1.1") + upgrade_request("/x") + client_frame(TEXT, b"hello"))
            await settle()
        answer.set()
        await gone(running)


@contextlib.asynccontextmanager
async def crowd(running: Running, count: int) -> AsyncIterator[list[RawClient]]:
    """Connections that send nothing; all have reached the server."""
    assert running.server is not None
    before = len(running.server.server_state.connections)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(running.port)) for _ in range(count)]
        while len(running.server.server_state.connections) < before + count:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        yield clients


async def test_connections_over_the_limit_get_503(caplog: Log) -> None:
    """Earlier connections are not affected, and later everything works again."""
    visits = Visits()
    app = victim_app(visits)
    app.config.server.max_connections = 3
    async with attacked(app, caplog) as running:
        async with connect(running.port) as first, connect(running.port) as second:
            await first.upgrade("/echo")
            second.write(request_of())
            assert (await second.read_response())[0] == 200
            async with crowd(running, 2):
                for attempt in (request_of(), upgrade_request("/x")):
                    status, fields, _ = await refusal(running, attempt)
                    assert (status, fields["retry-after"]) == (503, "1")
                second.write(request_of())
                assert (await second.read_response())[0] == 200
                first.write(client_frame(TEXT, b"hello"))
                assert await first.read_frame() == (TEXT, b"hello")
        await gone(running)
    assert visits == [("request", "/")] * 2
    assert any("as many as the server takes" in record.getMessage() for record in caplog.records)


async def test_a_refused_client_is_served_once_others_have_left(caplog: Log) -> None:
    app = victim_app()
    app.config.server.max_connections = 1
    async with attacked(app, caplog) as running, connect(running.port) as late:
        async with crowd(running, 1):
            pass
        assert running.server is not None
        while len(running.server.server_state.connections) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        late.write(request_of())
        assert (await late.read_response())[0] == 200


async def test_connections_far_over_the_limit_are_dropped(caplog: Log) -> None:
    """Silent connections count until the deadline of their head; then there is room again."""
    app = impatient(victim_app())
    app.config.server.max_connections = 20
    async with attacked(app, caplog) as running:
        assert running.server is not None
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(100):
                await stack.enter_async_context(connect(running.port))
                assert len(running.server.server_state.connections) <= 37
            await gone(running)
            await check_alive(running)


async def test_a_refused_peer_that_neither_reads_nor_closes_is_dropped(caplog: Log) -> None:
    """Refused and ended connections are dropped, even with unsent data that the peer never reads."""
    app = impatient(echo_app())
    app.config.http.send_timeout = 0.3

    @app.route("/large")
    async def large() -> bytes:
        return b"x" * 20_000_000

    close = request_of(b"Connection: close", line=b"GET /large HTTP/1.1")
    async with attacked(app, caplog) as running:
        for attack in (request_of(host=None), request_of(b"X: " + b"x" * 65536), b"garbage\r\n\r\n", close):
            with socket.socket() as peer:
                peer.setblocking(False)
                await asyncio.get_running_loop().sock_connect(peer, ("127.0.0.1", running.port))
                await asyncio.get_running_loop().sock_sendall(peer, attack)
                await settle()
                assert running.server is not None
                assert len(running.server.server_state.connections) == 1
                await gone(running)


async def test_a_slow_reader_gets_the_whole_last_response() -> None:
    """A response that ends the connection may take longer than the deadline if the peer keeps reading."""
    app = echo_app()
    app.config.http.send_timeout = 1.0

    @app.route("/large")
    async def large() -> bytes:
        return b"x" * 8_000_000

    async with run_emmett(app) as running, connect(running.port) as client:
        client.write(request_of(b"Connection: close", line=b"GET /large HTTP/1.1"))
        assert (await client.read_head())[0] == 200
        received = 0
        while received < 8_000_000:
            received += len(await client.reader.readexactly(400_000))
            await asyncio.sleep(0.1)
        assert await client.read_end() == b""
