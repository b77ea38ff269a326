"""Sessions in Redis or Valkey: on one server, or on the primary of a service with Sentinels."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import SSLConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from ..errors import ConfigurationError
from ..redis_urls import RedisURL, SentinelURL, is_sentinel_url, parse_redis_url, parse_sentinel_url
from .ports import StoreUnavailable

# The least seconds between two log lines about error replies of the server.
LOGGED_EVERY = 60.0

logger = logging.getLogger("emmett.session")


class RedisStore:
    """A store on a server that several processes share.

    It connects when it is first used, and again when the connection has been lost. Every command has a deadline.

    Arguments:
        url: `redis://host:port/0`, `rediss://` (TLS), `unix:///path`, or `redis+sentinel://host:port,host:port/service`.
        prefix: the prefix of each key.
        timeout: seconds for one command, including the wait for a connection.
        max_connections: the most connections; further commands wait for one.

    Raises:
        ConfigurationError: the URL is invalid. The message does not show it, because it may contain a password.
    """

    def __init__(self, url: str, *, prefix: str, timeout: float, max_connections: int) -> None:
        try:
            self._url = parse_sentinel_url(url) if is_sentinel_url(url) else parse_redis_url(url)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"session store: {error}; allowed are redis://host:port/0, rediss://…, unix:///path and "
                "redis+sentinel://host:port,host:port/service"
            ) from None
        self._prefix = prefix
        self._timeout = timeout
        self._max_connections = max_connections
        self._unavailable = False
        self._log_next = 0.0
        self._client: _Connections | None = None

    async def get(self, key: str) -> bytes | None:
        """See `Store.get`."""
        value = await self._ask(lambda client: client.get(self._prefix + key))
        return value if isinstance(value, bytes) else None

    async def put(self, key: str, value: bytes, seconds: float, *, replace: bool) -> bool:
        """See `Store.put`."""
        milliseconds = max(1, int(seconds * 1000))
        kept = await self._ask(lambda client: client.set(self._prefix + key, value, px=milliseconds, xx=replace))
        return bool(kept)

    async def delete(self, key: str) -> bool:
        """See `Store.delete`."""
        return bool(await self._ask(lambda client: client.delete(self._prefix + key)))

    async def shutdown(self) -> None:
        """See `Store.shutdown`."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _ask(self, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        if self._client is None:
            # Connections belong to an event loop, so they are created on the running one.
            self._client = _Connections(self._url, self._timeout, self._max_connections)
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._client.run(command)
        except ResponseError as error:
            self._note_refusal(error)
            raise StoreUnavailable from None
        except (RedisError, OSError, TimeoutError) as error:
            self._note_silence(error)
            raise StoreUnavailable from None
        if self._unavailable:
            self._unavailable = False
            logger.info("session store: it answers again")
        return answer

    def _note_silence(self, error: Exception) -> None:
        """Log that the store does not answer: once, not for each request that needs it."""
        if not self._unavailable:
            self._unavailable = True
            logger.error(
                "session store: no answer (%s: %s); requests with a session get 503", type(error).__name__, error
            )

    def _note_refusal(self, error: Exception) -> None:
        """Log an error reply of the store: at most once a minute, since other requests may succeed."""
        if time.monotonic() >= self._log_next:
            self._log_next = time.monotonic() + LOGGED_EVERY
            logger.error("session store: refused (%s: %s); the request gets 503", type(error).__name__, error)


class _Connections:
    """The connections of one event loop."""

    def __init__(self, url: RedisURL | SentinelURL, timeout: float, max_connections: int) -> None:
        common: dict[str, Any] = {
            "socket_timeout": timeout,
            "socket_connect_timeout": timeout,
            # One retry: a connection that was idle while the server restarted fails once, and is then reopened.
            "retry": Retry(NoBackoff(), 1),
            "decode_responses": False,
        }
        self._sentinel: Sentinel | None = None
        # The pool for Sentinel raises an error in cases in which that for one server waits.
        self._slots = asyncio.Semaphore(max_connections)
        if isinstance(url, RedisURL):
            options = {**url.options, **common, "connection_class": url.kind}
            pool = BlockingConnectionPool(max_connections, timeout, **options)
            self._redis = Redis(connection_pool=pool)
        else:
            self._sentinel = _make_sentinel(url, common)
            self._redis = self._sentinel.master_for(url.service)

    async def run(self, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        """Run a command on a free connection, or wait for one."""
        async with self._slots:
            return await command(self._redis)

    async def close(self) -> None:
        """Close all connections."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.aclose(close_connection_pool=True)
        for sentinel in self._sentinel.sentinels if self._sentinel is not None else ():
            with contextlib.suppress(RedisError, OSError):
                await sentinel.aclose(close_connection_pool=True)


def _make_sentinel(url: SentinelURL, common: dict[str, Any]) -> Sentinel:
    tls = {"ssl": True} if issubclass(url.server.kind, SSLConnection) else {}
    where = [(each.options["host"], each.options["port"]) for each in url.sentinels]
    fixed = {"host", "port"}
    of_sentinels = {name: value for name, value in url.sentinels[0].options.items() if name not in fixed}
    of_servers = {name: value for name, value in url.server.options.items() if name not in fixed}
    # Each Sentinel gets a share of the time, because the first ones may not answer.
    part = common["socket_timeout"] / (len(where) + 1)
    timeouts = {"socket_timeout": part, "socket_connect_timeout": part}
    kwargs = {"sentinel_kwargs": {**of_sentinels, **tls, **timeouts}, **of_servers, **tls, **common}
    return Sentinel(where, **kwargs)  # type: ignore[no-untyped-call]
