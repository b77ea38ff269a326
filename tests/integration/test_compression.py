"""permessage-deflate on the default server, with real clients and byte for byte (reliability: Compression)."""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory, PerMessageDeflate

from emmett import App, websocket
from tests.integration.raw_client import RawClient, connect
from tests.integration.servers import Running, gone, run_emmett
from tests.wire.deflate_maker import RSV1, Peer, bomb, compressed_fragments, compressed_frame
from tests.wire.frame_maker import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, client_frame, close_payload

pytestmark = pytest.mark.loops("asyncio", "uvloop")

MIB = 1024 * 1024
OFFER = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15"


def echo_app(**settings: Any) -> App:
    app = App(__name__)

    @app.websocket("/", **{"compression": "deflate", "compression_min_size": 1, **settings})
    async def echo() -> None:
        async for message in websocket:
            await websocket.send(message)

    @app.websocket("/plain")
    async def plain() -> None:
        async for message in websocket:
            await websocket.send(message)

    return app


async def read_compressed(client: RawClient, peer: Peer) -> tuple[int, bytes]:
    """Read one message of the server, and return its first byte and its inflated content."""
    first, second = await client.reader.readexactly(2)
    length = second
    if second == 126:
        length = int.from_bytes(await client.reader.readexactly(2), "big")
    elif second == 127:
        length = int.from_bytes(await client.reader.readexactly(8), "big")
    payload = await client.reader.readexactly(length)
    return first, peer.inflate(payload) if first & 0x40 else payload


@asynccontextmanager
async def raw(offer: bytes = OFFER, **settings: Any) -> AsyncIterator[tuple[RawClient, str | None]]:
    """Return a raw client after its handshake, and the extensions that the server agreed to."""
    async with run_emmett(echo_app(**settings)) as running, connect(running.port) as client:
        answer = await client.upgrade("/", offer)
        yield client, answer.get("sec-websocket-extensions")
        client.writer.close()
        await client.read_end()
        await gone(running)


def dial(running: Running, path: str = "/", **options: Any) -> websockets.asyncio.client.connect:
    return websockets.asyncio.client.connect(running.url + path, **options)


def extension_of(client: websockets.asyncio.client.ClientConnection) -> PerMessageDeflate:
    (extension,) = client.protocol.extensions
    assert isinstance(extension, PerMessageDeflate)
    return extension


async def test_real_clients_use_compression() -> None:
    messages: list[str | bytes] = [
        "",
        "hi",
        "x" * 5000,
        b"\x00" * 100_000,
        "snow \N{SNOWMAN}" * 400,
        b"",
        "x" * MIB,
        random.Random(1).randbytes(MIB),
    ]
    async with run_emmett(echo_app()) as running, dial(running, max_size=None) as client:
        extension = extension_of(client)
        assert (extension.local_max_window_bits, extension.remote_max_window_bits) == (12, 12)
        for message in messages * 2:
            await client.send(message)
            assert await client.recv() == message
        await client.send("x" * (MIB + 1))
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1009


@pytest.mark.parametrize("server_bits", [None, 8, 9, 12, 15])
@pytest.mark.parametrize("client_bits", [None, True, 9, 12, 15])
async def test_window_bits_are_negotiated(server_bits: int | None, client_bits: int | bool | None) -> None:
    offer = ClientPerMessageDeflateFactory(server_max_window_bits=server_bits, client_max_window_bits=client_bits)
    async with (
        run_emmett(echo_app(compression_window_bits=15)) as running,
        dial(running, extensions=[offer], compression=None) as client,
    ):
        extension = extension_of(client)
        assert extension.remote_max_window_bits == (server_bits or 15)
        assert extension.local_max_window_bits == (15 if client_bits in (None, True) else client_bits)
        # Repetitions at all distances: the same text repeatedly, with more and more in between.
        for gap in range(0, 40_000, 3_777):
            message = "to be or not to be" + random.Random(gap).randbytes(gap).hex() + "to be or not to be"
            await client.send(message)
            assert await client.recv() == message


