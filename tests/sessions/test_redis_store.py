"""The store in Redis, against a real Valkey server that dies, is silent, or answers cancelled commands."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

import pytest

from emmett.errors import ConfigurationError
from emmett.sessions import StoreUnavailable
from emmett.sessions.redis_store import RedisStore
from tests.channels.brokers.redis.services import running_service
from tests.sessions.store_contract import keeps_and_forgets
from tests.valkey import Valkey


@contextlib.asynccontextmanager
async def store(valkey: Valkey, seconds: float = 5, max_connections: int = 4) -> AsyncIterator[RedisStore]:
    made = RedisStore(valkey.url, prefix="p:", timeout=seconds, max_connections=max_connections)
    try:
        yield made
    finally:
        await made.shutdown()


def clients(valkey: Valkey) -> int:
    with valkey.client() as client:
        return len(client.client_list()) - 1


@pytest.mark.loops("asyncio", "uvloop")
async def test_the_store_keeps_the_contract(valkey: Valkey) -> None:
    async with store(valkey) as redis:
        await keeps_and_forgets(redis)


async def test_keys_have_the_prefix_and_expire_on_the_server(valkey: Valkey) -> None:
    async with store(valkey) as redis:
        await redis.put("a", b"x", 1.5, replace=False)
        await redis.put("b", b"x", 100, replace=False)
    with valkey.client() as client:
        assert sorted(client.keys()) == [b"p:a", b"p:b"]
        assert 0 < client.pttl("p:a") <= 1500
        assert 90_000 < client.pttl("p:b") <= 100_000


async def test_a_connection_is_opened_on_demand_and_closed_at_the_end(valkey: Valkey) -> None:
    before = clients(valkey)
    async with store(valkey) as redis:
        assert clients(valkey) == before
        await redis.get("a")
        assert clients(valkey) == before + 1
    async with asyncio.timeout(10):
        while clients(valkey) != before:  # noqa: ASYNC110 - the server does not announce it
            await asyncio.sleep(0)


async def test_the_number_of_connections_is_limited(valkey: Valkey) -> None:
    before = clients(valkey)
    async with store(valkey) as redis:
        assert await asyncio.gather(*(redis.put(str(i), b"x", 60, replace=False) for i in range(200))) == [True] * 200
        assert clients(valkey) - before <= 4


async def test_a_killed_server_is_unavailable_until_it_is_back(
    own_valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "emmett.session")
    async with store(own_valkey) as redis:
        await redis.put("a", b"x", 60, replace=False)
        own_valkey.kill()
        for _ in range(20):
            with pytest.raises(StoreUnavailable) as raised:
                await redis.get("a")
            assert raised.value.status == 503
        (line,) = caplog.records
        assert (line.levelname, line.exc_info) == ("ERROR", None)
        assert "no answer" in line.getMessage()
        own_valkey.start()
        assert await redis.get("a") is None
        assert await redis.put("a", b"y", 60, replace=False)
        assert [line.getMessage() for line in caplog.records[1:]] == ["session store: it answers again"]


async def test_no_request_fails_after_a_restart_of_the_server(own_valkey: Valkey) -> None:
    async with store(own_valkey) as redis:
        await redis.put("a", b"x", 60, replace=False)
        own_valkey.kill()
        own_valkey.start()
        assert await redis.get("a") is None


async def test_a_silent_server_is_unavailable(own_valkey: Valkey) -> None:
    async with store(own_valkey, seconds=0.05) as redis:
        with contextlib.suppress(StoreUnavailable):
            await redis.put("a", b"x", 60, replace=False)
        with own_valkey.paused(), pytest.raises(StoreUnavailable):
            await redis.get("a")
    async with store(own_valkey) as redis:
        assert await redis.put("a", b"y", 60, replace=False)
        assert await redis.get("a") == b"y"


async def test_the_answer_of_a_cancelled_command_is_dropped(own_valkey: Valkey) -> None:
    async with store(own_valkey, max_connections=1) as redis:
        for name in ("ann", "bob"):
            await redis.put(name, name.encode(), 60, replace=False)
        for _ in range(20):
            with own_valkey.paused():
                asking = asyncio.create_task(redis.get("ann"))
                # The command has been sent.
                for _ in range(20):
                    await asyncio.sleep(0)
                asking.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asking
            assert await redis.get("bob") == b"bob"


async def test_an_error_of_the_server_means_unavailable(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    with valkey.client() as client:
        client.lpush("p:a", "a list")
    async with store(valkey) as redis:
        with pytest.raises(StoreUnavailable):
            await redis.get("a")
    assert "WRONGTYPE" in caplog.text


async def test_errors_of_the_server_are_logged_once_a_minute(valkey: Valkey, caplog: pytest.LogCaptureFixture) -> None:
    """One key may be wrong while the others work, so neither each request nor each change is logged."""
    caplog.set_level(logging.INFO, "emmett.session")
    with valkey.client() as client:
        client.lpush("p:a", "a list")
    async with store(valkey) as redis:
        for _ in range(20):
            with pytest.raises(StoreUnavailable):
                await redis.get("a")
            assert await redis.get("b") is None
        redis._log_next = 0.0
        with pytest.raises(StoreUnavailable):
            await redis.get("a")
    assert [line.getMessage().split(" (")[0] for line in caplog.records] == ["session store: refused"] * 2


async def test_sentinels_lead_to_the_primary(caplog: pytest.LogCaptureFixture) -> None:
    """The store finds the primary, and the replica that takes over from it."""
    with running_service(password="pw", sentinel_password="other") as service:
        url = f"{service.url}?sentinel_password=other"
        redis = RedisStore(url, prefix="p:", timeout=5, max_connections=2)
        await keeps_and_forgets(redis)
        answers = await asyncio.gather(*(redis.put(str(i), b"x", 60, replace=False) for i in range(50)))
        assert answers == [True] * 50
        before = service.primary("other")
        service.servers[0].kill()
        while service.primary("other") == before:  # noqa: ASYNC110 - Sentinels do not announce it
            await asyncio.sleep(0.05)
        kept = None
        while kept is None:
            with contextlib.suppress(StoreUnavailable):
                kept = await redis.put("after", b"x", 60, replace=False)
        assert await redis.get("after") == b"x"
        await redis.shutdown()
        wrong = RedisStore(service.url, prefix="p:", timeout=2, max_connections=1)
        with pytest.raises(StoreUnavailable):
            await wrong.get("a")
        await wrong.shutdown()
    assert "other" not in caplog.text


async def test_a_server_of_another_protocol_is_unavailable() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"\x80\x04N.\r\nHTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        redis = RedisStore(f"redis://127.0.0.1:{port}", prefix="", timeout=5, max_connections=1)
        with pytest.raises(StoreUnavailable):
            await redis.get("a")
        await redis.shutdown()


async def test_a_port_without_a_server_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{taken.getsockname()[1]}"
        redis = RedisStore(url, prefix="", timeout=5, max_connections=1)
        with pytest.raises(StoreUnavailable):
            await redis.put("a", b"x", 60, replace=False)
        await redis.shutdown()


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="says pasword=…") as raised:
        RedisStore("redis://host?pasword=hunter2", prefix="", timeout=5, max_connections=1)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("url", ["", "localhost:6379", "http://user:hunter2@host", "redis://:hunter2@host:port"])
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="redis://host:port/0") as raised:
        RedisStore(url, prefix="", timeout=5, max_connections=1)
    assert "hunter2" not in str(raised.value)
