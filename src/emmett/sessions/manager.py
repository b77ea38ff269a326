"""`SessionManager`: creates session pipes for each kind of storage."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal, TypeAlias

from ..errors import ConfigurationError
from .cookie import SessionCookie, default_name
from .pipe import SessionPipe
from .ports import Store

SameSite: TypeAlias = Literal["Strict", "Lax", "None"]


class SessionManager:
    """Creates the pipe that provides `emmett.session` to the handlers of a pipeline.

    All kinds take:
        expire: seconds that a session lives after it was last sent; it is sent again when it has changed, or when
            half of this time has passed.
        secure: send the cookie only over TLS. Unless you set `domain` or `cookie_name`, browsers then accept it from
            this host only (because of the prefix `__Host-`).
        samesite: whether the cookie is sent with requests that other sites cause: `Strict`, `Lax` or `None`.
        domain: the domain whose hosts all receive the cookie; None for this host only.
        cookie_name: its name; two applications on one host need different ones.
        close_expired: close websockets with 4401 when their session has expired; otherwise they stay open.

    All kinds raise `ConfigurationError` for invalid arguments.
    """

    @classmethod
    def cookies(
        cls,
        key: str | bytes | Sequence[str | bytes],
        expire: float = 3600,
        secure: bool = False,
        samesite: SameSite = "Lax",
        domain: str | None = None,
        cookie_name: str | None = None,
        close_expired: bool = False,
    ) -> SessionPipe:
        """Keep each session in its cookie, encrypted and authenticated. Nothing is stored on the server.

        Arguments:
            key: the secret, at least 16 random characters or bytes. To replace a secret, pass several: the first one
                seals, and all of them open.
        """
        # Imported here: cryptography is needed for this kind only.
        from .sealed import SealedKeeper, Sealer

        cookie = _make_cookie(expire, secure, samesite, domain, cookie_name)
        keeper = SealedKeeper(Sealer(key, cookie.name), expire, time.time)
        return SessionPipe(cookie, keeper, time.time, close_expired=close_expired)

    @classmethod
    def memory(
        cls,
        expire: float = 3600,
        max_sessions: int = 100_000,
        *,
        max_size: int = 65_536,
        secure: bool = False,
        samesite: SameSite = "Lax",
        domain: str | None = None,
        cookie_name: str | None = None,
        close_expired: bool = False,
    ) -> SessionPipe:
        """Keep the sessions in the memory of this process. They end with it.

        Arguments:
            max_sessions: the most sessions to keep; above it, those saved longest ago are dropped.
            max_size: the most bytes of one session, as JSON.
        """
        from .memory_store import MemoryStore

        cookie = _make_cookie(expire, secure, samesite, domain, cookie_name)
        _check_count("max_sessions", max_sessions)
        return _stored(cookie, MemoryStore(max_sessions, time.time), max_size, close_expired)

    @classmethod
    def redis(
        cls,
        url: str,
        expire: float = 3600,
        prefix: str = "emmett:session:",
        *,
        timeout: float = 2.0,
        max_connections: int = 50,
        max_size: int = 65_536,
        secure: bool = False,
        samesite: SameSite = "Lax",
        domain: str | None = None,
        cookie_name: str | None = None,
        close_expired: bool = False,
    ) -> SessionPipe:
        """Keep the sessions in Redis or Valkey, for all processes that use it. Needs `pip install redis`.

        Register `app.on_shutdown(sessions.shutdown)` to close its connections.

        Arguments:
            url: `redis://host:port/0`, `rediss://…` for TLS, `unix:///path`; `redis+sentinel://host:port/service` for
                the primary of a service, which is found through Sentinels.
            prefix: the prefix of each key.
            timeout: seconds for one command; a request is answered with 503 if the store does not answer in time.
            max_connections: the most connections to it.
            max_size: the most bytes of one session, as JSON.
        """
        cookie = _make_cookie(expire, secure, samesite, domain, cookie_name)
        _check_count("max_connections", max_connections)
        if not timeout > 0:
            raise ConfigurationError(f"session timeout={timeout!r}: expected more than 0 seconds")
        try:
            from .redis_store import RedisStore
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "redis":
                raise
            raise ConfigurationError(
                "SessionManager.redis() needs the package redis: pip install 'redis[hiredis]'"
            ) from None
        store = RedisStore(url, prefix=prefix, timeout=timeout, max_connections=max_connections)
        return _stored(cookie, store, max_size, close_expired)


def _make_cookie(
    expire: float, secure: bool, samesite: str, domain: str | None, cookie_name: str | None
) -> SessionCookie:
    name = default_name(secure=secure, domain=domain) if cookie_name is None else cookie_name
    return SessionCookie(name, expire, secure, samesite, domain)


def _stored(cookie: SessionCookie, store: Store, max_size: int, close_expired: bool) -> SessionPipe:
    from .stored import StoredKeeper

    _check_count("max_size", max_size)
    keeper = StoredKeeper(store, cookie.expire, max_size, time.time)
    return SessionPipe(cookie, keeper, time.time, close_expired=close_expired)


def _check_count(name: str, value: int) -> None:
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"session {name}={value!r}: expected a whole number of 1 or more")