@pytest.mark.parametrize("bits", range(8, 16))
async def test_a_client_may_have_a_window_of_any_size(bits: int) -> None:
    offer = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=%d; server_max_window_bits=%d"
    async with raw(offer % (bits, bits), compression_window_bits=15) as (client, answer):
        assert answer == (f"permessage-deflate; server_max_window_bits={bits}; client_max_window_bits={bits}")
        sender, receiver = Peer(window_bits=bits), Peer(window_bits=bits)
        for number in range(20):
            message = json.dumps({"number": number, "text": "the same again and again " * number}).encode()
            client.write(compressed_frame(sender.compress(message)))
            assert await read_compressed(client, receiver) == (0xC1, message)


@pytest.mark.parametrize("server_takeover", [True, False])
@pytest.mark.parametrize("client_takeover", [True, False])
@pytest.mark.parametrize("ours", [True, False])
async def test_context_takeover_is_negotiated(server_takeover: bool, client_takeover: bool, ours: bool) -> None:
    offer = ClientPerMessageDeflateFactory(
        server_no_context_takeover=not server_takeover, client_no_context_takeover=not client_takeover
    )
    async with (
        run_emmett(echo_app(compression_context_takeover=ours)) as running,
        dial(running, extensions=[offer], compression=None) as client,
    ):
        extension = extension_of(client)
        assert extension.remote_no_context_takeover is not (server_takeover and ours)
        assert extension.local_no_context_takeover is not (client_takeover and ours)
        for number in range(20):
            await client.send(f"the same again, number {number % 3}" * 4)
            assert await client.recv() == f"the same again, number {number % 3}" * 4


async def test_compression_is_off_by_default() -> None:
    async with run_emmett(echo_app()) as running:
        async with dial(running, "/plain") as client:
            assert client.protocol.extensions == []
            await client.send("hello")
            assert await client.recv() == "hello"
        async with dial(running, compression=None) as client:
            assert client.protocol.extensions == []
            await client.send("hello" * 100)
            assert await client.recv() == "hello" * 100
        async with connect(running.port) as bare:
            assert "sec-websocket-extensions" not in await bare.upgrade("/plain", OFFER)
            bare.write(compressed_frame(Peer().compress(b"hello")))
            assert (await bare.read_close())[0] == 1002


async def test_small_messages_are_not_compressed() -> None:
    async with raw(compression_min_size=64) as (client, _):
        peer = Peer()
        for size, first in ((0, 0x81), (63, 0x81), (64, 0xC1), (10, 0x81)):
            client.write(client_frame(TEXT, b"a" * size))
            assert await read_compressed(client, peer) == (first, b"a" * size)


@pytest.mark.parametrize(
    "parameters",
    [
        "server_max_window_bits=7",
        "client_max_window_bits=16",
        "client_max_window_bits=abc",
        "server_max_window_bits",
        "client_max_window_bits; client_max_window_bits",
        "unknown",
    ],
)
async def test_an_unacceptable_offer_is_declined(parameters: str) -> None:
    field = f"Sec-WebSocket-Extensions: permessage-deflate; {parameters}".encode()
    async with raw(field) as (client, answer):
        assert answer is None
        client.write(client_frame(TEXT, b"plain"))
        assert await client.read_frame() == (TEXT, b"plain")
        client.write(compressed_frame(Peer().compress(b"hello")))
        assert (await client.read_close())[0] == 1002
    async with raw(field + b", permessage-deflate; server_max_window_bits=10") as (client, answer):
        assert answer == "permessage-deflate; server_max_window_bits=10"


