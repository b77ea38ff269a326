"""Sessions in Redis or Valkey. The only module that imports redis-py."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ..errors import ConfigurationError
from .ports import StoreUnavailable

logger = logging.getLogger("emmett.session")


class RedisStore:
    """A store on a server that several processes share.

    It connects when it is first used, and again after it was lost. Every command has a deadline.

    Arguments:
        url: `redis://`, `rediss://` (TLS) or `unix://`, as redis-py reads it.
        prefix: stands before each key.
        timeout: seconds for one command, waiting for a connection included.
        max_connections: the most connections; more commands at once wait for one.

    Raises:
        ConfigurationError: the URL cannot be read. It is not shown, as it may hold a password.
    """

    def __init__(self, url: str, *, prefix: str, timeout: float, max_connections: int) -> None:
        self._url = url
        self._prefix = prefix
        self._timeout = timeout
        self._max_connections = max_connections
        self._unavailable = False
        # Connections belong to an event loop; without any, a pool can be made before there is one.
        self._client: Redis | None = self._make_client()

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
            await client.aclose(close_connection_pool=True)

    def _make_client(self) -> Redis:
        try:
            pool = BlockingConnectionPool.from_url(
                self._url,
                max_connections=self._max_connections,
                timeout=self._timeout,
                socket_timeout=self._timeout,
                socket_connect_timeout=self._timeout,
                # A connection that idled while the server was restarted is found dead once, then made anew.
                retry=Retry(NoBackoff(), 1),
                decode_responses=False,
            )
        except ValueError:
            raise ConfigurationError(
                "session store: the URL cannot be read; allowed are redis://host:port/0, rediss://… and unix:///path"
            ) from None
        return Redis(connection_pool=pool)

    async def _ask(self, command: Callable[[Redis], Awaitable[Any]]) -> Any:
        if self._client is None:
            self._client = self._make_client()
        try:
            async with asyncio.timeout(self._timeout):
                answer = await command(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            self._note(error)
            raise StoreUnavailable from None
        if self._unavailable:
            self._unavailable = False
            logger.info("session store: answers again")
        return answer

    def _note(self, error: Exception) -> None:
        """Log that the store does not answer: once, not for each request that would have needed it."""
        if not self._unavailable:
            self._unavailable = True
            logger.error(
                "session store: no answer (%s: %s); requests with a session get 503", type(error).__name__, error
            )
