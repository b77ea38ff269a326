"""Servers reached over TLS: `ca=` names the certificates to trust, for channels and for sessions."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from emmett.channels.brokers.port import Needs
from emmett.channels.brokers.redis import RedisBroker
from emmett.errors import BrokerRefused
from emmett.sessions import StoreUnavailable
from emmett.sessions.redis_store import RedisStore
from tests.channels.brokers.clock import RecordingListener
from tests.channels.brokers.redis.nodes import running
from tests.sessions.store_contract import keeps_and_forgets
from tests.valkey import Valkey


@contextlib.asynccontextmanager
async def over_tls(valkey: Valkey, authority: trustme.CA) -> AsyncIterator[int]:
    """Terminate TLS for a server, as stunnel would, while the block runs; yields the port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    tasks: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(valkey.url.removeprefix("unix://"))
        for source, target in ((reader, inner_writer), (inner_reader, writer)):
            tasks.add(asyncio.create_task(copy(source, target)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await server.wait_closed()


async def test_ca_names_the_trusted_certificates(first_valkey: Valkey, tmp_path: Path) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    async with over_tls(first_valkey, authority) as port:
        url = f"rediss://127.0.0.1:{port}"
        async with running(f"{url}?ca={file}") as (broker, listener):
            assert await broker.check(Needs(history=True, presence=True)) > 0
            assert listener.said == []
        with pytest.raises(BrokerRefused, match=r"certificate verify failed.*ca="):
            await RedisBroker(url, timeout=2).start(RecordingListener())
        store = RedisStore(f"{url}?ca={file}", prefix="tls:", timeout=5, max_connections=2)
        await keeps_and_forgets(store)
        await store.shutdown()
        store = RedisStore(url, prefix="tls:", timeout=5, max_connections=2)
        with pytest.raises(StoreUnavailable):
            await store.get("a")
        await store.shutdown()


async def test_a_server_without_tls_is_reported() -> None:
    """The server takes the ClientHello for a command."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"-ERR unknown command\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        with pytest.raises(BrokerRefused, match="check the scheme in the URL"):
            await RedisBroker(f"rediss://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=2).start(
                RecordingListener()
            )