@pytest.mark.parametrize("path", ["/", "/plain"])
async def test_a_field_that_is_no_list_of_extensions_fails_the_handshake(path: str) -> None:
    async with run_emmett(echo_app()) as running:
        for field in (b"permessage-deflate;", b'permessage-deflate; a="', b";;;;", b"a b"):
            async with connect(running.port) as client:
                with pytest.raises(AssertionError, match="400"):
                    await client.upgrade(path, b"Sec-WebSocket-Extensions: " + field)


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("a ping", [client_frame(PING, b"", rsv=RSV1)]),
        ("a pong", [client_frame(PONG, b"", rsv=RSV1)]),
        ("a close", [client_frame(CLOSE, close_payload(1000), rsv=RSV1)]),
        ("a lone continuation", [client_frame(CONTINUATION, b"\x00", rsv=RSV1)]),
        ("a continuation", [client_frame(TEXT, b"a", fin=False), client_frame(CONTINUATION, b"\x00", rsv=RSV1)]),
        ("another bit", [client_frame(TEXT, b"\x00", rsv=2)]),
        ("all bits", [client_frame(TEXT, b"\x00", rsv=7)]),
    ],
)
async def test_the_compression_bit_out_of_place_is_refused(name: str, frames: list[bytes]) -> None:
    async with raw() as (client, _):
        client.write(b"".join(frames))
        assert (await client.read_close())[0] == 1002


@pytest.mark.parametrize(
    "payload", [b"\xff\xff", b"\x07", Peer().compress(b"hello" * 9)[:-3], Peer().compress(b"hello") + b"\x01"]
)
async def test_corrupt_and_truncated_data_is_refused(payload: bytes) -> None:
    async with raw() as (client, _):
        sender, receiver = Peer(), Peer()
        client.write(compressed_frame(sender.compress(b"good")))
        assert await read_compressed(client, receiver) == (0xC1, b"good")
        client.write(compressed_frame(payload))
        assert (await client.read_close())[0] == 1007


@pytest.mark.parametrize("cuts", [[], [3], [2, 9, 9]])
async def test_the_limit_of_inflated_messages_is_exact(cuts: list[int]) -> None:
    async with raw(max_message_size=10_000) as (client, _):
        sender, receiver = Peer(), Peer()
        client.write(b"".join(compressed_fragments(sender.compress(b"a" * 10_000), cuts)))
        assert await read_compressed(client, receiver) == (0xC1, b"a" * 10_000)
        client.write(b"".join(compressed_fragments(sender.compress(b"a" * 10_001), cuts)))
        assert (await client.read_close())[0] == 1009


@pytest.mark.parametrize("pieces", [1, 300])
@pytest.mark.parametrize("size", [10 * MIB, 1024 * MIB])
async def test_a_bomb_is_refused_with_bounded_memory(size: int, pieces: int) -> None:
    limit = 16 * MIB if size > 16 * MIB else MIB
    payload = bomb(size)
    step = len(payload) // pieces
    frames = compressed_fragments(payload, [index * step for index in range(1, pieces)], BINARY)
    async with raw(max_message_size=limit) as (client, _):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        client.write(b"".join(frames))
        assert (await client.read_close())[0] == 1009
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1024 if sys.platform == "linux" else 1)
    # The bomb itself is in this process too: in this test, in the buffers of the socket and in the server.
    assert grown <= 2 * limit + 6 * len(payload)


@pytest.mark.parametrize("size", [MIB, 1000])
async def test_small_bombs_of_a_departed_peer_are_delivered_with_bounded_memory(size: int) -> None:
    """One read may inflate to a thousand times its size; all of it is delivered, but never kept in memory at once."""
    app = App(__name__)
    seen: list[int] = []
    go_on, done = asyncio.Event(), asyncio.Event()

    @app.websocket("/", compression="deflate")
    async def count() -> None:
        await websocket.accept()
        await go_on.wait()
        async for message in websocket:
            seen.append(len(message))
        done.set()

    async with run_emmett(app) as running:
        async with connect(running.port) as client:
            await client.upgrade("/", OFFER)
            sender = Peer()
            client.write(b"".join(compressed_frame(sender.compress(bytes(size)), BINARY) for _ in range(60)))
            await client.writer.drain()
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        go_on.set()
        await done.wait()
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (1024 if sys.platform == "linux" else 1)
        assert seen == [size] * 60
        assert grown <= 24 * MIB
        await gone(running)


async def test_thousands_of_empty_blocks_take_linear_time() -> None:
    async with raw() as (client, _):
        began = asyncio.get_running_loop().time()
        client.write(compressed_frame(b"\x00\x00\x00\xff\xff" * 200_000 + Peer().compress(b"hello")))
        assert await read_compressed(client, Peer()) == (0xC1, b"hello")
        assert asyncio.get_running_loop().time() - began < 5


async def test_invalid_utf8_in_a_compressed_message_is_refused() -> None:
    async with raw() as (client, _):
        client.write(compressed_frame(Peer().compress(b"abc\xff")))
        assert (await client.read_close())[0] == 1007


async def test_compressed_messages_may_follow_the_handshake_at_once() -> None:
    sender, receiver = Peer(), Peer()
    first = compressed_frame(sender.compress(b"one"))
    head, rest = compressed_fragments(sender.compress(b"two two two"), [3])
    async with run_emmett(echo_app()) as running, connect(running.port) as client:
        await client.upgrade("/", OFFER, behind=first + head + client_frame(PING, b"?"))
        client.write(rest)
        got = [await read_compressed(client, receiver) for _ in range(3)]
        assert sorted(got) == sorted([(0xC1, b"one"), (0x8A, b"?"), (0xC1, b"two two two")])
        assert await client.close() == (1000, "")


async def test_concurrent_and_cancelled_senders_keep_the_stream_valid() -> None:
    """Writers wait for a slow reader, and some give up: all messages that arrive are whole, and inflate."""
    app = App(__name__)
    sent: list[str] = []

    @app.websocket("/", compression="deflate", write_high_water=4096)
    async def flood() -> None:
        await websocket.accept()

        async def send(number: int) -> None:
            # Half of it repeats; the other half is incompressible.
            message = f"{number} " + "the same again " * 50 + random.Random(number).randbytes(2000).hex()
            await websocket.send(message)
            sent.append(message)

        socket = asyncio.current_task()
        assert socket is not None
        tasks = [asyncio.create_task(send(number)) for number in range(2000)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for task in tasks[::3]:
            task.cancel()
        ready.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        await websocket.send("the last")

    ready = asyncio.Event()
    async with run_emmett(app) as running, connect(running.port) as client:
        await client.upgrade("/", OFFER)
        await ready.wait()
        receiver = Peer()
        received: list[str] = []
        while not received or received[-1] != "the last":
            _, message = await read_compressed(client, receiver)
            received.append(message.decode())
        assert received[:-1] == sent
        assert 1300 <= len(sent) < 2000, "some gave up, and waited before"


async def test_a_random_conversation_is_echoed() -> None:
    """Messages of all kinds and sizes, in fragments or not, some compressed and some not."""
    dice = random.Random(7)
    words = ["alpha", "beta", "gamma", "\N{SNOWMAN}", "delta" * 40]
    async with raw(compression_min_size=30, compression_memory_level=1) as (client, _):
        sender, receiver = Peer(window_bits=12, memory_level=2), Peer(window_bits=12)
        expected = []
        for _ in range(300):
            message = " ".join(dice.choices(words, k=dice.randrange(60))).encode()
            opcode = TEXT
            if dice.random() < 0.2:
                opcode, message = BINARY, dice.randbytes(dice.randrange(3000))
            if dice.random() < 0.7:
                payload = sender.compress(message)
                cuts = [dice.randrange(len(payload) + 1) for _ in range(dice.randrange(4))]
                client.write(b"".join(compressed_fragments(payload, cuts, opcode)))
            else:
                client.write(client_frame(opcode, message))
            compressed = 0x40 if len(message) >= 30 else 0
            expected.append((0x80 | compressed | opcode, message))
        assert [await read_compressed(client, receiver) for _ in expected] == expected
